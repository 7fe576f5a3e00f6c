import type { PartitionField, SliceCondition, TableColumn } from '@esteira/core'
import { describe, expect, it } from 'vitest'
import { catalogPython } from './catalog-python.js'
import { commit, openTestLakehouse } from './test-lakehouse.js'

const COLUMNS: readonly TableColumn[] = [
  { name: 'n', type: 'int' },
  { name: 'l', type: 'long' },
  { name: 'word', type: 'string' },
  { name: 'price', type: 'decimal(9,2)' },
  { name: 'key', type: 'uuid' },
  { name: 'raw', type: 'binary' },
  { name: 'clock', type: 'time' },
  { name: 'moment', type: 'timestamptz' },
  { name: 'at', type: 'timestamp' },
  { name: 'day', type: 'date' },
]

const FIELDS: readonly PartitionField[] = [
  ...['n', 'l', 'word', 'price', 'key', 'raw', 'clock', 'moment', 'day'].map((column) => ({
    column,
    transform: 'bucket[5]' as const,
  })),
  { column: 'n', transform: 'truncate[10]' },
  { column: 'l', transform: 'truncate[7]' },
  { column: 'word', transform: 'truncate[2]' },
  { column: 'price', transform: 'truncate[50]' },
  { column: 'raw', transform: 'truncate[1]' },
  { column: 'key', transform: 'identity' },
  { column: 'raw', transform: 'identity' },
  { column: 'clock', transform: 'identity' },
  { column: 'moment', transform: 'hour' },
  { column: 'at', transform: 'void' },
]

const ROWS = `SELECT i::INTEGER AS n, i * 1000000007 AS l, CASE WHEN i % 4 = 0 THEN 'é😀' || i ELSE 'word ' || i END AS word,
    i * 1.37 AS price, ('00000000-0000-4000-8000-' || lpad(abs(i)::VARCHAR, 12, '0'))::UUID AS key, encode('r' || i) AS raw,
    TIME '12:00:00' + INTERVAL (i) SECOND AS clock, TIMESTAMPTZ '1970-01-01 00:00:00+00' + INTERVAL (i) HOUR AS moment,
    TIMESTAMP '2024-01-01 00:00:00' AS at, DATE '1970-01-01' + i::INTEGER AS day
  FROM range(-12, 13) AS numbers(i) UNION ALL BY NAME SELECT NULL::INTEGER AS n`

