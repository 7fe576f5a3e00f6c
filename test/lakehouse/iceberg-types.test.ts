import { type TableColumn, toRows } from '@esteira/core'
import { describe, expect, it } from 'vitest'
import { catalogPython } from './catalog-python.js'
import { commit, openTestLakehouse } from './test-lakehouse.js'

const ALL_TYPES: readonly TableColumn[] = [
  { name: 'id', type: 'long', required: true },
  { name: 'flag', type: 'boolean' },
  { name: 'n', type: 'int' },
  { name: 'weight', type: 'float' },
  { name: 'score', type: 'double' },
  { name: 'word', type: 'string' },
  { name: 'day', type: 'date' },
  { name: 'clock', type: 'time' },
  { name: 'at', type: 'timestamp' },
  { name: 'moment', type: 'timestamptz' },
  { name: 'key', type: 'uuid' },
  { name: 'raw', type: 'binary' },
  { name: 'price', type: 'decimal(9,2)' },
  { name: 'big', type: 'decimal(38,10)' },
  { name: 'words', type: 'list<string>' },
  { name: 'counts', type: 'map<string, long>' },
  { name: 'place', type: 'struct<city: string, "zip code": int, spot: struct<x: double, y: double>>' },
  { name: 'visits', type: 'list<struct<at: timestamp, tags: map<string, list<int>>>>' },
]

const ROWS = `SELECT 1 AS id, true AS flag, -5 AS n, 1.5 AS weight, 0.1 AS score, 'olá 😀' AS word, DATE '1969-12-31' AS day,
    TIME '23:59:59.123456' AS clock, TIMESTAMP '2024-02-29 12:00:00.123' AS at, TIMESTAMPTZ '2024-02-29 12:00:00-03' AS moment,
    'f79c3e09-677c-4bbd-a479-3f349cb785e7' AS key, '\\x00\\xFFab'::BLOB AS raw, -12.34 AS price,
    1234567890123456789012345678.0123456789 AS big, ['a', NULL, ''] AS words, MAP {'k': 9007199254740991, 'z': NULL} AS counts,
    {'city': 'Olinda', 'zip code': 53000, 'spot': {'x': 1.5, 'y': NULL}} AS place,
    [{'at': TIMESTAMP '2024-01-01 00:00:00', 'tags': MAP {'t': [1, 2]}}, NULL] AS visits
  UNION ALL BY NAME SELECT 2 AS id
  UNION ALL BY NAME SELECT 3 AS id, [] AS words, MAP {} AS counts, {'city': NULL, 'zip code': NULL, 'spot': NULL} AS place, [] AS visits`

