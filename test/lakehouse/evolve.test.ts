import type { TableChange, TableColumn } from '@esteira/core'
import { describe, expect, it } from 'vitest'
import { runPython } from '../services/python.js'
import { commit, openTestLakehouse, type TestLakehouse } from './test-lakehouse.js'

const COLUMNS: readonly TableColumn[] = [
  { name: 'id', type: 'int' },
  { name: 'name', type: 'string' },
  { name: 'score', type: 'float' },
  { name: 'amount', type: 'decimal(8,2)' },
  { name: 'day', type: 'date' },
]
const ROWS = `SELECT range::INTEGER AS id, 'n' || range AS name, range / 4 AS score, range * 1.25 AS amount,
  DATE '2024-01-01' + (range * 10)::INTEGER AS day FROM range(10)`

async function openFilled(): Promise<TestLakehouse> {
  const test = await openTestLakehouse()
  await test.lakehouse.ensureTable('s.t', { columns: COLUMNS })
  await test.lakehouse.append('s.t', ROWS, commit())
  return test
}

async function python(home: string, script: string): Promise<unknown> {
  const open = `
import json, sys
from pyiceberg.catalog.sql import SqlCatalog
t = SqlCatalog("esteira", uri="sqlite:///" + sys.argv[1] + "/catalog.db").load_table("s.t")
`
  return JSON.parse(await runPython(open + script, [home]))
}

