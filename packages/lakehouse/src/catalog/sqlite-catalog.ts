import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type Database from 'libsql'
import { fileError } from '../storage/file-errors.js'
import type { Catalog } from './catalog.js'
import { refuseLostCatalog } from './lost-catalog.js'
import { readReadOnlyId, writeReadOnlyId } from './read-only-marks.js'
import { catalogError, DamagedCatalog } from './sqlite-errors.js'
import { parseTableName } from './table-name.js'

const CATALOG_NAME = 'esteira'

// The tables of Iceberg's JDBC catalog (schema V1), column for column, so that PyIceberg, Trino and Spark open the same file.
const TABLES = `
  CREATE TABLE IF NOT EXISTS iceberg_tables (
    catalog_name VARCHAR(255) NOT NULL, table_namespace VARCHAR(255) NOT NULL, table_name VARCHAR(255) NOT NULL,
    metadata_location VARCHAR(1000), previous_metadata_location VARCHAR(1000), iceberg_type VARCHAR(5),
    PRIMARY KEY (catalog_name, table_namespace, table_name));
  CREATE TABLE IF NOT EXISTS iceberg_namespace_properties (
    catalog_name VARCHAR(255) NOT NULL, namespace VARCHAR(255) NOT NULL, property_key VARCHAR(255) NOT NULL,
    property_value VARCHAR(1000) NOT NULL, PRIMARY KEY (catalog_name, namespace, property_key));`

const IS_TABLE = `catalog_name = '${CATALOG_NAME}' AND (iceberg_type = 'TABLE' OR iceberg_type IS NULL)`
const THIS_TABLE = `${IS_TABLE} AND table_namespace = ? AND table_name = ?`

/**
 * Iceberg's SQL catalog in one SQLite file; created when there is none and no table either. Journal mode and durability are SQLite's
 * defaults, because other programs open the same file.
 *
 * @param busyTimeoutMs how long a statement waits for another process to release the database
 * @throws EsteiraError ESTEIRA_CATALOG_CORRUPT, ESTEIRA_CATALOG_BUSY, ESTEIRA_ACCESS_DENIED
 */
export async function openSqliteCatalog(path: string, busyTimeoutMs: number): Promise<Catalog> {
  const { default: Libsql } = await import('libsql')
  const guard = guardOf(path)
  await refuseLostCatalog(path)
  await mkdir(dirname(path), { recursive: true }).catch((cause: unknown) => {
    throw fileError('written', dirname(path), cause)
  })
  const database = await guard(() => new Libsql(path, { timeout: busyTimeoutMs }))
  await guard(() => createTables(database))
  return {
    names: () => guard(() => readNames(database)),
    pointer: (name) => guard(() => readPointer(database, name)),
    create: (name, location, readOnlyId) => guard(() => createTable(database, name, location, readOnlyId)),
    readOnlyId: (name) => guard(() => readReadOnlyId(database, name)),
    setReadOnlyId: (name, id) => guard(() => writeReadOnlyId(database, name, id)),
    swap: (name, from, to) => guard(() => swapPointer(database, name, from, to)),
    async close() {
      database.close()
    },
  }
}

function guardOf(path: string): <T>(work: () => T | Promise<T>) => Promise<T> {
  return async (work) => {
    try {
      return await work()
    } catch (cause) {
      throw catalogError(cause, path)
    }
  }
}

function createTables(database: Database.Database): void {
  const found = database
    .prepare(
      "SELECT count(*) AS found FROM sqlite_master WHERE name IN ('iceberg_tables', 'iceberg_namespace_properties')",
    )
    .get() as { readonly found: number }
  // Asking first lets a reader open the catalog while somebody else is writing to it.
  if (found.found < 2) database.exec(TABLES)
  const typed = database
    .prepare("SELECT count(*) AS found FROM pragma_table_info('iceberg_tables') WHERE name = 'iceberg_type'")
    .get()
  // A catalog that an older program made knows no views; this column is what the JDBC catalog adds for them.
  if ((typed as { readonly found: number }).found === 0)
    database.exec('ALTER TABLE iceberg_tables ADD COLUMN iceberg_type VARCHAR(5)')
}

function readNames(database: Database.Database): readonly string[] {
  // A page that is lost takes tables with it, and SQLite does not notice while it reads.
  checkIntegrity(database)
  const rows = database
    .prepare(`SELECT hex(table_namespace) || '2E' || hex(table_name) AS name FROM iceberg_tables WHERE ${IS_TABLE}`)
    .all() as readonly { readonly name: string }[]
  return rows.map(({ name }) => decodeText(name)).sort()
}

function readPointer(database: Database.Database, name: string): string | undefined {
  const { database: namespace, table } = parseTableName(name)
  const row = database
    .prepare(`SELECT hex(metadata_location) AS location FROM iceberg_tables WHERE ${THIS_TABLE}`)
    .get(namespace, table) as { readonly location: string } | undefined
  if (row !== undefined && row.location !== '') return decodeText(row.location)
  // A damaged catalog must not pass for one that lacks the table: somebody would make it again, empty.
  checkIntegrity(database)
  if (row !== undefined) throw new DamagedCatalog(`table ${name} has no metadata location`)
  return undefined
}

// Text leaves SQLite as hexadecimal digits: bytes that are no UTF-8 would end the process inside the SQLite library.
function decodeText(digits: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(digits, 'hex'))
  } catch (cause) {
    throw new DamagedCatalog('a name or a location in it is no text', { cause })
  }
}

function checkIntegrity(database: Database.Database): void {
  const [finding] = database.prepare('SELECT hex(integrity_check) AS finding FROM pragma_integrity_check(1)').all()
  const text = decodeText((finding as { readonly finding: string } | undefined)?.finding ?? '')
  if (text !== 'ok') throw new DamagedCatalog(text)
}

function createTable(database: Database.Database, name: string, location: string, readOnlyId?: string): boolean {
  const { database: namespace, table } = parseTableName(name)
  return inTransaction(database, () => {
    database
      .prepare('INSERT OR IGNORE INTO iceberg_namespace_properties VALUES (?, ?, ?, ?)')
      .run(CATALOG_NAME, namespace, 'exists', 'true')
    const { changes } = database
      .prepare(
        `INSERT OR IGNORE INTO iceberg_tables
          (catalog_name, table_namespace, table_name, metadata_location, previous_metadata_location, iceberg_type)
          VALUES (?, ?, ?, ?, NULL, 'TABLE')`,
      )
      .run(CATALOG_NAME, namespace, table, location)
    if (changes === 1) writeReadOnlyId(database, name, readOnlyId)
    return changes === 1
  })
}

function swapPointer(database: Database.Database, name: string, from: string, to: string): boolean {
  const { database: namespace, table } = parseTableName(name)
  return inTransaction(database, () => {
    const { changes } = database
      .prepare(
        `UPDATE iceberg_tables SET metadata_location = ?, previous_metadata_location = ?
          WHERE ${THIS_TABLE} AND metadata_location = ?`,
      )
      .run(to, from, namespace, table, from)
    return changes === 1
  })
}

/**
 * THE COMMIT POINT of every change of a table: the transaction is durable when this returns; before, nothing is visible.
 * The lock is taken by a statement of its own: one that fails to get it must not go on holding a lesser one.
 */
function inTransaction<T>(database: Database.Database, work: () => T): T {
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    // On a full disk SQLite rolls back by itself; a second ROLLBACK would fail and hide why.
    if (database.inTransaction) database.exec('ROLLBACK')
    throw error
  }
}
