import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runPython } from '../services/python.js'
import { commit, openTestLakehouse, type TestLakehouse } from './test-lakehouse.js'

const DAY_MS = 86_400_000

interface Aged extends TestLakehouse {
  readonly ids: readonly string[]
  readonly files: () => readonly string[]
}

/** A commit a day for ten days; each replaces the day's whole content. The clock stands at day ten. */
async function openAged(start = Date.UTC(2024, 0, 1)): Promise<Aged> {
  let day = 0
  const now = () => new Date(start + day * DAY_MS)
  const test = await openTestLakehouse({ now })
  await test.lakehouse.ensureTable('s.t', { columns: [{ name: 'n', type: 'int' }] })
  const ids: string[] = []
  for (; day < 10; day++)
    ids.push((await test.lakehouse.replace('s.t', [], `SELECT ${day} AS n`, commit(`day-${day}`))).snapshotId ?? '')
  const folder = join(test.home, 'lakehouse', 's', 't')
  const files = () =>
    readdirSync(folder, { recursive: true })
      .map(String)
      .filter((name) => /\.(parquet|avro)$/.test(name))
  return { ...test, ids, files }
}

describe('expire', () => {
  it('keeps the newest snapshots and removes the files that only the others need', async () => {
    const { lakehouse, ids, files, engine } = await openAged()
    expect(files().filter((name) => name.endsWith('.parquet'))).toHaveLength(10)
    const result = await lakehouse.expire('s.t', { keepLast: 3 })
    expect(result).toMatchObject({ snapshots: ids.slice(0, 7), dataFiles: 7, dryRun: false })
    expect(result.sizeBytes).toBeGreaterThan(0)
    expect(files().filter((name) => name.endsWith('.parquet'))).toHaveLength(3)
    expect(files().filter((name) => name.includes('snap-'))).toHaveLength(3)
    for (const [index, id] of ids.slice(7).entries()) {
      const [row] = await engine.readRows(`SELECT n FROM ${await lakehouse.relation('s.t', { snapshotId: id })}`)
      expect(row).toEqual({ n: 7 + index })
    }
    await expect(lakehouse.relation('s.t', { snapshotId: ids[0] ?? '' })).rejects.toMatchObject({
      code: 'ESTEIRA_TABLE_MISSING',
    })
  })

  it('goes by age, by both together, and by the table itself when nothing is said', async () => {
    const { lakehouse, ids } = await openAged()
    const would = async (options: Parameters<typeof lakehouse.expire>[1]) =>
      (await lakehouse.expire('s.t', { ...options, dryRun: true })).snapshots.length
    expect(await would({ olderThan: new Date('2024-01-04') })).toBe(3)
    expect(await would({ olderThan: new Date('2024-01-09'), keepLast: 6 })).toBe(4)
    expect(await would({ olderThan: new Date('2099-01-01') })).toBe(9)
    expect(await would({})).toBe(5)
    await lakehouse.evolve('s.t', [
      {
        op: 'set',
        properties: {
          'history.expire.max-snapshot-age-ms': String(2 * DAY_MS),
          'history.expire.min-snapshots-to-keep': '4',
        },
      },
    ])
    expect((await lakehouse.expire('s.t')).snapshots).toEqual(ids.slice(0, 6))
    expect((await lakehouse.expire('s.t')).snapshots).toEqual([])
  })

  it('tells what it would do in a dry run, and does nothing', async () => {
    const { lakehouse, files } = await openAged()
    const before = files()
    const told = await lakehouse.expire('s.t', { keepLast: 1, dryRun: true })
    expect(told).toMatchObject({ dataFiles: 9, dryRun: true })
    expect(files()).toEqual(before)
    expect(await lakehouse.snapshots('s.t')).toHaveLength(10)
    expect(await lakehouse.expire('s.t', { keepLast: 1 })).toEqual({ ...told, dryRun: false })
  })

  it('never takes what a tag, a branch or a pin needs', async () => {
    const { lakehouse, ids, engine } = await openAged()
    await lakehouse.tag('s.t', 'audited', { snapshotId: ids[1] ?? '' })
    await lakehouse.branch('s.t', 'old', { snapshotId: ids[3] ?? '' })
    await lakehouse.evolve('s.t', [{ op: 'set', properties: { 'esteira.pin.training-set-1': ids[5] ?? '' } }])
    const result = await lakehouse.expire('s.t', { keepLast: 1 })
    expect(result.snapshots).toEqual([0, 2, 4, 6, 7, 8].map((index) => ids[index]))
    for (const index of [1, 3, 5, 9]) {
      const relation = await lakehouse.relation('s.t', { snapshotId: ids[index] ?? '' })
      expect(await engine.readRows(`SELECT n FROM ${relation}`)).toEqual([{ n: index }])
    }
    await lakehouse.dropRef('s.t', 'audited')
    expect((await lakehouse.expire('s.t', { keepLast: 1 })).snapshots).toEqual([ids[1]])
  })

  it('drops references whose time is over, and their snapshots with them', async () => {
    const { lakehouse, ids } = await openAged()
    await lakehouse.tag('s.t', 'short', { snapshotId: ids[2] ?? '', maxRefAgeMs: 3 * DAY_MS })
    await lakehouse.tag('s.t', 'long', { snapshotId: ids[3] ?? '', maxRefAgeMs: 30 * DAY_MS })
    const result = await lakehouse.expire('s.t', { keepLast: 1 })
    expect(result.snapshots).toContain(ids[2])
    expect(result.snapshots).not.toContain(ids[3])
    expect((await lakehouse.refs('s.t')).map(({ name }) => name)).toEqual(['main', 'long'])
  })

  it('keeps files that a kept snapshot shares with a removed one', async () => {
    const { lakehouse, rows } = await openTestLakehouse()
    await lakehouse.ensureTable('s.t', { columns: [{ name: 'n', type: 'int' }] })
    for (const n of [1, 2, 3, 4]) await lakehouse.append('s.t', `SELECT ${n} AS n`, commit())
    await lakehouse.delete('s.t', [{ column: 'n', op: '=', value: 2 }], commit())
    const result = await lakehouse.expire('s.t', { keepLast: 1 })
    expect(result).toMatchObject({ dataFiles: 1 })
    expect(await rows('SELECT n FROM {s.t} ORDER BY n')).toEqual([{ n: 1 }, { n: 3 }, { n: 4 }])
  })

  it('takes states that were rolled back once they are old', async () => {
    const { lakehouse, ids } = await openAged()
    await lakehouse.rollback('s.t', ids[4] ?? '', commit())
    // A tag keeps its snapshot, not what that was made from.
    await lakehouse.tag('s.t', 'undone', { snapshotId: ids[7] ?? '' })
    const result = await lakehouse.expire('s.t', { olderThan: new Date('2024-01-07'), keepLast: 2 })
    expect(result.snapshots).toEqual([0, 1, 2, 5].map((index) => ids[index]))
  })

  it('does not forget which commits were made', async () => {
    const { lakehouse, rows } = await openAged()
    await lakehouse.append('s.t', 'SELECT 50 AS n UNION ALL SELECT 51', commit('load'))
    await lakehouse.append('s.t', 'SELECT 60 AS n', commit('last'))
    await lakehouse.expire('s.t', { keepLast: 1 })
    expect(await lakehouse.append('s.t', 'SELECT 50 AS n UNION ALL SELECT 51', commit('load'))).toEqual({
      committed: false,
      rowsAdded: 2,
      rowsRemoved: 0,
    })
    expect(await rows('SELECT count(*) AS n FROM {s.t}')).toEqual([{ n: 4 }])
  })

  it('but makes a commit again that a rollback undid', async () => {
    const { lakehouse, ids, rows } = await openAged()
    await lakehouse.tag('s.t', 'before', { snapshotId: ids[8] ?? '' })
    await lakehouse.append('s.t', 'SELECT 50 AS n', commit('load'))
    await lakehouse.append('s.t', 'SELECT 60 AS n', commit('last'))
    await lakehouse.expire('s.t', { keepLast: 1 })
    await lakehouse.rollback('s.t', ids[8] ?? '', commit(), { force: true })
    expect(await lakehouse.append('s.t', 'SELECT 50 AS n', commit('load'))).toMatchObject({ committed: true })
    expect(await lakehouse.replace('s.t', [], 'SELECT 3 AS n', commit('day-3'))).toMatchObject({ committed: false })
    expect(await rows('SELECT n FROM {s.t} ORDER BY n')).toEqual([{ n: 8 }, { n: 50 }])
  })

  it('leaves a table that PyIceberg reads and writes on, with a history that fits', async () => {
    const { lakehouse, home, rows, ids } = await openAged(Date.now() - 11 * DAY_MS)
    await lakehouse.tag('s.t', 'keep', { snapshotId: ids[6] ?? '' })
    await lakehouse.expire('s.t', { keepLast: 2 })
    const told = await runPython(
      `
import json, sys, pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
t = SqlCatalog("esteira", uri="sqlite:///" + sys.argv[1] + "/catalog.db").load_table("s.t")
before = [t.scan().to_arrow()["n"].to_pylist(), t.scan().use_ref("keep").to_arrow()["n"].to_pylist(), len(t.snapshots()), len(t.history())]
t.append(pa.table({"n": pa.array([77], pa.int32())}))
print(json.dumps(before))
`,
      [home],
    )
    expect(JSON.parse(told)).toEqual([[9], [6], 3, 2])
    expect(await rows('SELECT n FROM {s.t} ORDER BY n')).toEqual([{ n: 9 }, { n: 77 }])
  })

  it('refuses options that make no sense, and tables whose files are shared', async () => {
    const { lakehouse } = await openAged()
    await expect(lakehouse.expire('s.t', { keepLast: 0 })).rejects.toMatchObject({ code: 'ESTEIRA_USAGE' })
    await expect(lakehouse.expire('s.t', { olderThan: new Date('x') })).rejects.toMatchObject({ code: 'ESTEIRA_USAGE' })
    await lakehouse.evolve('s.t', [{ op: 'set', properties: { 'gc.enabled': 'false' } }])
    await expect(lakehouse.expire('s.t', { keepLast: 1 })).rejects.toMatchObject({ code: 'ESTEIRA_UNSUPPORTED' })
    expect(await lakehouse.expire('s.t', { keepLast: 1, dryRun: true })).toMatchObject({ dataFiles: 9 })
  })
})