describe('a table of all types', () => {
  it('is read by PyIceberg with equal values, types and bounds', async () => {
    const { lakehouse, home } = await openTestLakehouse()
    await lakehouse.ensureTable('silver.t', { columns: ALL_TYPES })
    await lakehouse.append('silver.t', ROWS, commit())
    const told = await catalogPython(
      home,
      `
t = catalog.load_table("silver.t")
rows = sorted(t.scan().to_arrow().to_pylist(), key=lambda r: r["id"])
# PyIceberg builds lists of structs anew and makes [] of null then; pyarrow reads the file as it is.
import pyarrow.parquet as pq
raw = {r["id"]: r["visits"] for f in t.scan().plan_files() for r in pq.read_table(f.file.file_path.removeprefix("file://"), columns=["id", "visits"]).to_pylist()}
for r in rows: r["visits"] = raw[r["id"]]
def show(v):
    if isinstance(v, bytes): return v.hex()
    if isinstance(v, list): return [show(x) for x in v]
    if isinstance(v, tuple): return [show(x) for x in v]
    if isinstance(v, dict): return {k: show(x) for k, x in v.items()}
    return v if v is None or isinstance(v, (bool, int, float, str)) else str(v)
def count(f): return t.scan(row_filter=f).to_arrow().num_rows
file = next(iter(t.scan().plan_files())).file
print(json.dumps({
  "rows": [show(r) for r in rows], "types": [str(f.field_type) for f in t.schema().fields], "ids": [f.field_id for f in t.schema().fields],
  "nested": [[i, t.schema().find_column_name(i)] for i in range(19, t.schema().highest_field_id + 1)],
  "filters": [count("place.city = 'Olinda'"), count("moment > '2024-02-29T15:00:01+00:00'"), count("moment = '2024-02-29T15:00:00+00:00'"),
              count("clock > '23:59:00'"), count("key = 'f79c3e09-677c-4bbd-a479-3f349cb785e7'"), count("price < -12.33"), count("place.spot.x > 1")],
  "bounded": sorted(file.lower_bounds), "sized": sorted(file.column_sizes),
}))
`,
    )
    expect(told).toEqual({
      rows: [
        {
          id: 1,
          flag: true,
          n: -5,
          weight: 1.5,
          score: 0.1,
          word: 'olá 😀',
          day: '1969-12-31',
          clock: '23:59:59.123456',
          at: '2024-02-29 12:00:00.123000',
          moment: '2024-02-29 15:00:00+00:00',
          key: 'f79c3e09-677c-4bbd-a479-3f349cb785e7',
          raw: '00ff6162',
          price: '-12.34',
          big: '1234567890123456789012345678.0123456789',
          words: ['a', null, ''],
          counts: [
            ['k', 9007199254740991],
            ['z', null],
          ],
          place: { city: 'Olinda', 'zip code': 53000, spot: { x: 1.5, y: null } },
          visits: [{ at: '2024-01-01 00:00:00', tags: [['t', [1, 2]]] }, null],
        },
        Object.fromEntries(ALL_TYPES.map(({ name }) => [name, name === 'id' ? 2 : null])),
        {
          ...Object.fromEntries(ALL_TYPES.map(({ name }) => [name, name === 'id' ? 3 : null])),
          words: [],
          counts: [],
          place: { city: null, 'zip code': null, spot: null },
          visits: [],
        },
      ],
      types: [
        'long',
        'boolean',
        'int',
        'float',
        'double',
        'string',
        'date',
        'time',
        'timestamp',
        'timestamptz',
        'uuid',
        'binary',
        'decimal(9, 2)',
        'decimal(38, 10)',
        'list<string>',
        'map<string, long>',
        'struct<22: city: optional string, 23: zip code: optional int, 24: spot: optional struct<25: x: optional double, 26: y: optional double>>',
        'list<struct<28: at: optional timestamp, 29: tags: optional map<string, list<int>>>>',
      ],
      ids: Array.from({ length: 18 }, (_, index) => index + 1),
      nested: [
        [19, 'words.element'],
        [20, 'counts.key'],
        [21, 'counts.value'],
        [22, 'place.city'],
        [23, 'place.zip code'],
        [24, 'place.spot'],
        [25, 'place.spot.x'],
        [26, 'place.spot.y'],
        [27, 'visits.element'],
        [28, 'visits.element.at'],
        [29, 'visits.element.tags'],
        [30, 'visits.element.tags.key'],
        [31, 'visits.element.tags.value'],
        [32, 'visits.element.tags.value.element'],
      ],
      filters: [1, 0, 1, 1, 1, 1, 1],
      bounded: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 22, 23, 25],
      sized: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 19, 20, 21, 22, 23, 25, 26, 28, 30, 32],
    })
  })

  it('comes out in frames: nested values as JSON, bytes as digits, moments in UTC', async () => {
    const { lakehouse, engine } = await openTestLakehouse()
    const state = await lakehouse.ensureTable('silver.t', { columns: ALL_TYPES })
    expect(state.columns.map(({ name, type }) => [name, type])).toEqual(ALL_TYPES.map(({ name, type }) => [name, type]))
    await lakehouse.append('silver.t', ROWS, commit())
    const frame = await engine.query(`SELECT * FROM ${await lakehouse.relation('silver.t')} ORDER BY id`)
    expect(toRows(frame)[0]).toEqual({
      id: 1,
      flag: true,
      n: -5,
      weight: 1.5,
      score: 0.1,
      word: 'olá 😀',
      day: '1969-12-31',
      clock: '23:59:59.123456',
      at: '2024-02-29 12:00:00.123000',
      moment: '2024-02-29 15:00:00',
      key: 'f79c3e09-677c-4bbd-a479-3f349cb785e7',
      raw: '00ff6162',
      price: -12.34,
      big: Number('1234567890123456789012345678'),
      words: '["a", null, ""]',
      counts: '{"k": 9007199254740991, "z": null}',
      place: '{"city": "Olinda", "zip code": 53000, "spot": {"x": 1.5, "y": null}}',
      visits: '[{"at": "2024-01-01 00:00:00", "tags": {"t": [1, 2]}}, null]',
    })
    // What came out as text goes in again.
    await lakehouse.ensureTable('silver.again', { columns: ALL_TYPES.filter(({ name }) => name !== 'big') })
    await engine.withFrames([frame], (relation) =>
      lakehouse.append('silver.again', `SELECT * EXCLUDE big FROM ${relation}`, commit()),
    )
    const [before, after] = await Promise.all(['silver.t', 'silver.again'].map((name) => lakehouse.relation(name)))
    const differences = `(SELECT * EXCLUDE big FROM ${before} EXCEPT SELECT * FROM ${after})`
    expect(toRows(await engine.query(`SELECT count(*) AS n FROM ${differences}`))).toEqual([{ n: 0 }])
    expect(toRows(await engine.query(`SELECT count(*) AS n FROM ${after}`))).toEqual([{ n: 3 }])
  })

  it('keeps all values when a slice of it is replaced', async () => {
    const { lakehouse, engine } = await openTestLakehouse()
    await lakehouse.ensureTable('silver.t', { columns: ALL_TYPES })
    await lakehouse.append('silver.t', ROWS, commit())
    const before = await lakehouse.relation('silver.t')
    const replaced = await lakehouse.replace(
      'silver.t',
      [{ column: 'id', op: '=', value: 2 }],
      'SELECT 20 AS id',
      commit(),
    )
    expect(replaced).toMatchObject({ rowsAdded: 1, rowsRemoved: 1 })
    const after = await lakehouse.relation('silver.t')
    const lost = await engine.query(
      `SELECT id FROM ${before} WHERE id <> 2 EXCEPT SELECT id FROM (SELECT * FROM ${after} INTERSECT SELECT * FROM ${before})`,
    )
    expect(lost.rowCount).toBe(0)
  })

  it('refuses text that is no value, null in a required nested column, and bytes of a fixed length', async () => {
    const { lakehouse } = await openTestLakehouse()
    await lakehouse.ensureTable('silver.t', {
      columns: [
        { name: 'raw', type: 'binary' },
        { name: 'words', type: 'list<string>', required: true },
      ],
    })
    const refused = (rows: string) =>
      expect(lakehouse.append('silver.t', rows, commit())).rejects.toMatchObject({ code: 'ESTEIRA_SQL' })
    await refused("SELECT 'no hex' AS raw, ['a'] AS words")
    await refused("SELECT 'abc'::BLOB AS raw")
    expect(await lakehouse.table('silver.t')).toMatchObject({ rowCount: 0 })
    await expect(
      lakehouse.ensureTable('silver.f', { columns: [{ name: 'code', type: 'list<fixed(3)>' }] }),
    ).rejects.toMatchObject({ code: 'ESTEIRA_USAGE', message: expect.stringContaining('fixed(3)') })
  })

  it('refuses fields of structs that it does not have, at every level, and takes missing ones as null', async () => {
    const { lakehouse, rows } = await openTestLakehouse()
    await lakehouse.ensureTable('silver.t', {
      columns: [{ name: 's', type: 'struct<a: int, "b c": list<struct<x: int>>, m: map<string, struct<y: int>>>' }],
    })
    for (const [given, path] of [
      ["{'a': 1, 'zz': 2}", 's.zz'],
      ["{'b c': [{'x': 1, 'odd, (name': 2}]}", 's.b c.odd, (name'],
      ["{'m': MAP {'k': {'y': 1, 'quo\"te': 2}}}", 's.m.quo"te'],
    ] as const) {
      await expect(lakehouse.append('silver.t', `SELECT ${given} AS s`, commit())).rejects.toMatchObject({
        code: 'ESTEIRA_COLUMN_MISSING',
        details: { column: path },
      })
    }
    await lakehouse.append('silver.t', "SELECT {'A': 1, 'b c': [{'x': 2}]} AS s", commit())
    await lakehouse.append('silver.t', 'SELECT row(3, NULL, NULL) AS s', commit())
    expect(await rows('SELECT s FROM {silver.t} ORDER BY s')).toEqual([
      { s: '{"a": 1, "b c": [{"x": 2}], "m": null}' },
      { s: '{"a": 3, "b c": null, "m": null}' },
    ])
  })

  it('is refused with a type that nobody knows, by name', async () => {
    const { lakehouse } = await openTestLakehouse()
    for (const type of [
      'list<text>',
      'map<string>',
      'struct<a int>',
      'struct<a: int, A: int>',
      'fixed(0)',
      'list<int',
    ]) {
      await expect(
        lakehouse.ensureTable('silver.t', { columns: [{ name: 'x', type: type as 'int' }] }),
      ).rejects.toMatchObject({ code: 'ESTEIRA_USAGE', message: expect.stringContaining(type) })
    }
  })
})
