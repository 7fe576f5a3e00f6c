import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { commit, openTestLakehouse } from '../test-lakehouse.js'

/** A table to damage, with its files by what they are. */
export interface DamagedTable {
  readonly home: string
  readonly table: string
  /** An older snapshot. */
  readonly snapshotId: string
  readonly files: Readonly<Record<FileKind, readonly string[]>>
}

export const FILE_KINDS = ['catalog', 'metadata file', 'manifest list', 'manifest', 'data file'] as const
export type FileKind = (typeof FILE_KINDS)[number]

/** A partitioned table with a history: appended to, partly replaced, with a column added on the way. */
export async function makeTable(): Promise<DamagedTable> {
  const { home, lakehouse } = await openTestLakehouse()
  const table = 'silver.t'
  const columns = [
    { name: 'id', type: 'long', required: true },
    { name: 'day', type: 'date' },
    { name: 'amount', type: 'decimal(18,4)' },
    { name: 'note', type: 'string' },
    { name: 'score', type: 'double' },
    { name: 'at', type: 'timestamp' },
  ] as const
  await lakehouse.ensureTable(table, { columns, partitionBy: [{ column: 'day', transform: 'month' }] })
  const rows = (from: number, to: number, month: string) =>
    `SELECT range AS id, DATE '${month}-01' + (range % 28)::INT AS day, range / 7 AS amount, 'note ' || hash(range) AS note,
      sqrt(range) AS score, TIMESTAMP '${month}-01 00:00:00' + INTERVAL (range) HOUR AS at FROM range(${from}, ${to})`
  await lakehouse.append(table, `${rows(0, 60, '2024-01')} UNION ALL ${rows(60, 100, '2024-02')}`, commit())
  const { snapshotId = '' } = await lakehouse.append(table, rows(100, 150, '2024-02'), commit())
  await lakehouse.ensureTable(table, { columns: [...columns, { name: 'flag', type: 'boolean' }] })
  const slice = [
    { column: 'day', op: '>=', value: '2024-01-20' },
    { column: 'day', op: '<', value: '2024-02-10' },
  ] as const
  await lakehouse.replace(table, slice, `SELECT *, true AS flag FROM (${rows(200, 230, '2024-01')})`, commit())
  await lakehouse.append(table, rows(300, 310, '2024-03'), commit())
  const state = await lakehouse.table(table)
  const found = await lakehouse.engine.query('SELECT 1')
  if (state?.rowCount === undefined || found.rowCount !== 1) throw new Error('the table is not there')
  return { home, table, snapshotId, files: await filesOf(home) }
}

async function filesOf(home: string): Promise<DamagedTable['files']> {
  const folder = join(home, 'lakehouse')
  const all = (await readdir(folder, { recursive: true })).map((name) => join(folder, name)).sort()
  const ending = (pattern: RegExp) => all.filter((path) => pattern.test(path))
  return {
    catalog: [join(home, 'catalog.db')],
    'metadata file': ending(/\.metadata\.json$/).slice(-1),
    'manifest list': ending(/\/snap-[^/]*\.avro$/),
    manifest: ending(/-m\d+\.avro$/),
    'data file': ending(/\.parquet$/),
  }
}
