import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Commit, Lakehouse, TableColumn } from '@esteira/core'
import { type DuckDbEngine, openDuckDb, openLocalLakehouse } from '@esteira/lakehouse'
import { canonicalRows } from '../lakehouse/foreign-tables.js'
import type { Row } from './engine.js'

export interface OurTables {
  readonly home: string
  readonly lakehouse: Lakehouse
  /** What we read, in the form of the engines' rows. */
  readonly rows: (
    name: string,
    version?: { readonly snapshotId?: string; readonly ref?: string },
  ) => Promise<readonly Row[]>
  readonly close: () => Promise<void>
}

export function commit(): Commit {
  return { commitId: randomUUID(), runId: 'java' }
}

/** A new home with tables of everything that our writer can make. */
export async function makeOurTables(): Promise<OurTables> {
  const home = await mkdtemp(join(tmpdir(), 'esteira-java-home-'))
  const engine: DuckDbEngine = await openDuckDb({ threads: 2 })
  const lakehouse = await openLocalLakehouse({ home, engine, newId: randomUUID, now: () => new Date() })
  const close = async () => {
    await lakehouse.close()
    await engine.close()
    await rm(home, { recursive: true, force: true })
  }
  try {
    await makeTypes(lakehouse)
    await makeEvolved(lakehouse)
    await makePartitions(lakehouse)
    await makeChanges(lakehouse)
  } catch (error) {
    await close()
    throw error
  }
  return {
    home,
    lakehouse,
    async rows(name, version = {}) {
      await lakehouse.writeParquet('rows.parquet', `SELECT * FROM ${await lakehouse.relation(name, version)}`)
      return (await canonicalRows(join(home, 'objects', 'rows.parquet'))) as readonly Row[]
    },
    close,
  }
}

const PRIMITIVES: readonly TableColumn[] = [
  { name: 'b', type: 'boolean' },
  { name: 'i', type: 'int' },
  { name: 'l', type: 'long', required: true },
  { name: 'f', type: 'float' },
  { name: 'd', type: 'double' },
  { name: 's', type: 'string', doc: 'any text' },
  { name: 'day', type: 'date' },
  { name: 'ts', type: 'timestamp' },
  { name: 'tz', type: 'timestamptz' },
  { name: 'u', type: 'uuid' },
  { name: 'bin', type: 'binary' },
  { name: 'small', type: 'decimal(5,2)' },
  { name: 'medium', type: 'decimal(18,4)' },
  { name: 'big', type: 'decimal(38,10)' },
  { name: 'list', type: 'list<int>' },
  { name: 'st', type: 'struct<a: int, b: string>' },
  { name: 'm', type: 'map<string, double>' },
  { name: 'deep', type: 'list<struct<k: string, vs: map<int, list<long>>>>' },
]

const TYPE_ROWS = `
  SELECT true AS b, -2147483648 AS i, -9223372036854775808 AS l, '-inf'::FLOAT AS f, 'nan'::DOUBLE AS d, '' AS s, DATE '1969-12-31' AS day,
    TIMESTAMP '1969-12-31 23:59:59.999' AS ts, TIMESTAMPTZ '1969-12-31 23:59:59.999+00' AS tz, '12345678-90ab-cdef-1234-567890abcdef'::UUID AS u, ''::BLOB AS bin,
    -899.99 AS small, -99999999999999.9999 AS medium, '-9999999999999999999999999999.9999999999'::DECIMAL(38,10) AS big, []::INTEGER[] AS list, {a: 1, b: NULL::VARCHAR} AS st,
    MAP {}::MAP(VARCHAR, DOUBLE) AS m, []::STRUCT(k VARCHAR, vs MAP(INTEGER, BIGINT[]))[] AS deep
  UNION ALL SELECT false, 2147483647, 9223372036854775807, 0.1, 1.7976931348623157e308, 'Grüße, 世界 🚀 %=/', DATE '2038-01-19', TIMESTAMP '2038-01-19 03:14:08',
    TIMESTAMPTZ '2038-01-19 03:14:08+00', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '\\x00\\xFF\\x10'::BLOB, 999.99, 0.0001, 0.0000000001, [1, NULL, 3], NULL, MAP {'a': 1.5, 'b': NULL},
    [{k: 'x', vs: MAP {1: [1, 2], 2: NULL}}, NULL]
  UNION ALL SELECT NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL`

async function makeTypes(lakehouse: Lakehouse): Promise<void> {
  const partitionBy = [
    { column: 's', transform: 'bucket[4]' },
    { column: 's', transform: 'truncate[3]' },
    { column: 'ts', transform: 'hour' },
    { column: 'l', transform: 'bucket[3]' },
    { column: 'small', transform: 'truncate[10]' },
    { column: 'i', transform: 'identity' },
  ] as const
  await lakehouse.ensureTable('silver.types', { columns: PRIMITIVES, partitionBy })
  await lakehouse.append('silver.types', TYPE_ROWS, commit())
  // Spark has no type for a time of day.
  await lakehouse.ensureTable('silver.times', {
    columns: [
      { name: 't', type: 'time' },
      { name: 'id', type: 'int' },
    ],
    partitionBy: [{ column: 't', transform: 'bucket[2]' }],
  })
  const times =
    "SELECT TIME '23:59:59.999999' AS t, 1 AS id UNION ALL SELECT TIME '00:00:00', 2 UNION ALL SELECT NULL, 3"
  await lakehouse.append('silver.times', times, commit())
}

