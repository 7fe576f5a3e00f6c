import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runPython } from '../services/python.js'
import { commit, openTestLakehouse } from './test-lakehouse.js'

const OPEN = `
import json, sys, datetime, decimal
import pyarrow as pa, pyarrow.compute as pc
from pyiceberg.catalog.sql import SqlCatalog
catalog = SqlCatalog("esteira", uri="sqlite:///" + sys.argv[1] + "/catalog.db")
`

async function python(home: string, script: string, ...args: string[]): Promise<unknown> {
  return JSON.parse(await runPython(OPEN + script, [home, ...args]))
}

const COLUMNS = [
  { name: 'id', type: 'long', required: true },
  { name: 'day', type: 'date' },
  { name: 'name', type: 'string' },
  { name: 'amount', type: 'decimal(18,4)' },
  { name: 'big', type: 'decimal(38,2)' },
  { name: 'score', type: 'double' },
  { name: 'weight', type: 'float' },
  { name: 'at', type: 'timestamp' },
  { name: 'late', type: 'boolean' },
  { name: 'n', type: 'int' },
] as const

const ROWS = `SELECT range AS id, CASE WHEN range = 0 THEN NULL ELSE DATE '1969-11-15' + range::INTEGER END AS day,
  'customer with a long name ' || range AS name, range / 8 AS amount, -range * 1000000000000000000000000000 AS big,
  CASE WHEN range = 3 THEN 'nan'::DOUBLE ELSE range / 7 END AS score, range AS weight,
  TIMESTAMP '1969-12-31 23:59:59.999' + INTERVAL (range) HOUR AS at, range % 2 = 0 AS late,
  CASE WHEN range % 3 = 0 THEN NULL ELSE range::INTEGER END AS n FROM range(100)`

