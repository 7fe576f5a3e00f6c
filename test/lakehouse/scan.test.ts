import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { columnOf, type Frame, type ScanOptions, toRows } from '@esteira/core'
import { type RecordBatch, Table } from 'apache-arrow'
import { describe, expect, it } from 'vitest'
import { commit, openTestLakehouse, type TestLakehouse } from './test-lakehouse.js'

const TYPES = [
  { name: 'flag', type: 'boolean' },
  { name: 'small', type: 'int' },
  { name: 'big', type: 'long' },
  { name: 'single', type: 'float' },
  { name: 'ratio', type: 'double' },
  { name: 'price', type: 'decimal(18,4)' },
  { name: 'huge', type: 'decimal(38,0)' },
  { name: 'cents', type: 'decimal(4,2)' },
  { name: 'name', type: 'string' },
  { name: 'day', type: 'date' },
  { name: 'clock', type: 'time' },
  { name: 'at', type: 'timestamp' },
  { name: 'moment', type: 'timestamptz' },
  { name: 'code', type: 'uuid' },
  { name: 'bytes', type: 'binary' },
  { name: 'tags', type: 'list<string>' },
  { name: 'counts', type: 'map<string, long>' },
  { name: 'place', type: 'struct<city: string, zones: list<int>>' },
] as const

/** One row of values at their edges, one row of nulls, one of plain values. */
async function allTypes(): Promise<TestLakehouse> {
  const test = await openTestLakehouse()
  await test.lakehouse.ensureTable('silver.t', { columns: [...TYPES] })
  const row = (values: readonly string[]) =>
    `SELECT ${values.map((value, i) => `${value} AS ${TYPES[i]?.name}`).join(', ')}`
  await test.lakehouse.append(
    'silver.t',
    [
      row([
        'true',
        '-2147483648',
        '9223372036854775807',
        '0.5',
        "'-0.0'::DOUBLE",
        '-99999999999999.9999',
        '-99999999999999999999999999999999999999',
        '-99.99',
        "'ação ✓ and a longer text'",
        "DATE '1969-12-31'",
        "TIME '23:59:59.999999'",
        "TIMESTAMP '1969-12-31 23:59:59.999'",
        "TIMESTAMPTZ '2026-01-01 00:00:00-03'",
        "'f81d4fae-7dec-11d0-a765-00a0c91e6bf6'::UUID",
        "'\\x00\\xFF'::BLOB",
        "['a', NULL, 'ç']",
        "MAP {'x': 1, 'y': NULL}",
        "{city: 'São Paulo', zones: [1, NULL]}",
      ]),
      row(TYPES.map(() => 'NULL')),
      row([
        'false',
        '7',
        '-1',
        '1.25',
        "'nan'::DOUBLE",
        '0.0001',
        '1',
        '0.01',
        "''",
        "DATE '2026-02-28'",
        "TIME '00:00:00'",
        "TIMESTAMP '2026-01-01 00:00:00'",
        "TIMESTAMPTZ '2026-01-01 00:00:00+00'",
        "'00000000-0000-0000-0000-000000000000'::UUID",
        "''::BLOB",
        '[]',
        'MAP {}',
        '{city: NULL, zones: []}',
      ]),
    ].join(' UNION ALL '),
    commit(),
  )
  return test
}

async function collect<T>(pieces: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const piece of pieces) all.push(piece)
  return all
}

function tableOf(batches: RecordBatch[]): Table {
  return new Table(batches)
}

async function numbers(rows: number): Promise<TestLakehouse> {
  const test = await openTestLakehouse()
  await test.lakehouse.ensureTable('silver.n', {
    columns: [
      { name: 'id', type: 'long' },
      { name: 'half', type: 'double' },
      { name: 'text', type: 'string' },
      { name: 'tens', type: 'int' },
    ],
    partitionBy: [{ column: 'tens', transform: 'identity' }],
  })
  const select = `SELECT i AS id, CASE WHEN i % 7 = 0 THEN NULL ELSE i / 2 END AS half, 't' || i AS text, i // ${rows / 4} AS tens`
  await test.lakehouse.append('silver.n', `${select} FROM range(0, ${rows}) AS r (i)`, commit())
  return test
}