async function makeEvolved(lakehouse: Lakehouse): Promise<void> {
  const name = 'silver.evolved'
  await lakehouse.ensureTable(name, {
    columns: [
      { name: 'id', type: 'int' },
      { name: 'ratio', type: 'float' },
      { name: 'price', type: 'decimal(9,2)' },
      { name: 'gone', type: 'string' },
      { name: 'old', type: 'string' },
      { name: 'at', type: 'struct<x: int, y: int>' },
    ],
  })
  const rows = `SELECT range AS id, range / 8 AS ratio, range AS price, 'gone ' || range AS gone, 'old ' || range AS old, {x: range, y: -range} AS at`
  await lakehouse.append(name, `${rows} FROM range(10)`, commit())
  await lakehouse.evolve(name, [
    { op: 'add', column: 'added', type: 'long' },
    { op: 'rename', column: 'old', to: 'renamed' },
    { op: 'drop', column: 'gone' },
    { op: 'widen', column: 'id', type: 'long' },
    { op: 'widen', column: 'ratio', type: 'double' },
    { op: 'widen', column: 'price', type: 'decimal(18,2)' },
    { op: 'move', column: 'renamed' },
    { op: 'add', column: 'at.z', type: 'string' },
    { op: 'rename', column: 'at.x', to: 'ex' },
    { op: 'drop', column: 'at.y' },
  ])
  await lakehouse.evolve(name, [{ op: 'add', column: 'gone', type: 'string' }])
  const newer =
    "SELECT 3000000000 AS id, 'new' AS renamed, 0.1 AS ratio, 1234567890123.45 AS price, {ex: 3, z: 'zed'} AS at, 7 AS added, 'back' AS gone"
  await lakehouse.append(name, newer, commit())
}

const BOOKINGS = (from: number, to: number) =>
  `SELECT range AS id, DATE '2024-01-30' + range::INTEGER AS day, 'name ' || range AS name, range * 1.25 AS amount FROM range(${from}, ${to})`

const BOOKING_COLUMNS: readonly TableColumn[] = [
  { name: 'id', type: 'long' },
  { name: 'day', type: 'date' },
  { name: 'name', type: 'string' },
  { name: 'amount', type: 'decimal(18,4)' },
]

async function makePartitions(lakehouse: Lakehouse): Promise<void> {
  const name = 'silver.partitions'
  await lakehouse.ensureTable(name, { columns: BOOKING_COLUMNS })
  await lakehouse.append(name, BOOKINGS(0, 10), commit())
  await lakehouse.evolve(name, [{ op: 'add partition', field: { column: 'day', transform: 'month' } }])
  await lakehouse.append(name, BOOKINGS(10, 40), commit())
  await lakehouse.evolve(name, [
    { op: 'drop partition', field: { column: 'day', transform: 'month' } },
    { op: 'add partition', field: { column: 'day', transform: 'year' } },
    { op: 'add partition', field: { column: 'name', transform: 'bucket[3]' } },
  ])
  await lakehouse.append(name, BOOKINGS(40, 60), commit())
  await lakehouse.delete(name, [{ column: 'id', op: 'in', value: [1, 11, 41] }], commit())
}

/** Every operation on one table: what Spark and Trino then see are all its snapshots, tags and branches. */
async function makeChanges(lakehouse: Lakehouse): Promise<void> {
  const name = 'silver.changes'
  await lakehouse.ensureTable(name, { columns: BOOKING_COLUMNS, partitionBy: [{ column: 'day', transform: 'month' }] })
  await lakehouse.append(name, BOOKINGS(0, 50), commit())
  await lakehouse.tag(name, 'first')
  await lakehouse.append(name, BOOKINGS(50, 60), commit())
  await lakehouse.branch(name, 'audit')
  const slice = [
    { column: 'day', op: '>=', value: '2024-02-01' },
    { column: 'day', op: '<', value: '2024-03-01' },
  ] as const
  await lakehouse.replace(
    name,
    slice,
    `SELECT id, day, name || '!' AS name, -amount AS amount FROM (${BOOKINGS(2, 20)})`,
    commit(),
  )
  await lakehouse.upsert(
    name,
    ['id'],
    `SELECT id, day, 'upserted' AS name, NULL AS amount FROM (${BOOKINGS(18, 22)})`,
    commit(),
  )
  await lakehouse.delete(name, [{ column: 'id', op: '<', value: 3 }], commit())
  const wrong = await lakehouse.append(name, BOOKINGS(1000, 1003), commit())
  const before = (await lakehouse.snapshots(name)).find(({ snapshotId }) => snapshotId === wrong.snapshotId)?.parentId
  await lakehouse.rollback(name, before ?? '', commit())
  await lakehouse.compact(name, {}, commit())
  await lakehouse.append(name, BOOKINGS(60, 64), commit())
}
