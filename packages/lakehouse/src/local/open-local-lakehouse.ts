import { createHash } from 'node:crypto'
import { join, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { type Lakehouse, type Logger, type ScanOptions, type Snapshot, silentLogger } from '@esteira/core'
import type { RecordBatch } from 'apache-arrow'
import { openSqliteCatalog } from '../catalog/sqlite-catalog.js'
import type { DuckDbEngine } from '../duckdb/open-duckdb.js'
import type { TableSnapshot } from '../iceberg/table-metadata.js'
import { localStorage } from '../storage/local-storage.js'
import { findTable, loadTable } from './load-table.js'
import { ensureTable } from './maintain/ensure-table.js'
import { registerTable } from './maintain/register-table.js'
import { MetadataCache } from './metadata-cache.js'
import { scanArrowTable, scanTable } from './read/scan-table.js'
import { TableViews } from './read/table-view.js'
import { guardWrites } from './read-only-tables.js'
import { tableOperations } from './table-operations.js'
import { tableState } from './table-state.js'
import type { Tables } from './tables.js'
import { readStaged, writeParquet } from './write/staged-parquet.js'

export interface LocalLakehouseOptions {
  /** Folder of all local state: `catalog.db`, `lakehouse/`, `objects/`. Created when it is not there. */
  readonly home: string
  readonly engine: DuckDbEngine
  /** A new unique id, a UUID: names of files and snapshots. */
  readonly newId: () => string
  /** The time now: when snapshots were committed. */
  readonly now: () => Date
  readonly logger?: Logger
  /** In [0, 1): spreads the retries of writers that met. Default: drawn from `newId`. */
  readonly random?: () => number
  readonly sleep?: (ms: number) => Promise<void>
  /** How long to wait for another process that has locked the catalog; default 10,000. */
  readonly catalogTimeoutMs?: number
}

/** The tables of a local folder, with the types of Arrow that core does not name. */
export interface LocalLakehouse extends Lakehouse {
  scanArrow(name: string, options?: ScanOptions): AsyncIterable<RecordBatch>
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
  const home = resolve(options.home)
  const tables: Tables = {
    home,
    engine: options.engine,
    catalog: await openSqliteCatalog(join(home, 'catalog.db'), options.catalogTimeoutMs ?? 10_000),
    storage: localStorage,
    metadataCache: new MetadataCache(),
    newId: options.newId,
    now: options.now,
    random: options.random ?? (() => fractionOf(options.newId())),
    sleep: options.sleep ?? ((ms) => setTimeout(ms)),
    logger: options.logger ?? silentLogger,
  }
  const views = new TableViews(tables)
  return {
    engine: options.engine,
    async table(name) {
      const table = await findTable(tables, name)
      return table === undefined ? undefined : tableState(tables, table)
    },
    async tables() {
      const names = await tables.catalog.names()
      return Promise.all(names.map(async (name) => tableState(tables, await loadTable(tables, name))))
    },
    tableNames: () => tables.catalog.names(),
    relation: (name, version = {}, where = []) => views.relation(name, version, where),
    plan: (name, scan = {}) => views.plan(name, scan),
    scan: (name, scan = {}) => scanTable(tables, views, name, scan),
    scanArrow: (name, scan = {}) => scanArrowTable(tables, views, name, scan),
    register: async (name, location, request = {}) =>
      tableState(tables, await registerTable(tables, name, location, request)),
    ...guardWrites(tables, {
      ...tableOperations(tables),
      ensureTable: async (name, definition) => tableState(tables, await ensureTable(tables, name, definition)),
    }),
    snapshots: async (name) => (await loadTable(tables, name)).metadata.snapshots.map(describeSnapshot),
    writeParquet: (key, rows, { signal } = {}) => writeParquet(tables, key, rows, signal),
    writeFrames: (key, frames) =>
      options.engine.withFrames(frames, (relation) =>
        writeParquet(tables, key, `SELECT * FROM ${relation}`, undefined),
      ),
    parquet: (key) => readStaged(tables, key),
    close: () => tables.catalog.close(),
  }
}

function fractionOf(id: string): number {
  return createHash('sha256').update(id).digest().readUInt32BE(0) / 2 ** 32
}

function describeSnapshot(snapshot: TableSnapshot): Snapshot {
  const { operation = 'append', ...summary } = snapshot.summary
  const parent = snapshot['parent-snapshot-id']
  return {
    snapshotId: String(snapshot['snapshot-id']),
    ...(parent === undefined || parent === null ? {} : { parentId: String(parent) }),
    committedAt: new Date(snapshot['timestamp-ms']),
    operation: operation === 'overwrite' || operation === 'delete' || operation === 'replace' ? operation : 'append',
    summary,
  }
}
