import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runPython } from '../services/python.js'
import { unpackForeignTables } from './foreign-tables.js'
import { commit, openTestLakehouse, type TestLakehouse, temporaryFolder } from './test-lakehouse.js'

async function openFilled(): Promise<TestLakehouse & { readonly first: string; readonly old: string }> {
  const test = await openTestLakehouse()
  const { lakehouse, home } = test
  await lakehouse.ensureTable('s.t', {
    columns: [
      { name: 'n', type: 'int' },
      { name: 'k', type: 'string' },
    ],
    partitionBy: [{ column: 'k', transform: 'identity' }],
  })
  const { snapshotId = '' } = await lakehouse.append(
    's.t',
    "SELECT range::INTEGER AS n, chr(97 + range::INTEGER % 3) || ' %' AS k FROM range(9)",
    commit('first'),
  )
  await lakehouse.delete('s.t', [{ column: 'n', op: '=', value: 4 }], commit())
  await lakehouse.tag('s.t', 'start', { snapshotId })
  return { ...test, first: snapshotId, old: join(home, 'lakehouse', 's', 't') }
}

async function python(home: string, script: string): Promise<unknown> {
  const open = `
import json, sys
from pyiceberg.catalog.sql import SqlCatalog
t = SqlCatalog("esteira", uri="sqlite:///" + sys.argv[1] + "/catalog.db").load_table("s.t")
`
  return JSON.parse(await runPython(open + script, [home]))
}

