import { describe, expect, it } from 'vitest'
import { catalogPython } from './catalog-python.js'
import { commit, openTestLakehouse } from './test-lakehouse.js'

describe('columns that change after rows were written', () => {
  it('are found by field id at every level: renamed, added, dropped, moved and widened', async () => {
    const { lakehouse, home, rows } = await openTestLakehouse()
    await lakehouse.ensureTable('silver.t', {
      columns: [
        { name: 'id', type: 'int' },
        { name: 's', type: 'struct<a: int, b: string, gone: float>' },
        { name: 'l', type: 'list<struct<x: int, y: string>>' },
        { name: 'm', type: 'map<string, struct<v: int>>' },
      ],
    })
    await lakehouse.append(
      'silver.t',
      `SELECT 1 AS id, {'a': 7, 'b': 'old', 'gone': 1.5} AS s, [{'x': 1, 'y': 'p'}, NULL] AS l, MAP {'k': {'v': 5}} AS m
       UNION ALL SELECT 2, NULL, NULL, NULL`,
      commit(),
    )
    const before = await lakehouse.relation('silver.t')
    const told = await catalogPython(
      home,
      `
from pyiceberg.types import LongType, StringType, DoubleType
t = catalog.load_table("silver.t")
with t.update_schema(allow_incompatible_changes=True) as u:
    u.update_column("id", LongType())
    u.rename_column("s.b", "a2")
    u.update_column("s.a", LongType())
    u.delete_column("s.gone")
    u.rename_column("l.x", "xx")
    u.update_column("l.x", LongType())
    u.rename_column("m.v", "w")
    u.update_column("m.v", LongType())
    u.rename_column("m", "mm")
with t.update_schema() as u:
    u.add_column(("s", "b"), StringType())
    u.add_column(("l", "x"), DoubleType())
    u.move_first("s.a2")
rows = sorted(t.scan().to_arrow().to_pylist(), key=lambda r: r["id"])
print(json.dumps([[rows[0]["id"], rows[0]["s"], rows[0]["l"], dict(rows[0]["mm"])], rows[1]["s"]]))
`,
    )
    const seen = await rows('SELECT * FROM {silver.t} ORDER BY id')
    expect(seen.map((row) => Object.values(row))).toEqual([
      [1, '{"a2": "old", "a": 7, "b": null}', '[{"xx": 1, "y": "p", "x": null}, null]', '{"k": {"w": 5}}'],
      [2, null, null, null],
    ])
    expect(told).toEqual([[1, { a2: 'old', a: 7, b: null }, [{ xx: 1, y: 'p', x: null }, null], { k: { w: 5 } }], null])
    // Time travel shows the columns of then; new rows go into the new columns.
    expect(before).not.toBe(await lakehouse.relation('silver.t'))
    await lakehouse.append(
      'silver.t',
      "SELECT 3000000000 AS id, {'a2': 'n', 'a': 3000000000, 'b': 'nb'} AS s, [{'xx': 1, 'y': 'q', 'x': 0.5}] AS l, MAP {'z': {'w': 6}} AS mm",
      commit(),
    )
    const told2 = await catalogPython(
      home,
      `
r = catalog.load_table("silver.t").scan(row_filter="id > 2").to_arrow().to_pylist()[0]
print(json.dumps([r["s"], r["l"], dict(r["mm"])]))
`,
    )
    expect(told2).toEqual([{ a2: 'n', a: 3000000000, b: 'nb' }, [{ xx: 1, y: 'q', x: 0.5 }], { z: { w: 6 } }])
    expect(await rows('SELECT id, s.a2 AS a2, len(l) AS n FROM {silver.t} WHERE s.a >= 7 ORDER BY id')).toEqual([
      { id: 1, a2: 'old', n: 2 },
      { id: 3000000000, a2: 'n', n: 1 },
    ])
  })

  it('have any name: DuckDB’s own, blanks, quotes, dots, and PyIceberg writes and reads them', async () => {
    const { lakehouse, home, rows } = await openTestLakehouse()
    const names = ['filename', 'file_row_number', 'a.b', 'with blank', 'quo"te', 'é😀', '1st', 'select', "it's"]
    await lakehouse.ensureTable('silver.t', {
      columns: [
        ...names.map((name) => ({ name, type: 'int' }) as const),
        { name: 'nested one', type: 'struct<"x y": int, "1st": int>' },
      ],
      partitionBy: [{ column: 'with blank', transform: 'identity' }],
    })
    const values = names.map((name, index) => `${index} AS "${name.replaceAll('"', '""')}"`).join(', ')
    await lakehouse.append('silver.t', `SELECT ${values}, {'x y': 1, '1st': 2} AS "nested one"`, commit())
    const told = await catalogPython(
      home,
      `
t = catalog.load_table("silver.t")
r = t.scan().to_arrow()
t.append(r)
t.delete("select = 99")
print(json.dumps([r.column_names, list(r.to_pylist()[0].values()), catalog.load_table("silver.t").scan(row_filter="select = 7").to_arrow().num_rows]))
`,
    )
    expect(told).toEqual([[...names, 'nested one'], [...names.keys(), { 'x y': 1, '1st': 2 }], 2])
    const seen = await rows('SELECT * FROM {silver.t}')
    expect(seen).toEqual([0, 1].map(() => ({ ...seen[0] })))
    expect(Object.values(seen[1] ?? {})).toEqual([...names.keys(), '{"x y": 1, "1st": 2}'])
  })
})