describe('a scan', () => {
  it('gives the rows in pieces of typed arrays, only the columns asked for, in their order', async () => {
    const { lakehouse } = await numbers(200_000)
    const pieces: Frame[] = await collect(lakehouse.scan('silver.n', { columns: ['half', 'ID'] }))
    expect(pieces.length).toBeGreaterThan(2)
    expect(Math.max(...pieces.map(({ rowCount }) => rowCount))).toBeLessThanOrEqual(65_536)
    expect([...(pieces[0]?.columns.keys() ?? [])]).toEqual(['half', 'id'])
    const ids = pieces.flatMap((piece) => [...(columnOf(piece, 'id').values as BigInt64Array)])
    expect(ids.length).toBe(200_000)
    expect(ids.reduce((sum, id) => sum + id, 0n)).toBe(19_999_900_000n)
    const nulls = pieces.reduce(
      (sum, piece) => sum + (columnOf(piece, 'half').nulls?.filter((bit) => bit === 1).length ?? 0),
      0,
    )
    expect(nulls).toBe(Math.ceil(200_000 / 7))
  })

  it('gives only the rows of its slice, at the version asked for', async () => {
    const { lakehouse } = await numbers(1000)
    const read = async (options: ScanOptions) => (await collect(lakehouse.scan('silver.n', options))).flatMap(toRows)
    const where = [{ column: 'id', op: '>=', value: 998 }] as const
    expect(await read({ where, columns: ['id'] })).toEqual([{ id: 998 }, { id: 999 }])
    const [before] = await lakehouse.snapshots('silver.n')
    await lakehouse.append('silver.n', "SELECT 1000 AS id, 'new' AS text, 9 AS tens", commit())
    expect((await read({ where, columns: ['id'] })).length).toBe(3)
    expect((await read({ where, version: { snapshotId: before?.snapshotId ?? '' } })).length).toBe(2)
    expect(await read({ where: [{ column: 'id', op: '=', value: -1 }] })).toEqual([])
  })

  it('names a column or a table that is not there', async () => {
    const { lakehouse } = await numbers(100)
    const misspelt = { code: 'ESTEIRA_COLUMN_MISSING', hint: 'Did you mean half?' }
    await expect(collect(lakehouse.scan('silver.n', { columns: ['halv'] }))).rejects.toMatchObject(misspelt)
    await expect(collect(lakehouse.scanArrow('silver.m'))).rejects.toMatchObject({ code: 'ESTEIRA_TABLE_MISSING' })
  })

  it('ends when it is asked to, and can be left early', async () => {
    const { lakehouse, engine } = await numbers(200_000)
    const stop = new AbortController()
    const reading = (async () => {
      for await (const _ of lakehouse.scan('silver.n', { signal: stop.signal })) stop.abort()
    })()
    await expect(reading).rejects.toMatchObject({ code: 'ESTEIRA_INTERRUPTED' })
    for await (const piece of lakehouse.scanArrow('silver.n')) {
      expect(piece.numRows).toBeGreaterThan(0)
      break
    }
    expect((await engine.query('SELECT 1 AS one')).rowCount).toBe(1)
  })
})

describe('a scan of more than memory should hold', () => {
  it('keeps memory small and reads no further than its reader, in frames and in Arrow', {
    timeout: 240_000,
  }, async () => {
    const { home, lakehouse } = await openTestLakehouse()
    const rows = 8_000_000
    const names = ['id', 'a', 'b', 'c', 'd', 'e']
    await lakehouse.ensureTable('silver.wide', { columns: names.map((name) => ({ name, type: 'long' })) })
    // Hashes cannot be packed: the table is as large on disk as in memory.
    const select = `SELECT i AS id, ${names.slice(1).map((name) => `CAST(hash(i, '${name}') >> 1 AS BIGINT) AS ${name}`)}`
    await lakehouse.append('silver.wide', `${select} FROM range(0, ${rows}) AS r (i)`, commit())
    const { sizeBytes = 0 } = (await lakehouse.table('silver.wide')) ?? {}
    expect(sizeBytes).toBeGreaterThan(300e6)
    for (const shape of ['frames', 'arrow']) {
      const found = await scanInChild(home, 'silver.wide', shape)
      expect(found).toMatchObject({ rows, sum: (rows * (rows - 1)) / 2 })
      // What the engine may hold, and columns that were read and are not collected yet.
      expect(found.most).toBeLessThan(200e6)
      expect(found.readWhileStopped).toBeLessThan(sizeBytes / 3)
    }
  })
})

interface Found {
  readonly rows: number
  readonly sum: number
  /** Most memory in bytes beyond that at the start. */
  readonly most: number
  readonly readWhileStopped: number
}

function scanInChild(home: string, table: string, shape: string): Promise<Found> {
  const program = fileURLToPath(new URL('programs/scan-with-little-memory.js', import.meta.url))
  return new Promise((resolve, reject) => {
    const args = ['--max-old-space-size=96', program, home, table, shape]
    execFile(process.execPath, args, (error, output, errors) => {
      if (error === null) resolve(JSON.parse(output) as Found)
      else reject(new Error(`the scan failed: ${errors || error.message}`))
    })
  })
}