describe('relocate', () => {
  it('moves a table with its history; the old folder goes', async () => {
    const { lakehouse, home, rows, engine, first, old } = await openFilled()
    const target = join(await temporaryFolder(), 'moved here')
    const result = await lakehouse.relocate('s.t', target)
    expect(result).toMatchObject({ from: `file://${old}`, to: `file://${target}`, committed: true })
    expect(result.files).toBeGreaterThan(6)
    expect(existsSync(old)).toBe(false)
    expect(await lakehouse.table('s.t')).toMatchObject({ location: `file://${target}`, rowCount: 8 })
    expect(await rows('SELECT count(*) AS n, sum(n) AS s FROM {s.t}')).toEqual([{ n: 8, s: 32 }])
    const before = await lakehouse.relation('s.t', { snapshotId: first })
    expect(await engine.readRows(`SELECT count(*) AS n FROM ${before}`)).toEqual([{ n: '9' }])
    expect(await lakehouse.append('s.t', 'SELECT 1 AS n', commit('first'))).toMatchObject({ committed: false })
    await lakehouse.append('s.t', "SELECT 100 AS n, 'a %' AS k", commit())
    expect(
      await python(
        home,
        'print(json.dumps([t.scan().to_arrow().num_rows, t.scan().use_ref("start").to_arrow().num_rows, t.location()]))',
      ),
    ).toEqual([9, 9, `file://${target}`])
    expect((await lakehouse.removeOrphans('s.t', { olderThan: new Date(Date.now() + 1e6) })).files).toEqual([])
  })

  it('copies when the old one is to stay, and the old metadata still reads', async () => {
    const { lakehouse, home, old } = await openFilled()
    const pointer = await python(home, 'print(json.dumps(t.metadata_location))')
    await lakehouse.relocate('s.t', `file://${join(await temporaryFolder(), 'copy')}`, { keepOld: true })
    await lakehouse.delete('s.t', [], commit())
    expect(existsSync(old)).toBe(true)
    const told = await runPython(
      'import sys\nfrom pyiceberg.table import StaticTable\nprint(StaticTable.from_metadata(sys.argv[1]).scan().to_arrow().num_rows)',
      [String(pointer)],
    )
    expect(told.trim()).toBe('8')
  })

  it('is done once: the same place again is nothing', async () => {
    const { lakehouse } = await openFilled()
    const target = join(await temporaryFolder(), 't')
    await lakehouse.relocate('s.t', target)
    expect(await lakehouse.relocate('s.t', `${target}/`)).toMatchObject({ committed: false, files: 0 })
  })

  it('takes along what is committed while it copies', async () => {
    const { lakehouse, rows } = await openFilled()
    const target = join(await temporaryFolder(), 't')
    await Promise.all([
      lakehouse.relocate('s.t', target),
      ...[1, 2, 3].map((n) => lakehouse.append('s.t', `SELECT ${n} AS n, 'new' AS k`, commit())),
    ])
    expect(await lakehouse.table('s.t')).toMatchObject({ location: `file://${target}` })
    expect(await rows("SELECT count(*) AS n FROM {s.t} WHERE k = 'new'")).toEqual([{ n: 3 }])
  })

  it('refuses folders that hold something, or lie in a table, and changes nothing', async () => {
    const { lakehouse, home, old } = await openFilled()
    await lakehouse.ensureTable('s.other', { columns: [{ name: 'n', type: 'int' }] })
    const full = await temporaryFolder()
    writeFileSync(join(full, 'file'), '')
    const usage = { code: 'ESTEIRA_USAGE' }
    await expect(lakehouse.relocate('s.t', full)).rejects.toMatchObject(usage)
    await expect(lakehouse.relocate('s.t', join(home, 'lakehouse', 's', 'other', 'x'))).rejects.toMatchObject(usage)
    await expect(lakehouse.relocate('s.t', join(home, 'lakehouse'))).rejects.toMatchObject(usage)
    await expect(lakehouse.relocate('s.t', join(old, 'inside'))).rejects.toMatchObject(usage)
    await expect(lakehouse.relocate('s.t', ' ')).rejects.toMatchObject(usage)
    await expect(lakehouse.relocate('s.t', 's3://bucket/t')).rejects.toMatchObject({ code: 'ESTEIRA_UNSUPPORTED' })
    expect(await lakehouse.table('s.t')).toMatchObject({ location: `file://${old}`, rowCount: 8 })
  })

  it('leaves nothing at the new place when it fails', async () => {
    const { lakehouse, old } = await openFilled()
    const data = join(old, 'data')
    const [partition = ''] = readdirSync(data)
    const [file = ''] = readdirSync(join(data, partition))
    const { rmSync } = await import('node:fs')
    rmSync(join(data, partition, file))
    const target = join(await temporaryFolder(), 't')
    await expect(lakehouse.relocate('s.t', target)).rejects.toMatchObject({ code: 'ESTEIRA_TABLE_CORRUPT' })
    expect(existsSync(target)).toBe(false)
    expect(await lakehouse.table('s.t')).toMatchObject({ location: `file://${old}` })
  })

  it.each(['spark-merge-on-read-file', 'trino-merge'])('writes the paths in delete files anew: %s', async (fixture) => {
    const { lakehouse, home, engine } = await openTestLakehouse()
    const metadata = (await unpackForeignTables(`${home}/foreign`, [fixture]))[fixture] ?? ''
    await lakehouse.register('s.t', metadata, { adopt: true })
    const snapshots = (await lakehouse.snapshots('s.t')).map(({ snapshotId }) => snapshotId)
    const readAll = () =>
      Promise.all(
        snapshots.map(async (snapshotId) =>
          engine.readRows(`SELECT * FROM ${await lakehouse.relation('s.t', { snapshotId })} ORDER BY ALL`),
        ),
      )
    const before = await readAll()
    const { from } = await lakehouse.relocate('s.t', join(home, 'new place'))
    expect(existsSync(from.replace('file://', ''))).toBe(false)
    const fresh = await openTestLakehouse({ home })
    for (const [index, snapshotId] of snapshots.entries()) {
      const relation = await fresh.lakehouse.relation('s.t', { snapshotId })
      expect(await fresh.engine.readRows(`SELECT * FROM ${relation} ORDER BY ALL`)).toEqual(before[index])
    }
    expect(await python(home, 'print(json.dumps(t.scan().to_arrow().num_rows))')).toBe(before.at(-1)?.length)
  })
})