describe('evolve', () => {
  it('adds, renames, widens, moves, describes and drops columns by field id, in one commit of metadata', async () => {
    const { lakehouse, home, rows } = await openFilled()
    const before = await lakehouse.table('s.t')
    const state = await lakehouse.evolve('s.t', [
      { op: 'add', column: 'city', type: 'string', doc: 'where' },
      { op: 'rename', column: 'name', to: 'title' },
      { op: 'widen', column: 'id', type: 'long' },
      { op: 'widen', column: 'score', type: 'double' },
      { op: 'widen', column: 'amount', type: 'decimal(12,2)' },
      { op: 'move', column: 'city', after: 'id' },
      { op: 'move', column: 'day' },
      { op: 'describe', column: 'title', doc: 'what it is called' },
    ])
    expect(state.columns).toEqual([
      { name: 'day', type: 'date' },
      { name: 'id', type: 'long' },
      { name: 'city', type: 'string', doc: 'where' },
      { name: 'title', type: 'string', doc: 'what it is called' },
      { name: 'score', type: 'double' },
      { name: 'amount', type: 'decimal(12,2)' },
    ])
    expect(state).toMatchObject({ snapshotId: before?.snapshotId, rowCount: 10 })
    await lakehouse.append('s.t', "SELECT 3000000000 AS id, 'new' AS title, 'x' AS city", commit())
    await lakehouse.evolve('s.t', [{ op: 'drop', column: 'score' }])
    expect(await rows('SELECT * FROM {s.t} WHERE id IN (4, 3000000000) ORDER BY id')).toEqual([
      { day: '2024-02-10', id: 4, city: null, title: 'n4', amount: 5 },
      { day: null, id: 3_000_000_000, city: 'x', title: 'new', amount: null },
    ])
    expect(
      await python(
        home,
        `
r = t.scan(row_filter="id >= 8").to_arrow().to_pylist()
print(json.dumps([[str(f.field_type) for f in t.schema().fields], sorted([str(x["id"]) + x["title"] for x in r])]))
`,
      ),
    ).toEqual([
      ['date', 'long', 'string', 'string', 'decimal(12, 2)'],
      ['3000000000new', '8n8', '9n9'],
    ])
  })

  it('gives a dropped column that comes back a new id: old values stay gone', async () => {
    const { lakehouse, rows } = await openFilled()
    await lakehouse.evolve('s.t', [{ op: 'drop', column: 'name' }])
    await lakehouse.evolve('s.t', [{ op: 'add', column: 'name', type: 'string' }])
    expect(await rows('SELECT count(name) AS n, count(*) AS rows FROM {s.t}')).toEqual([{ n: 0, rows: 10 }])
  })

  it('finds rows by widened columns: slices and pruning know old bounds', async () => {
    const { lakehouse, rows } = await openFilled()
    await lakehouse.evolve('s.t', [
      { op: 'widen', column: 'id', type: 'long' },
      { op: 'widen', column: 'score', type: 'double' },
      { op: 'widen', column: 'amount', type: 'decimal(20,2)' },
    ])
    await lakehouse.append('s.t', 'SELECT 5000000000 AS id, 99.5 AS score, 1000000000000.25 AS amount', commit())
    expect(await lakehouse.delete('s.t', [{ column: 'id', op: '>=', value: 8 }], commit())).toMatchObject({
      rowsRemoved: 3,
    })
    expect(await lakehouse.delete('s.t', [{ column: 'score', op: '<', value: 0.5 }], commit())).toMatchObject({
      rowsRemoved: 2,
    })
    expect(await lakehouse.delete('s.t', [{ column: 'amount', op: '=', value: '2.5' }], commit())).toMatchObject({
      rowsRemoved: 1,
    })
    expect(await rows('SELECT count(*) AS n, min(id) AS low FROM {s.t}')).toEqual([{ n: 5, low: 3 }])
  })

  it('changes what is inside of structs, lists and maps', async () => {
    const { lakehouse, rows, home } = await openTestLakehouse()
    await lakehouse.ensureTable('s.t', {
      columns: [
        { name: 'id', type: 'int', required: true },
        { name: 'address', type: 'struct<city: string, zip: int>' },
        { name: 'tags', type: 'list<int>' },
      ],
    })
    await lakehouse.append('s.t', "SELECT 1 AS id, {'city': 'A', 'zip': 7} AS address, [1, 2] AS tags", commit())
    const state = await lakehouse.evolve('s.t', [
      { op: 'add', column: 'address.street', type: 'string' },
      { op: 'rename', column: 'address.city', to: 'town' },
      { op: 'widen', column: 'address.zip', type: 'long' },
      { op: 'widen', column: 'tags.element', type: 'long' },
      { op: 'move', column: 'address.street' },
      { op: 'make optional', column: 'id' },
    ])
    expect(state.columns).toEqual([
      { name: 'id', type: 'int' },
      { name: 'address', type: 'struct<street: string, town: string, zip: long>' },
      { name: 'tags', type: 'list<long>' },
    ])
    await lakehouse.append(
      's.t',
      "SELECT NULL AS id, {'street': 's', 'town': 'B', 'zip': 8} AS address, [3] AS tags",
      commit(),
    )
    expect(
      await rows(
        'SELECT id, address.town AS town, address.street AS street, address.zip AS zip, tags[1] AS tag FROM {s.t} ORDER BY zip',
      ),
    ).toEqual([
      { id: 1, town: 'A', street: null, zip: 7, tag: 1 },
      { id: null, town: 'B', street: 's', zip: 8, tag: 3 },
    ])
    expect(
      await python(home, 'print(json.dumps(sorted([x["address"]["town"] for x in t.scan().to_arrow().to_pylist()])))'),
    ).toEqual(['A', 'B'])
  })

  it('sets and removes properties, and commits nothing when nothing changes', async () => {
    const { lakehouse } = await openFilled()
    expect((await lakehouse.evolve('s.t', [{ op: 'set', properties: { a: '1', b: '2' } }])).properties).toEqual({
      a: '1',
      b: '2',
    })
    expect((await lakehouse.evolve('s.t', [{ op: 'unset', properties: ['a', 'z'] }])).properties).toEqual({ b: '2' })
    const same: readonly TableChange[] = [
      { op: 'set', properties: { b: '2' } },
      { op: 'widen', column: 'id', type: 'int' },
      { op: 'partition by', fields: [] },
      { op: 'sort by', fields: [] },
    ]
    expect(await lakehouse.evolve('s.t', same)).toEqual(await lakehouse.table('s.t'))
  })

  it('makes all of the changes or none', async () => {
    const { lakehouse } = await openFilled()
    const before = await lakehouse.table('s.t')
    const changes: readonly TableChange[] = [
      { op: 'rename', column: 'name', to: 'title' },
      { op: 'drop', column: 'nothing' },
    ]
    await expect(lakehouse.evolve('s.t', changes)).rejects.toMatchObject({ code: 'ESTEIRA_COLUMN_MISSING' })
    expect(await lakehouse.table('s.t')).toEqual(before)
  })

  it('refuses what would spoil the rows that are there', async () => {
    const { lakehouse } = await openFilled()
    await lakehouse.evolve('s.t', [
      { op: 'partition by', fields: [{ column: 'day', transform: 'month' }] },
      { op: 'sort by', fields: [{ column: 'name' }] },
    ])
    const refused = (change: TableChange, code: string, word: string) =>
      expect(lakehouse.evolve('s.t', [change])).rejects.toMatchObject({ code, message: expect.stringContaining(word) })
    const unsupported = 'ESTEIRA_UNSUPPORTED'
    await refused({ op: 'add', column: 'x', type: 'int', required: true }, unsupported, 'required')
    await refused({ op: 'widen', column: 'id', type: 'string' }, unsupported, 'from int to string')
    await refused({ op: 'widen', column: 'amount', type: 'decimal(12,3)' }, unsupported, 'decimal(8,2)')
    await refused({ op: 'drop', column: 'day' }, unsupported, 'partitioned')
    await refused({ op: 'drop', column: 'name' }, unsupported, 'sorted')
    await refused({ op: 'add', column: 'NAME', type: 'int' }, 'ESTEIRA_USAGE', 'name')
    await refused({ op: 'rename', column: 'id', to: 'Score' }, 'ESTEIRA_USAGE', 'score')
    await refused({ op: 'rename', column: 'id', to: 'day_month' }, 'ESTEIRA_USAGE', 'partition')
    await refused({ op: 'add', column: 'name.first', type: 'int' }, 'ESTEIRA_USAGE', 'no struct')
    await refused({ op: 'move', column: 'id', after: 'nothing' }, 'ESTEIRA_USAGE', 'nothing')
    await refused({ op: 'drop', column: 'nam' }, 'ESTEIRA_COLUMN_MISSING', 'nam')
    await refused({ op: 'grow' as 'drop', column: 'name' }, 'ESTEIRA_USAGE', 'grow')
    await refused({ op: 'add partition', field: { column: 'name', transform: 'month' } }, 'ESTEIRA_USAGE', 'month')
    await refused({ op: 'drop partition', field: { column: 'day', transform: 'day' } }, 'ESTEIRA_USAGE', 'month(day)')
    await refused({ op: 'sort by', fields: [{ column: 'none' }] }, 'ESTEIRA_COLUMN_MISSING', 'none')
  })

  it('keeps the key of a table that has one', async () => {
    const { lakehouse, home } = await openTestLakehouse()
    await lakehouse.ensureTable('s.t', {
      columns: [
        { name: 'id', type: 'int', required: true },
        { name: 'v', type: 'int' },
      ],
    })
    await python(home, 'with t.update_schema() as u: u.set_identifier_fields("id")\nprint(1)')
    const refused = { code: 'ESTEIRA_UNSUPPORTED', message: expect.stringContaining('key') }
    await expect(lakehouse.evolve('s.t', [{ op: 'drop', column: 'id' }])).rejects.toMatchObject(refused)
    await expect(lakehouse.evolve('s.t', [{ op: 'make optional', column: 'id' }])).rejects.toMatchObject(refused)
    await lakehouse.evolve('s.t', [{ op: 'add', column: 'w', type: 'int' }])
    expect(await python(home, 'print(json.dumps([t.schema().identifier_field_ids, len(t.schema().fields)]))')).toEqual([
      [1],
      3,
    ])
  })
})