describe('a scan in Arrow', () => {
  it('keeps every type and every value exactly', async () => {
    const { lakehouse, engine } = await allTypes()
    const batches = (await collect(lakehouse.scanArrow('silver.t'))) as RecordBatch[]
    const table = tableOf(batches)
    expect(table.schema.fields.map(({ name, type }) => `${name}: ${type}`)).toEqual([
      'flag: Bool',
      'small: Int32',
      'big: Int64',
      'single: Float32',
      'ratio: Float64',
      'price: Decimal[18e+4]',
      'huge: Decimal[38e0]',
      'cents: Decimal[4e+2]',
      'name: Utf8',
      'day: Date32<DAY>',
      'clock: Time64<MICROSECOND>',
      'at: Timestamp<MICROSECOND>',
      'moment: Timestamp<MICROSECOND, UTC>',
      'code: FixedSizeBinary[16]',
      'bytes: Binary',
      'tags: List<Utf8>',
      'counts: Map<{key:Utf8, value:Int64}>',
      'place: Struct<{city:Utf8, zones:List<Int32>}>',
    ])
    const [first, second] = [0, 1].map((row) => table.get(row)?.toJSON() ?? {})
    expect(Object.values(second ?? {}).every((value) => value === null)).toBe(true)
    expect(first?.['big']).toBe(9223372036854775807n)
    expect(Object.is(first?.['ratio'], -0)).toBe(true)
    expect(Array.from((first?.['tags'] ?? []) as Iterable<string>)).toEqual(['a', null, 'ç'])
    expect(first?.['bytes']).toEqual(new Uint8Array([0, 255]))
    expect(engine.dialect).toBe('duckdb')
  })

  it('is what PyArrow reads, value by value, as PyIceberg reads the table', async () => {
    const { home, lakehouse } = await allTypes()
    const { RecordBatchStreamWriter } = await import('apache-arrow')
    const { writeFile } = await import('node:fs/promises')
    const { runPython } = await import('../services/python.js')
    const batches = (await collect(lakehouse.scanArrow('silver.t'))) as RecordBatch[]
    const file = `${home}/scan.arrows`
    await writeFile(file, RecordBatchStreamWriter.writeAll(tableOf(batches)).toUint8Array(true))
    const answer = await runPython(COMPARE, [`sqlite:///${home}/catalog.db`, file])
    expect(JSON.parse(answer)).toEqual({ rows: 3, differing: [] })
  })

  it('hands over as many rows as the frames hold', async () => {
    const { lakehouse } = await numbers(150_000)
    const batches = (await collect(lakehouse.scanArrow('silver.n', { columns: ['half', 'text'] }))) as RecordBatch[]
    const table = tableOf(batches)
    expect(table.numRows).toBe(150_000)
    expect(table.getChild('half')?.nullCount).toBe(Math.ceil(150_000 / 7))
    expect(table.getChild('text')?.get(149_999)).toBe('t149999')
    expect(table.getChild('half')?.get(149_999)).toBe(74_999.5)
  })

  it('gives a schema when there is no row', async () => {
    const { lakehouse } = await numbers(100)
    const where = [{ column: 'id', op: '=', value: -1 }] as const
    const batches = (await collect(lakehouse.scanArrow('silver.n', { where }))) as RecordBatch[]
    expect(tableOf(batches).numRows).toBe(0)
    expect(batches[0]?.schema.fields.map(({ name }) => name)).toEqual(['id', 'half', 'text', 'tens'])
  })
})

const COMPARE = `
import json, sys
import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
uri, path = sys.argv[1:]
ours = pa.ipc.open_stream(path).read_all()
theirs = SqlCatalog("esteira", uri=uri).load_table("silver.t").scan().to_arrow()
def plain(value):
    if isinstance(value, float) and value != value: return "nan"
    if hasattr(value, "bytes") and not isinstance(value, bytes): return value.bytes
    if isinstance(value, list): return [plain(each) for each in value]
    if isinstance(value, tuple): return tuple(plain(each) for each in value)
    if isinstance(value, dict): return {key: plain(each) for key, each in value.items()}
    return value
differing = [
    [name, str(a), str(b)]
    for name in theirs.column_names
    for a, b in zip(ours.column(name).to_pylist(), theirs.column(name).to_pylist())
    if plain(a) != plain(b)
]
print(json.dumps({"rows": ours.num_rows, "differing": differing}))
`
