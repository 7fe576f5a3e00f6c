import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runPython } from '../services/python.js'
import { commit, openTestLakehouse, type TestLakehouse } from './test-lakehouse.js'

const COLUMNS = [
  { name: 'id', type: 'int' },
  { name: 'k', type: 'string' },
  { name: 'day', type: 'date' },
] as const

function rowsFrom(first: number): string {
  return `SELECT (${first} + range)::INTEGER AS id, chr(97 + range::INTEGER % 3) AS k, DATE '2024-01-20' + range::INTEGER AS day FROM range(30)`
}

/** Thirty rows by month, thirty by day, thirty by key: three partitionings in one table. */
async function openEvolved(): Promise<TestLakehouse> {
  const test = await openTestLakehouse()
  const { lakehouse } = test
  await lakehouse.ensureTable('s.t', { columns: COLUMNS, partitionBy: [{ column: 'day', transform: 'month' }] })
  await lakehouse.append('s.t', rowsFrom(0), commit())
  await lakehouse.evolve('s.t', [{ op: 'partition by', fields: [{ column: 'day', transform: 'day' }] }])
  await lakehouse.append('s.t', rowsFrom(100), commit())
  await lakehouse.evolve('s.t', [
    { op: 'drop partition', field: { column: 'day', transform: 'day' } },
    { op: 'add partition', field: { column: 'k', transform: 'identity' } },
  ])
  await lakehouse.append('s.t', rowsFrom(200), commit())
  return test
}

async function python(home: string, script: string): Promise<unknown> {
  const open = `
import json, sys
from pyiceberg.catalog.sql import SqlCatalog
t = SqlCatalog("esteira", uri="sqlite:///" + sys.argv[1] + "/catalog.db").load_table("s.t")
def count(f): return t.scan(row_filter=f).to_arrow().num_rows
def files(f): return len(list(t.scan(row_filter=f).plan_files()))
`
  return JSON.parse(await runPython(open + script, [home]))
}

describe('a table whose partitioning changed', () => {
  it('keeps the partitions of the files that are there, and PyIceberg plans by each', async () => {
    const { lakehouse, home } = await openEvolved()
    expect(await lakehouse.table('s.t')).toMatchObject({
      partitionBy: [{ column: 'k', transform: 'identity' }],
      rowCount: 90,
      fileCount: 2 + 30 + 3,
    })
    expect(
      await python(
        home,
        'print(json.dumps([len(t.specs()), count("id >= 0"), count("day = \'2024-02-05\'"), files("day = \'2024-02-05\'"), count("k = \'b\'"), files("k = \'b\' and id >= 200")]))',
      ),
    ).toEqual([3, 90, 3, 1 + 1 + 3, 30, 1])
  })

  it('goes back to a partitioning that it had under its old id', async () => {
    const { lakehouse, home } = await openEvolved()
    await lakehouse.evolve('s.t', [{ op: 'partition by', fields: [{ column: 'DAY', transform: 'month' }] }])
    await lakehouse.append('s.t', rowsFrom(300), commit())
    expect(
      await python(
        home,
        'print(json.dumps([t.spec().spec_id, len(t.specs()), t.spec().fields[0].field_id, count("id >= 300")]))',
      ),
    ).toEqual([0, 3, 1000, 30])
  })

  it('is replaced, deleted from and written by key across all partitionings', async () => {
    const { lakehouse, home, rows } = await openEvolved()
    const slice = [{ column: 'day', op: '=', value: '2024-02-05' }] as const
    const replaced = await lakehouse.replace(
      's.t',
      slice,
      "SELECT 999 AS id, 'z' AS k, DATE '2024-02-05' AS day",
      commit(),
    )
    expect(replaced).toMatchObject({ rowsAdded: 1, rowsRemoved: 3 })
    expect(await lakehouse.delete('s.t', [{ column: 'k', op: '=', value: 'c' }], commit())).toMatchObject({
      rowsRemoved: 30,
    })
    const upserted = await lakehouse.upsert(
      's.t',
      ['id'],
      "SELECT unnest([0, 100, 200, 5000])::INTEGER AS id, 'u' AS k",
      commit(),
    )
    expect(upserted).toMatchObject({ rowsUpdated: 3, rowsInserted: 1 })
    expect(
      await rows("SELECT count(*) AS n, count(DISTINCT id) AS ids, count(*) FILTER (k = 'u') AS u FROM {s.t}"),
    ).toEqual([{ n: 90 - 3 + 1 - 30 + 1, ids: 59, u: 4 }])
    expect(
      await python(home, 'print(json.dumps([count("id >= 0"), count("k = \'u\'"), count("day = \'2024-02-05\'")]))'),
    ).toEqual([59, 4, 1])
  })

  it('gets all its files to the new partitioning by compact', async () => {
    const { lakehouse, home } = await openEvolved()
    const result = await lakehouse.compact('s.t', {}, commit())
    expect(result).toMatchObject({ committed: true, filesBefore: 35 })
    expect(
      await python(
        home,
        'print(json.dumps([count("id >= 0"), files("k = \'a\'"), sorted({f["spec_id"] for f in t.inspect.files().to_pylist()})]))',
      ),
    ).toEqual([90, expect.any(Number), [2]])
    const again = await lakehouse.compact('s.t', {}, commit())
    expect([3, again.filesAfter]).toEqual([again.filesAfter, 3])
    expect(await python(home, 'print(json.dumps([count("id >= 0"), files("k = \'a\'")]))')).toEqual([90, 1])
  })

  it('takes names that no column and no other partition field has', async () => {
    const { lakehouse, home } = await openTestLakehouse()
    await lakehouse.ensureTable('s.t', {
      columns: [
        { name: 'day', type: 'date' },
        { name: 'day_month', type: 'string' },
        { name: 'id', type: 'long' },
      ],
      partitionBy: [{ column: 'day', transform: 'month' }],
    })
    await lakehouse.evolve('s.t', [{ op: 'add partition', field: { column: 'id', transform: 'bucket[4]' } }])
    await lakehouse.append(
      's.t',
      "SELECT DATE '2024-01-01' AS day, 'x' AS day_month, range AS id FROM range(20)",
      commit(),
    )
    expect(
      await python(home, 'print(json.dumps([[f.name for f in t.spec().fields], count("id = 7"), files("id = 7")]))'),
    ).toEqual([['day_month_part', 'id_bucket_4'], 1, 1])
  })
})