describe('PyIceberg on our catalog', () => {
  it('reads rows, sums, filters and plans by partition and bounds', async () => {
    const { lakehouse, home } = await openTestLakehouse()
    await lakehouse.ensureTable('silver.t', { columns: COLUMNS, partitionBy: [{ column: 'day', transform: 'month' }] })
    await lakehouse.append('silver.t', ROWS, commit())
    const told = await python(
      home,
      `
t = catalog.load_table("silver.t")
rows = t.scan().to_arrow()
def count(f): return t.scan(row_filter=f).to_arrow().num_rows
def files(f): return len(list(t.scan(row_filter=f).plan_files()))
one = t.scan(row_filter="id = 50").to_arrow().to_pylist()[0]
print(json.dumps({
  "namespaces": catalog.list_namespaces(), "tables": catalog.list_tables("silver"),
  "rows": rows.num_rows, "types": [str(f.type) for f in rows.schema],
  "amount": str(pc.sum(rows["amount"])), "big": str(pc.min(rows["big"])), "nulls": rows["n"].null_count,
  "one": {k: str(v) for k, v in one.items()},
  "filters": [count("day < '1970-01-01'"), count("day is null"), count("name = 'customer with a long name 7'"), count("amount >= 12.1250"),
    count("at < '1970-01-01T00:00:00'"), count("late = true and n > 90"), count("big < -96000000000000000000000000000.00"), count("weight > 98.5")],
  "files": [files("id >= 0"), files("day >= '1970-01-01' and day < '1970-02-01'"), files("day is null"), files("id > 98"), files("name > 'd'"), files("score > 14.2")],
  "partitions": sorted([[p["partition"]["day_month"], p["record_count"], p["file_count"]] for p in t.inspect.partitions().to_pylist()], key=str),
  "entries": t.inspect.entries().num_rows, "history": t.inspect.history().num_rows,
  "operation": t.current_snapshot().summary.operation.value, "commit": t.current_snapshot().summary["esteira.run-id"],
}))
`,
    )
    expect(told).toEqual({
      namespaces: [['silver']],
      tables: [['silver', 't']],
      rows: 100,
      types: [
        'int64',
        'date32[day]',
        'string',
        'decimal128(18, 4)',
        'decimal128(38, 2)',
        'double',
        'float',
        'timestamp[us]',
        'bool',
        'int32',
      ],
      amount: '618.7500',
      big: '-99000000000000000000000000000.00',
      nulls: 34,
      one: {
        id: '50',
        day: '1970-01-04',
        name: 'customer with a long name 50',
        amount: '6.2500',
        big: '-50000000000000000000000000000.00',
        score: String(50 / 7),
        weight: '50.0',
        at: '1970-01-03 01:59:59.999000',
        late: 'True',
        n: '50',
      },
      filters: [46, 1, 1, 3, 1, 3, 3, 1],
      files: [5, 1, 1, 1, 0, 0],
      partitions: [
        [-1, 31, 1],
        [-2, 15, 1],
        [0, 31, 1],
        [1, 22, 1],
        [null, 1, 1],
      ],
      entries: 5,
      history: 1,
      operation: 'append',
      commit: 'run-1',
    })
  })

  it('reads every version, added columns and replaced slices', async () => {
    const { lakehouse, home } = await openTestLakehouse()
    const columns = [
      { name: 'a', type: 'int' },
      { name: 'k', type: 'string' },
    ] as const
    await lakehouse.ensureTable('silver.t', { columns, partitionBy: [{ column: 'k', transform: 'identity' }] })
    const first = await lakehouse.append(
      'silver.t',
      'SELECT range AS a, chr(97 + range::INTEGER % 3) AS k FROM range(30)',
      commit(),
    )
    await lakehouse.ensureTable('silver.t', { columns: [...columns, { name: 'b', type: 'double' }] })
    await lakehouse.replace(
      'silver.t',
      [{ column: 'a', op: '<', value: 4 }],
      "SELECT 100 AS a, 'b' AS k, 0.5 AS b",
      commit(),
    )
    const told = await python(
      home,
      `
t = catalog.load_table("silver.t")
def seen(**o): 
    r = t.scan(**o).to_arrow()
    return [r.num_rows, pc.sum(r["a"]).as_py(), r.column_names]
print(json.dumps([seen(), seen(snapshot_id=int(sys.argv[2])), [x["b"] for x in t.scan(row_filter="k = 'b' and a > 25").to_arrow().to_pylist()],
  len(list(t.scan(row_filter="k = 'b'").plan_files()))]))
`,
      first.snapshotId ?? '',
    )
    expect(told).toEqual([[27, 435 - 6 + 100, ['a', 'k', 'b']], [30, 435, ['a', 'k']], [0.5, null], 2])
  })

  it('writes on top: appends, deletes, overwrites and adds columns, which we read and write on', async () => {
    const { lakehouse, home, rows } = await openTestLakehouse()
    await lakehouse.ensureTable('silver.t', {
      columns: [
        { name: 'a', type: 'int' },
        { name: 'k', type: 'string' },
      ],
      partitionBy: [{ column: 'k', transform: 'identity' }],
    })
    await lakehouse.append(
      'silver.t',
      'SELECT range AS a, chr(97 + range::INTEGER % 3) AS k FROM range(30)',
      commit('first'),
    )
    await python(
      home,
      `
t = catalog.load_table("silver.t")
def some(a, k): return pa.table({"a": pa.array(a, pa.int32()), "k": k})
t.append(some([1000, 1001], ["z", None]))
t.delete("a = 5")
t.overwrite(some([2000], ["b"]), overwrite_filter="k = 'b'")
with t.update_schema() as update: 
    from pyiceberg.types import LongType
    update.add_column("c", LongType())
    update.rename_column("a", "renamed")
print(json.dumps(t.current_snapshot().snapshot_id))
`,
    )
    expect(await rows('SELECT count(*) AS n, sum(renamed) AS s, count(c) AS c FROM {silver.t}')).toEqual([
      { n: 22, s: 135 + 155 - 5 + 2001 + 2000, c: 0 },
    ])
    expect(await lakehouse.append('silver.t', 'SELECT 1 AS renamed', commit('first'))).toMatchObject({
      committed: false,
    })
    const replaced = await lakehouse.replace(
      'silver.t',
      [{ column: 'k', op: 'in', value: ['z', 'b'] }],
      "SELECT 7 AS renamed, 'z' AS k, 8 AS c",
      commit(),
    )
    expect(replaced).toMatchObject({ rowsAdded: 1, rowsRemoved: 2 })
    expect(await lakehouse.table('silver.t')).toMatchObject({ rowCount: 21 })
    const told = await python(
      home,
      `
r = catalog.load_table("silver.t").scan().to_arrow()
print(json.dumps([r.num_rows, pc.sum(r["renamed"]).as_py(), pc.sum(r["c"]).as_py(), sorted(set(r["k"].to_pylist()), key=str)]))
`,
    )
    expect(told).toEqual([21, 1293, 8, [null, 'a', 'c', 'z']])
  })

  it('makes tables in the same catalog that we read and write', async () => {
    const { lakehouse, home, rows } = await openTestLakehouse()
    await python(
      home,
      `
catalog.create_namespace("theirs")
t = catalog.create_table("theirs.t", schema=pa.schema([("a", pa.int64()), ("s", pa.string())]), location="file://" + sys.argv[1] + "/elsewhere/t")
t.append(pa.table({"a": [1, 2, 3], "s": ["x", "y", None]}))
print(1)
`,
    )
    expect((await lakehouse.tables()).map(({ name, rowCount }) => [name, rowCount])).toEqual([['theirs.t', 3]])
    await lakehouse.replace('theirs.t', [{ column: 's', op: '=', value: 'x' }], "SELECT 10 AS a, 'new' AS s", commit())
    expect(await rows('SELECT * FROM {theirs.t} ORDER BY a')).toEqual([
      { a: 2, s: 'y' },
      { a: 3, s: null },
      { a: 10, s: 'new' },
    ])
  })
})

