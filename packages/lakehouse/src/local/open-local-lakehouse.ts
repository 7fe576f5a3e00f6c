import { createHash } from 'node:crypto'
import { join, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { type Lakehouse, type Logger, type Snapshot, silentLogger, type TableState } from '@esteira/core'
import { openSqliteCatalog } from '../catalog/sqlite-catalog.js'
import type { DuckDbEngine } from '../duckdb/open-duckdb.js'
import { columnTypeOf } from '../iceberg/column-types.js'
import { partitionFields } from '../iceberg/partition-columns.js'
import { currentSchema, currentSnapshot, specById, type TableSnapshot } from '../iceberg/table-metadata.js'
import { localStorage } from '../storage/local-storage.js'
import { appendRows } from './append.js'
import { ensureTable } from './ensure-table.js'
import { findTable, loadTable } from './load-table.js'
import { replaceRows } from './replace.js'
import { readStaged, writeParquet } from './staged-parquet.js'
import { tableTotals } from './table-totals.js'
import { TableViews } from './table-view.js'
import type { LoadedTable, Tables } from './tables.js'

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
export async function openLocalLakehouse(options: LocalLakehouseOptions): Promise<Lakehouse> {
  const home = resolve(options.home)
  const tables: Tables = {
    home,
    engine: options.engine,
    catalog: await openSqliteCatalog(join(home, 'catalog.db'), options.catalogTimeoutMs ?? 10_000),
    storage: localStorage,
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
      return table === undefined ? undefined : stateOf(tables, table)
    },
    async tables() {
      const names = await tables.catalog.names()
      return Promise.all(names.map(async (name) => stateOf(tables, await loadTable(tables, name))))
    },
    ensureTable: async (name, definition) => stateOf(tables, await ensureTable(tables, name, definition)),
    relation: (name, version = {}) => views.viewOf(name, version),
    append: (name, rows, commit) => appendRows(tables, name, rows, commit),
    replace: (name, slice, rows, commit) => replaceRows(tables, name, slice, rows, commit),
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

async function stateOf(tables: Tables, table: LoadedTable): Promise<TableState> {
  const { metadata, name } = table
  const snapshotId = currentSnapshot(metadata)?.['snapshot-id']
  const totals = await tableTotals(tables.storage, table)
  return {
    name,
    location: metadata.location,
    columns: currentSchema(metadata).fields.map((field) => ({
      name: field.name,
      type: columnTypeOf(field, name),
      ...(field.required ? { required: true } : {}),
      ...(field.doc === undefined ? {} : { doc: field.doc }),
    })),
    partitionBy: partitionFields(metadata, specById(metadata, metadata['default-spec-id'])),
    properties: metadata.properties,
    ...(snapshotId === undefined ? {} : { snapshotId: String(snapshotId) }),
    rowCount: totals.rows,
    fileCount: totals.files,
    sizeBytes: totals.bytes,
  }
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
