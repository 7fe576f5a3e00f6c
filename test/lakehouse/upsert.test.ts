import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { runPython } from '../services/python.js'
import { commit, openTestEngine, openTestLakehouse } from './test-lakehouse.js'

const COLUMNS = [
  { name: 'k', type: 'string' },
  { name: 'd', type: 'date' },
  { name: 'v', type: 'int' },
] as const

/** Customers `c0`, `c1`, … of one day. */
function customers(from: number, to: number, value: number, day = '2024-01-01'): string {
  return `SELECT 'c' || range AS k, DATE '${day}' AS d, ${value}::INTEGER AS v FROM range(${from}, ${to})`
}

describe('upsert', () => {
  it('replaces rows whose key the table has and adds the others, in one commit', async () => {
    const { lakehouse, rows } = await openTestLakehouse()
    await lakehouse.ensureTable('s.t', { columns: COLUMNS })
    await lakehouse.append('s.t', customers(0, 5, 1), commit())
    const result = await lakehouse.upsert('s.t', ['k'], customers(3, 8, 2, '2024-02-02'), commit())
    expect(result).toEqual({
      snapshotId: expect.stringMatching(/^\d+$/),
      committed: true,
      rowsAdded: 5,
      rowsRemoved: 2,
      rowsInserted: 3,
      rowsUpdated: 2,
    })
    expect(await rows('SELECT v, count(*) AS n, min(k) AS low, max(d) AS d FROM {s.t} GROUP BY v ORDER BY v')).toEqual([
      { v: 1, n: 3, low: 'c0', d: '2024-01-01' },
      { v: 2, n: 5, low: 'c3', d: '2024-02-02' },
    ])
    expect((await lakehouse.snapshots('s.t')).map(({ operation }) => operation)).toEqual(['append', 'overwrite'])
  })

  it('finds a key that is NaN, which bounds leave out', async () => {
    const { lakehouse, rows } = await openTestLakehouse()
    await lakehouse.ensureTable('s.t', { columns: [{ name: 'k', type: 'double' }, COLUMNS[2]] })
    await lakehouse.append('s.t', "SELECT unnest(['nan'::DOUBLE, 1, 5]) AS k, unnest([1, 2, 3]) AS v", commit())
    const given = "SELECT unnest(['nan'::DOUBLE, 100]) AS k, unnest([10, 20]) AS v"
    expect(await lakehouse.upsert('s.t', ['k'], given, commit())).toMatchObject({ rowsInserted: 1, rowsUpdated: 1 })
    expect(await rows('SELECT v FROM {s.t} ORDER BY v')).toEqual([{ v: 2 }, { v: 3 }, { v: 10 }, { v: 20 }])
  })

  it('changes tables that have columns named like a file and a position', async () => {
    const { lakehouse, rows } = await openTestLakehouse()
    const columns = [COLUMNS[2], { name: '_file', type: 'string' }, { name: '_pos', type: 'long' }] as const
    await lakehouse.ensureTable('s.t', { columns })
    await lakehouse.append('s.t', "SELECT unnest([1, 2]) AS v, 'x' AS _file, 7 AS _pos", commit())
    const result = await lakehouse.upsert('s.t', ['v'], "SELECT 1 AS v, 'n' AS _file, 0 AS _pos", commit())
    expect(result).toMatchObject({ rowsInserted: 0, rowsUpdated: 1 })
    expect(await lakehouse.delete('s.t', [{ column: 'v', op: '=', value: 2 }], commit())).toMatchObject({
      rowsRemoved: 1,
    })
    expect(await rows('SELECT * FROM {s.t}')).toEqual([{ v: 1, _file: 'n', _pos: 0 }])
  })

  it('takes keys of several columns, and names without regard to case', async () => {
    const { lakehouse, rows } = await openTestLakehouse()
    await lakehouse.ensureTable('s.t', { columns: COLUMNS, partitionBy: [{ column: 'd', transform: 'month' }] })
    await lakehouse.append('s.t', `${customers(0, 3, 1)} UNION ALL ${customers(0, 3, 1, '2024-02-01')}`, commit())
    const result = await lakehouse.upsert('s.t', ['K', 'd'], customers(1, 2, 9, '2024-02-01'), commit())
    expect(result).toMatchObject({ rowsInserted: 0, rowsUpdated: 1, rowsRemoved: 1 })
    expect(await rows('SELECT k, d, v FROM {s.t} WHERE v = 9')).toEqual([{ k: 'c1', d: '2024-02-01', v: 9 }])
    // The file of January cannot hold a key of February.
    expect((await lakehouse.snapshots('s.t')).at(-1)?.summary).toMatchObject({
      'deleted-data-files': '1',
      'total-records': '6',
    })
  })

  it('only appends when no key is known, and does not open files whose keys lie elsewhere', async () => {
    const { lakehouse, home } = await openTestLakehouse()
    await lakehouse.ensureTable('s.t', { columns: COLUMNS })
    await lakehouse.append('s.t', customers(0, 5, 1), commit())
    const folder = join(home, 'lakehouse', 's', 't', 'data')
    for (const file of readdirSync(folder)) rmSync(join(folder, file))
    const result = await lakehouse.upsert('s.t', ['k'], "SELECT 'd1' AS k, 7 AS v", commit())
    expect(result).toMatchObject({ rowsInserted: 1, rowsUpdated: 0, rowsRemoved: 0 })
    expect((await lakehouse.snapshots('s.t')).at(-1)?.operation).toBe('append')
    expect(await lakehouse.table('s.t')).toMatchObject({ rowCount: 6, fileCount: 2 })
    await expect(lakehouse.upsert('s.t', ['k'], "SELECT 'c1' AS k", commit())).rejects.toMatchObject({
      code: 'ESTEIRA_TABLE_CORRUPT',
    })
  })

  it('refuses a key that comes twice, naming examples, and writes nothing', async () => {
    const { lakehouse, home } = await openTestLakehouse()
    await lakehouse.ensureTable('s.t', { columns: COLUMNS })
    await lakehouse.append('s.t', customers(0, 5, 1), commit())
    const files = () => readdirSync(join(home, 'lakehouse', 's', 't', 'data')).length
    const before = files()
    await expect(
      lakehouse.upsert('s.t', ['k'], `${customers(3, 8, 2)} UNION ALL ${customers(7, 9, 3)}`, commit()),
    ).rejects.toMatchObject({
      code: 'ESTEIRA_KEY_DUPLICATE',
      exitCode: 65,
      message: expect.stringContaining('"c7"'),
    })
    expect(files()).toBe(before)
    expect(await lakehouse.snapshots('s.t')).toHaveLength(1)
  })

  it('refuses null keys, no key at all and keys that are no columns', async () => {
    const { lakehouse } = await openTestLakehouse()
    await lakehouse.ensureTable('s.t', { columns: COLUMNS })
    const refused = (key: readonly string[], sql: string, code: string) =>
      expect(lakehouse.upsert('s.t', key, sql, commit())).rejects.toMatchObject({ code })
    await refused(['k'], "SELECT NULL AS k, 1 AS v UNION ALL SELECT 'a', 2", 'ESTEIRA_COLUMN_NULL')
    await refused(['k', 'd'], "SELECT 'a' AS k, NULL AS d", 'ESTEIRA_COLUMN_NULL')
    await refused([], customers(0, 1, 1), 'ESTEIRA_USAGE')
    await refused(['key'], customers(0, 1, 1), 'ESTEIRA_COLUMN_MISSING')
    expect(await lakehouse.snapshots('s.t')).toEqual([])
  })

  it('is one commit for one commit id, with the counts of the first', async () => {
    const { lakehouse } = await openTestLakehouse()
    await lakehouse.ensureTable('s.t', { columns: COLUMNS })
    await lakehouse.append('s.t', customers(0, 5, 1), commit())
    const first = await lakehouse.upsert('s.t', ['k'], customers(3, 8, 2), commit('u1'))
    await lakehouse.upsert('s.t', ['k'], customers(0, 8, 3), commit())
    expect(await lakehouse.upsert('s.t', ['k'], customers(0, 1, 9), commit('u1'))).toEqual({
      ...first,
      committed: false,
    })
    const both = await Promise.all(
      [1, 2, 3].map(() => lakehouse.upsert('s.t', ['k'], customers(6, 10, 4), commit('u2'))),
    )
    expect(both.filter(({ committed }) => committed)).toHaveLength(1)
    expect(both.map(({ rowsInserted, rowsUpdated }) => [rowsInserted, rowsUpdated])).toEqual([
      [2, 2],
      [2, 2],
      [2, 2],
    ])
  })

  it('changes nothing for no rows', async () => {
    const { lakehouse } = await openTestLakehouse()
    await lakehouse.ensureTable('s.t', { columns: COLUMNS })
    await lakehouse.append('s.t', customers(0, 5, 1), commit())
    expect(await lakehouse.upsert('s.t', ['k'], customers(0, 0, 1), commit())).toMatchObject({
      committed: false,
      rowsAdded: 0,
    })
  })

  it('is what PyIceberg reads', async () => {
    const { lakehouse, home } = await openTestLakehouse()
    await lakehouse.ensureTable('s.t', { columns: COLUMNS, partitionBy: [{ column: 'd', transform: 'day' }] })
    await lakehouse.append('s.t', customers(0, 50, 1), commit())
    await lakehouse.upsert('s.t', ['k'], customers(40, 60, 2, '2024-01-02'), commit())
    const told = await runPython(
      `
import json, sys
from pyiceberg.catalog.sql import SqlCatalog
t = SqlCatalog("esteira", uri="sqlite:///" + sys.argv[1] + "/catalog.db").load_table("s.t")
r = t.scan().to_arrow()
print(json.dumps([r.num_rows, len(set(r["k"].to_pylist())), sum(r["v"].to_pylist()), t.scan(row_filter="d = '2024-01-02'").to_arrow().num_rows]))
`,
      [home],
    )
    expect(JSON.parse(told)).toEqual([60, 60, 80, 20])
  })

  it('leaves what MERGE leaves on a plain table, whatever was written before', async () => {
    const { lakehouse, engine } = await openTestLakehouse({ engine: await openTestEngine() })
    const key = fc.integer({ min: 0, max: 9 })
    const step = fc.uniqueArray(fc.tuple(key, fc.integer({ min: 0, max: 99 })), {
      selector: ([k]) => k,
      maxLength: 6,
    })
    let table = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 4 }), async (steps) => {
        const name = `s.m${table++}`
        await lakehouse.ensureTable(name, {
          columns: [
            { name: 'k', type: 'int' },
            { name: 'v', type: 'int' },
          ],
        })
        const model = new Map<number, number>()
        for (const given of steps) {
          const values = given.map(([k, v]) => `(${k}, ${v})`).join(', ')
          const sql =
            given.length === 0 ? 'SELECT 1 AS k, 1 AS v WHERE false' : `SELECT * FROM (VALUES ${values}) AS t(k, v)`
          const known = given.filter(([k]) => model.has(k)).length
          const result = await lakehouse.upsert(name, ['k'], sql, commit())
          expect([result.rowsUpdated, result.rowsInserted]).toEqual([known, given.length - known])
          for (const [k, v] of given) model.set(k, v)
          const read = await engine.readRows(`SELECT k, v FROM ${await lakehouse.relation(name)} ORDER BY k`)
          expect(read.map(({ k, v }) => [k, v])).toEqual([...model].sort(([a], [b]) => a - b))
        }
      }),
      { numRuns: 10, seed: 11 },
    )
  })
})