describe('partitions by bucket, truncate and void', () => {
  it('have the values and names that PyIceberg expects, null included', async () => {
    const { lakehouse, home, rows } = await openTestLakehouse()
    const state = await lakehouse.ensureTable('silver.t', { columns: COLUMNS, partitionBy: FIELDS })
    expect(state.partitionBy).toEqual(FIELDS.filter(({ transform }) => transform !== 'void'))
    await lakehouse.append('silver.t', ROWS, commit())
    expect(await rows('SELECT count(*) AS n, sum(n) AS s, count(key) AS k FROM {silver.t}')).toEqual([
      { n: 26, s: 0, k: 25 },
    ])
    const told = await catalogPython(
      home,
      `
t = catalog.load_table("silver.t")
from pyiceberg.partitioning import PartitionSpec
import pyarrow.parquet as pq
wrong = []
fields = t.spec().fields
for task in t.scan().plan_files():
    row = catalog and pq.read_table(task.file.file_path.removeprefix("file://")).to_pylist()[0]
    for position, field in enumerate(fields):
        name = t.schema().find_column_name(field.source_id)
        kind = t.schema().find_type(field.source_id)
        value = row[name]
        from pyiceberg.conversions import to_bytes
        from pyiceberg.utils.datetime import date_to_days, datetime_to_micros, timestamptz_to_micros, time_to_micros
        if value is not None:
            internal = {"date": date_to_days, "timestamp": datetime_to_micros, "timestamptz": datetime_to_micros, "time": time_to_micros}.get(str(kind), lambda v: v)(value)
            expected = field.transform.transform(kind)(internal)
        else: expected = None
        found = task.file.partition[position]
        if str(expected) != str(found): wrong.append([field.name, str(value), str(expected), str(found)])
def files(f): return len(list(t.scan(row_filter=f).plan_files()))
def count(f): return t.scan(row_filter=f).to_arrow().num_rows
filters = ["n = 7", "word = 'word 3'", "l = 7000000049", "price = 9.59", "clock = '12:00:05'", "day = '1970-01-06'", "word >= 'x'"]
print(json.dumps({"wrong": wrong, "rows": t.scan().to_arrow().num_rows, "count": [count(f) for f in filters], "files": [files(f) for f in filters],
  "names": [f.name for f in fields], "transforms": [str(f.transform) for f in fields]}))
`,
    )
    expect(told).toEqual({
      wrong: [],
      rows: 26,
      count: [1, 1, 1, 1, 1, 1, 7],
      files: [1, 1, 1, 1, 1, 1, 7],
      names: [
        ...['n', 'l', 'word', 'price', 'key', 'raw', 'clock', 'moment', 'day'].map((name) => `${name}_bucket_5`),
        'n_trunc_10',
        'l_trunc_7',
        'word_trunc_2',
        'price_trunc_50',
        'raw_trunc_1',
        'key',
        'raw',
        'clock',
        'moment_hour',
        'at_null',
      ],
      transforms: FIELDS.map(({ transform }) => transform),
    })
  })

  it('are refused where the truncated number lies outside of the type', async () => {
    const { lakehouse, rows } = await openTestLakehouse()
    const edges = [
      ['int', 'truncate[10]', '-2147483641', '-2147483640'],
      ['long', 'truncate[10]', '-9223372036854775808', '-9223372036854775800'],
      ['decimal(5,2)', 'truncate[10]', '-999.99', '-999.90'],
    ] as const
    for (const [index, [type, transform, outside, inside]] of edges.entries()) {
      const table = `silver.edge_${index}`
      await lakehouse.ensureTable(table, { columns: [{ name: 'x', type }], partitionBy: [{ column: 'x', transform }] })
      const write = (value: string) => lakehouse.append(table, `SELECT '${value}' AS x`, commit())
      await expect(write(outside)).rejects.toMatchObject({ code: 'ESTEIRA_UNSUPPORTED' })
      expect(await write(inside)).toMatchObject({ rowsAdded: 1 })
      expect(await rows(`SELECT count(*) AS n FROM {${table}}`)).toEqual([{ n: 1 }])
    }
  })

  it('are not opened when they cannot hold the value that is looked for', async () => {
    const { lakehouse } = await openTestLakehouse()
    // Only the partition can tell: the bounds of all files are alike.
    const columns = [
      { name: 'id', type: 'long' },
      { name: 'word', type: 'string' },
    ] as const
    await lakehouse.ensureTable('silver.b', { columns, partitionBy: [{ column: 'id', transform: 'bucket[16]' }] })
    await lakehouse.ensureTable('silver.t', { columns, partitionBy: [{ column: 'word', transform: 'truncate[1]' }] })
    const rows = 'SELECT range AS id, chr(97 + (range % 26)::INTEGER) || range AS word FROM range(1000)'
    await lakehouse.append('silver.b', rows, commit())
    await lakehouse.append('silver.t', rows, commit())
    const read = async (name: string, where: readonly SliceCondition[]) => {
      const { filesRead, filesSkipped } = await lakehouse.plan(name, { where })
      return [filesRead, filesSkipped]
    }
    expect(await read('silver.b', [{ column: 'id', op: '=', value: 500 }])).toEqual([1, 15])
    expect((await read('silver.b', [{ column: 'id', op: 'in', value: [500, 501] }]))[0]).toBeLessThanOrEqual(2)
    expect(await read('silver.b', [{ column: 'id', op: '!=', value: 500 }])).toEqual([16, 0])
    expect(await read('silver.b', [{ column: 'id', op: '>', value: 400 }])).toEqual([16, 0])
    expect(await read('silver.t', [{ column: 'word', op: '=', value: 'c2' }])).toEqual([1, 25])
    expect(await read('silver.t', [{ column: 'word', op: '<', value: 'c' }])).toEqual([2, 24])
    const removed = await lakehouse.replace(
      'silver.b',
      [{ column: 'id', op: '=', value: 500 }],
      'SELECT 7 AS id LIMIT 0',
      commit(),
    )
    expect(removed).toMatchObject({ rowsRemoved: 1, rowsAdded: 0 })
  })

  it('of a table that PyIceberg made are written, inside of structs too', async () => {
    const { lakehouse, home, rows } = await openTestLakehouse()
    await catalogPython(
      home,
      `
from pyiceberg.schema import Schema
from pyiceberg.types import *
from pyiceberg.partitioning import PartitionSpec, PartitionField
from pyiceberg.transforms import *
catalog.create_namespace("theirs")
schema = Schema(NestedField(1, "id", LongType()), NestedField(2, "word", StringType()), NestedField(3, "place", StructType(NestedField(4, "city", StringType()))))
spec = PartitionSpec(PartitionField(1, 1000, BucketTransform(4), "id_bucket"), PartitionField(2, 1001, TruncateTransform(1), "word_trunc"), PartitionField(4, 1002, IdentityTransform(), "place.city"))
t = catalog.create_table("theirs.t", schema=schema, partition_spec=spec)
print(1)
`,
    )
    const ten = "SELECT range AS id, repeat('a', range % 3) AS word, {'city': 'c' || range % 2} AS place FROM range(10)"
    await lakehouse.append('theirs.t', ten, commit())
    expect(await rows('SELECT count(*) AS n, sum(id) AS s, sum(length(word)) AS w FROM {theirs.t}')).toEqual([
      { n: 10, s: 45, w: 9 },
    ])
    const replaced = await lakehouse.replace(
      'theirs.t',
      [{ column: 'id', op: '<', value: 5 }],
      "SELECT 100 AS id, 'zz' AS word, {'city': 'new one'} AS place",
      commit(),
    )
    expect(replaced).toMatchObject({ rowsRemoved: 5, rowsAdded: 1 })
    const told = await catalogPython(
      home,
      `
t = catalog.load_table("theirs.t")
partitions = {tuple(task.file.partition[i] for i in range(3)) for task in t.scan(row_filter="id = 100").plan_files()}
print(json.dumps([t.scan().to_arrow().num_rows, t.scan(row_filter="place.city = 'new one'").to_arrow().to_pylist(), [list(p) for p in partitions]]))
`,
    )
    expect(told).toEqual([
      6,
      [{ id: 100, word: 'zz', place: { city: 'new one' } }],
      [[expect.any(Number), 'z', 'new one']],
    ])
  })
})
