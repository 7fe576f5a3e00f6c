import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { decodeManifestList } from '../../packages/lakehouse/src/iceberg/manifest-list.js'
import { runPython } from '../services/python.js'
import { unpackForeignTables } from './foreign-tables.js'
import { commit, openTestLakehouse } from './test-lakehouse.js'

const COLUMNS = [
  { name: 'id', type: 'int' },
  { name: 'day', type: 'date' },
] as const
const BY_MONTH = { columns: COLUMNS, partitionBy: [{ column: 'day', transform: 'month' }] } as const

function someRows(first: number): string {
  return `SELECT (${first} + range)::INTEGER AS id, DATE '2024-01-01' + (range * 10)::INTEGER AS day FROM range(6)`
}

describe('compact', () => {
  it('writes the small files of each partition together, in one commit that changes no row', async () => {
    const { lakehouse, home, rows, engine } = await openTestLakehouse()
    await lakehouse.ensureTable('s.t', BY_MONTH)
    for (let index = 0; index < 5; index++) await lakehouse.append('s.t', someRows(index * 100), commit())
    const before = await lakehouse.relation('s.t')
    const all = await engine.readRows(`SELECT * FROM ${before} ORDER BY ALL`)
    const result = await lakehouse.compact('s.t', {}, commit())
    expect(result).toMatchObject({
      committed: true,
      filesBefore: 10,
      filesAfter: 2,
      deleteFilesRemoved: 0,
      manifestsBefore: 5,
      manifestsAfter: 2,
    })
    expect(result.bytesAfter).toBeLessThan(result.bytesBefore)
    expect(await engine.readRows(`SELECT * FROM ${await lakehouse.relation('s.t')} ORDER BY ALL`)).toEqual(all)
    const last = (await lakehouse.snapshots('s.t')).at(-1)
    expect(last?.operation).toBe('replace')
    expect(last?.summary).toMatchObject({
      'added-records': '30',
      'deleted-records': '30',
      'total-records': '30',
      'total-data-files': '2',
    })
    // The next commit leaves out the manifest that holds nothing but what went.
    await lakehouse.append('s.t', someRows(900), commit())
    expect(await rows('SELECT count(*) AS n FROM {s.t}')).toEqual([{ n: 36 }])
    const told = await runPython(
      `
import json, sys
from pyiceberg.catalog.sql import SqlCatalog
t = SqlCatalog("esteira", uri="sqlite:///" + sys.argv[1] + "/catalog.db").load_table("s.t")
print(json.dumps([t.scan().to_arrow().num_rows, t.inspect.files().num_rows, len(t.current_snapshot().manifests(t.io)),
  t.scan(snapshot_id=t.history()[-2].snapshot_id, row_filter="id < 100").to_arrow().num_rows]))
`,
      [home],
    )
    expect(JSON.parse(told)).toEqual([36, 4, 2, 6])
  })

  it('is done when it is done: again, and with the same commit id, nothing changes', async () => {
    const { lakehouse } = await openTestLakehouse()
    await lakehouse.ensureTable('s.t', BY_MONTH)
    for (let index = 0; index < 3; index++) await lakehouse.append('s.t', someRows(index), commit())
    const first = await lakehouse.compact('s.t', {}, commit('tidy'))
    expect(await lakehouse.compact('s.t', {}, commit('tidy'))).toEqual({ ...first, committed: false })
    const again = await lakehouse.compact('s.t', {}, commit())
    expect(again).toMatchObject({ committed: false, filesBefore: 2, filesAfter: 2 })
    expect(await lakehouse.snapshots('s.t')).toHaveLength(4)
  })

  it('packs files up to the target size and leaves large ones alone', async () => {
    const { lakehouse } = await openTestLakehouse()
    await lakehouse.ensureTable('s.t', { columns: [{ name: 'x', type: 'double' }] })
    const fill = (n: number) => `SELECT hash(range)::DOUBLE AS x FROM range(${n})`
    await lakehouse.append('s.t', fill(20_000), commit())
    for (let index = 0; index < 8; index++) await lakehouse.append('s.t', fill(1_000), commit())
    const { sizeBytes = 0 } = (await lakehouse.table('s.t')) ?? {}
    // The large file has more than half of all bytes; four small ones fit into a target of a fifth.
    const result = await lakehouse.compact('s.t', { targetBytes: sizeBytes / 5 }, commit())
    expect(result).toMatchObject({ committed: true, filesBefore: 9 })
    expect(result.filesAfter).toBeGreaterThan(1)
    expect(result.filesAfter).toBeLessThan(6)
    expect((await lakehouse.snapshots('s.t')).at(-1)?.summary).toMatchObject({ 'added-records': '8000' })
    await expect(lakehouse.compact('s.t', { targetBytes: 0 }, commit())).rejects.toMatchObject({
      code: 'ESTEIRA_USAGE',
    })
  })

  it('touches only the files of a slice', async () => {
    const { lakehouse } = await openTestLakehouse()
    await lakehouse.ensureTable('s.t', BY_MONTH)
    for (let index = 0; index < 4; index++) await lakehouse.append('s.t', someRows(index), commit())
    const slice = [{ column: 'day', op: '>=', value: '2024-02-01' }] as const
    expect(await lakehouse.compact('s.t', { slice }, commit())).toMatchObject({ filesBefore: 8, filesAfter: 5 })
  })

  it('sorts what it writes when the table has a sort order', async () => {
    const { lakehouse, engine } = await openTestLakehouse()
    await lakehouse.ensureTable('s.t', { columns: COLUMNS })
    for (let index = 0; index < 4; index++) await lakehouse.append('s.t', someRows((index * 7) % 4), commit())
    await lakehouse.evolve('s.t', [{ op: 'sort by', fields: [{ column: 'id', direction: 'desc' }, { column: 'day' }] }])
    await lakehouse.compact('s.t', {}, commit())
    const found = await engine.readRows(`SELECT id FROM ${await lakehouse.relation('s.t')}`)
    const ids = found.map(({ id }) => Number(id))
    expect(ids).toEqual([...ids].sort((a, b) => b - a))
  })

  it('keeps what others commit while it works', async () => {
    const { lakehouse, rows } = await openTestLakehouse()
    await lakehouse.ensureTable('s.t', BY_MONTH)
    for (let index = 0; index < 6; index++) await lakehouse.append('s.t', someRows(index * 10), commit())
    await Promise.all([
      lakehouse.compact('s.t', {}, commit()),
      lakehouse.append('s.t', someRows(1000), commit()),
      lakehouse.delete('s.t', [{ column: 'id', op: '=', value: 3 }], commit()),
      lakehouse.compact('s.t', {}, commit()),
      lakehouse.upsert('s.t', ['id'], "SELECT 11 AS id, DATE '2024-05-05' AS day", commit()),
    ])
    expect(
      await rows(
        "SELECT count(*) AS n, count(DISTINCT id) AS ids, count(*) FILTER (day = DATE '2024-05-05') AS moved FROM {s.t}",
      ),
    ).toEqual([{ n: 41, ids: 41, moved: 1 }])
    const snapshots = await lakehouse.snapshots('s.t')
    expect(snapshots.slice(1).map(({ parentId }) => parentId)).toEqual(
      snapshots.slice(0, -1).map(({ snapshotId }) => snapshotId),
    )
  })

  it.each(['spark-merge-on-read-file', 'spark-merge-on-read-partition', 'trino-merge'])(
    'applies the delete files of another engine for good: %s',
    async (fixture) => {
      const { lakehouse, home, engine } = await openTestLakehouse()
      const metadata = (await unpackForeignTables(`${home}/foreign`, [fixture]))[fixture] ?? ''
      await lakehouse.register('s.t', metadata, { adopt: true })
      const read = async () => engine.readRows(`SELECT * FROM ${await lakehouse.relation('s.t')} ORDER BY ALL`)
      const before = await read()
      const result = await lakehouse.compact('s.t', {}, commit())
      expect(result.deleteFilesRemoved).toBeGreaterThan(0)
      expect(await read()).toEqual(before)
      expect((await lakehouse.snapshots('s.t')).at(-1)?.summary).toMatchObject({
        'total-delete-files': '0',
        'total-position-deletes': '0',
        'total-records': String(before.length),
      })
      const told = await runPython(
        `
import json, sys
from pyiceberg.catalog.sql import SqlCatalog
t = SqlCatalog("esteira", uri="sqlite:///" + sys.argv[1] + "/catalog.db").load_table("s.t")
print(json.dumps([t.scan().to_arrow().num_rows, t.inspect.delete_files().num_rows]))
`,
        [home],
      )
      expect(JSON.parse(told)).toEqual([before.length, 0])
    },
  )
})