describe('fastavro', () => {
  it('reads every Avro file of a table, with the ids of the specification in the schemas', async () => {
    const { lakehouse, home } = await openTestLakehouse()
    await lakehouse.ensureTable('silver.t', {
      columns: COLUMNS,
      partitionBy: [
        { column: 'amount', transform: 'identity' },
        { column: 'at', transform: 'day' },
      ],
    })
    await lakehouse.append('silver.t', `${ROWS} LIMIT 30`, commit())
    await lakehouse.replace('silver.t', [{ column: 'id', op: '<', value: 3 }], `${ROWS} LIMIT 1`, commit())
    const folder = join(home, 'lakehouse', 'silver', 't', 'metadata')
    const files = readdirSync(folder).filter((name) => name.endsWith('.avro'))
    const told = JSON.parse(
      await runPython(
        `
import fastavro, json, sys
out = {"manifests": 0, "lists": 0, "rows": 0, "ids": True, "partitions": set()}
def ids(s):
    if isinstance(s, list): return all(ids(x) for x in s)
    if not isinstance(s, dict): return True
    if s["type"] == "record": return all("field-id" in f and ids(f["type"]) for f in s["fields"])
    if s["type"] == "array": return ("element-id" in s or s.get("logicalType") == "map") and ids(s["items"])
    return True
for name in sys.argv[2:]:
    with open(sys.argv[1] + "/" + name, "rb") as f:
        reader = fastavro.reader(f)
        schema = json.loads(reader.metadata["avro.schema"])
        out["ids"] = out["ids"] and ids(schema)
        records = list(reader)
        out["rows"] += len(records)
        if name.startswith("snap-"): out["lists"] += 1; assert reader.metadata["format-version"] == "2"
        else:
            out["manifests"] += 1
            assert {"schema", "schema-id", "partition-spec", "partition-spec-id", "format-version", "content"} <= set(reader.metadata)
            assert isinstance(json.loads(reader.metadata["partition-spec"]), list)
            out["partitions"] |= {str(type(r["data_file"]["partition"]["amount"]).__name__) + " " + str(type(r["data_file"]["partition"]["at_day"]).__name__) for r in records}
out["partitions"] = sorted(out["partitions"])
print(json.dumps(out))
`,
        [folder, ...files],
      ),
    )
    expect(told).toMatchObject({ lists: 2, manifests: 3, ids: true, partitions: ['Decimal date'] })
    expect(told.rows).toBeGreaterThan(60)
  })
})
