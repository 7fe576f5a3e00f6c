// What opens a driver is loaded when it is called: a step that prints its help, or finds its result finished, starts fast.
import type { Lakehouse, ObjectStore } from '@esteira/core'
import type { DuckDbEngine, DuckDbOptions } from './duckdb/open-duckdb.js'
import type { LocalLakehouse, LocalLakehouseOptions } from './local/open-local-lakehouse.js'
import type { S3ObjectStoreOptions } from './object-store/s3-options.js'
import type { AthenaSelect } from './sql-text/athena-select.js'

/**
 * Opens DuckDB in memory: sessions in UTC, row order kept, no extension fetched from anywhere.
 * Statements run at the same time, each on a session of its own; tables and views are shared, temporary ones are not.
 *
 * @throws EsteiraError ESTEIRA_OPTIONAL_PACKAGE when DuckDB's native library does not load
 * @example
 * const engine = await openDuckDb({ threads: 2 })
 * const frame = await engine.query('SELECT 42 AS answer')
 */
export async function openDuckDb(options: DuckDbOptions = {}): Promise<DuckDbEngine> {
  return (await import('./duckdb/open-duckdb.js')).openDuckDb(options)
}

/**
 * Opens the tables of a local folder: Iceberg v2 tables in Iceberg's SQL catalog `catalog.db` (catalog name `esteira`),
 * which PyIceberg, Trino and Spark open as they are. Any number of processes may read and write at the same time.
 * `close` closes the catalog; the engine stays open, it belongs to the caller.
 *
 * @throws EsteiraError ESTEIRA_CATALOG_CORRUPT, ESTEIRA_CATALOG_BUSY, ESTEIRA_ACCESS_DENIED
 * @example
 * const engine = await openDuckDb()
 * const lakehouse = await openLocalLakehouse({ home: '.esteira', engine, newId: randomUUID, now: () => new Date() })
 */
export async function openLocalLakehouse(options: LocalLakehouseOptions): Promise<LocalLakehouse> {
  return (await import('./local/open-local-lakehouse.js')).openLocalLakehouse(options)
}

/**
 * Files in an S3 bucket, below a prefix. Nothing is asked of S3 before the first call, and the AWS SDK is loaded by it. An
 * object is written by one request, which happens whole or not at all; `ifAbsent` is a conditional write. Failures that may
 * pass are tried again; a write whose answer was lost is resolved by looking which write made the object.
 *
 * @throws EsteiraError ESTEIRA_USAGE for a name that no bucket has. Its methods throw ESTEIRA_USAGE (a key that is not allowed, a
 * bucket that is missing or in another region), ESTEIRA_ACCESS_DENIED, ESTEIRA_STORE_UNAVAILABLE, ESTEIRA_SOURCE_MISSING
 * @example
 * const objects = await openS3ObjectStore({
 *   bucket: 'acme-ml', prefix: 'esteira/objects', newId: randomUUID, scratchFolder: () => mkdtemp(join(tmpdir(), 'esteira-')),
 * })
 * await objects.put('runs/r1/ingest_raw.json', '{"rows":3}', { ifAbsent: true }) // true, then false
 */
export async function openS3ObjectStore(options: S3ObjectStoreOptions): Promise<ObjectStore> {
  return (await import('./object-store/s3-object-store.js')).openS3ObjectStore(options)
}

/**
 * A query that people wrote for Athena, as a query for DuckDB that gives equal values. `docs/sql-subset.md` lists what
 * can be written.
 *
 * @throws EsteiraError ESTEIRA_SQL, and what `resolveTable` throws
 * @example
 * const sql = await athenaSelectToDuckDb({
 *   sql: "SELECT category, count(*) AS n FROM silver.churn_transactions GROUP BY 1",
 *   resolveTable: (name, version, where) => lakehouse.relation(name, version, where),
 * })
 */
export async function athenaSelectToDuckDb(select: AthenaSelect): Promise<string> {
  return (await import('./sql-text/athena-select.js')).athenaSelectToDuckDb(select)
}

/**
 * The failure of a statement in the words of its author: a column that no table has is named with the nearest one there is,
 * where the engine tells of its own views. Any other failure comes back as it is.
 *
 * @returns an EsteiraError ESTEIRA_COLUMN_MISSING, or `error`
 * @example
 * await engine.query(await athenaSelectToDuckDb({ sql, resolveTable })).catch(async (error) => {
 *   throw await explainMissingColumn(error, { sql, lakehouse })
 * })
 */
export async function explainMissingColumn(
  error: unknown,
  statement: { readonly sql: string; readonly lakehouse: Pick<Lakehouse, 'table'> },
): Promise<unknown> {
  return (await import('./sql-text/explain-missing-column.js')).explainMissingColumn(error, statement)
}