describe('append', () => {
  it('merges manifests when there are many, and all rows stay', async () => {
    const { lakehouse, rows } = await openTestLakehouse()
    await lakehouse.ensureTable('s.t', { columns: COLUMNS, properties: { 'commit.manifest.min-count-to-merge': '5' } })
    const counts: number[] = []
    for (let index = 0; index < 14; index++) {
      await lakehouse.append('s.t', someRows(index * 10), commit(`c${index}`))
      counts.push(await manifestCount(lakehouse, 's.t'))
    }
    expect(Math.max(...counts)).toBe(5)
    expect(counts.at(-1)).toBeLessThan(5)
    expect(await rows('SELECT count(*) AS n, count(DISTINCT id) AS ids FROM {s.t}')).toEqual([{ n: 84, ids: 84 }])
    expect(await lakehouse.table('s.t')).toMatchObject({ fileCount: 14 })
    await lakehouse.evolve('s.t', [{ op: 'set', properties: { 'commit.manifest-merge.enabled': 'false' } }])
    for (let index = 0; index < 6; index++) await lakehouse.append('s.t', someRows(500 + index), commit())
    expect(await manifestCount(lakehouse, 's.t')).toBe((counts.at(-1) ?? 0) + 6)
  })
})

async function manifestCount(
  lakehouse: Awaited<ReturnType<typeof openTestLakehouse>>['lakehouse'],
  name: string,
): Promise<number> {
  const { location = '', snapshotId = '' } = (await lakehouse.table(name)) ?? {}
  const folder = fileURLToPath(`${location}/metadata/`)
  const { readdirSync } = await import('node:fs')
  const list = readdirSync(folder).find((file) => file.startsWith(`snap-${snapshotId}-`)) ?? ''
  return decodeManifestList(readFileSync(folder + list), list).length
}