describe('a sort order', () => {
  it('holds within every file that is written from then on, and is named in manifests', async () => {
    const { lakehouse, home, engine } = await openTestLakehouse()
    await lakehouse.ensureTable('s.t', { columns: COLUMNS, partitionBy: [{ column: 'k', transform: 'identity' }] })
    await lakehouse.evolve('s.t', [
      { op: 'sort by', fields: [{ column: 'day', direction: 'desc', nulls: 'first' }, { column: 'id' }] },
    ])
    const many = `SELECT (hash(range) % 1000000)::INTEGER AS id, chr(97 + (hash(range) % 3)::INTEGER) AS k,
      CASE WHEN range % 50 = 0 THEN NULL ELSE DATE '2024-01-01' + (hash(range + 7) % 300)::INTEGER END AS day FROM range(300000)`
    await lakehouse.append('s.t', many, commit())
    const folder = join(home, 'lakehouse', 's', 't', 'data')
    const files = readdirSync(folder, { recursive: true })
      .map(String)
      .filter((name) => name.endsWith('.parquet'))
    expect(files).toHaveLength(3)
    for (const file of files) {
      const from = `read_parquet('${join(folder, file)}', file_row_number = true)`
      const [order] = await engine.readRows(
        `SELECT count(*) FILTER (wrong) AS wrong FROM (SELECT file_row_number <> row_number() OVER (ORDER BY day DESC NULLS FIRST, id ASC NULLS FIRST, file_row_number) - 1 AS wrong FROM ${from})`,
      )
      expect(order).toEqual({ wrong: '0' })
    }
    const told = await python(
      home,
      'print(json.dumps([t.sort_order().order_id, str(t.sort_order().fields[0]), sorted({f["sort_order_id"] for f in t.inspect.files().to_pylist()})]))',
    )
    expect(told).toEqual([1, '3 DESC NULLS FIRST', [1]])
    await lakehouse.evolve('s.t', [{ op: 'sort by', fields: [] }])
    expect(await python(home, 'print(json.dumps(t.sort_order().order_id))')).toBe(0)
  })
})
