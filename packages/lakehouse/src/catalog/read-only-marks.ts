import type Database from 'libsql'
import { parseTableName } from './table-name.js'

// A table of our own beside Iceberg's: PyIceberg, Trino and Spark do not look at it.
const MARKS = `
  CREATE TABLE IF NOT EXISTS esteira_read_only_tables (
    table_namespace VARCHAR(255) NOT NULL, table_name VARCHAR(255) NOT NULL, table_uuid VARCHAR(255) NOT NULL,
    PRIMARY KEY (table_namespace, table_name))`

/** UUID of the table that may only be read under this name. */
export function readReadOnlyId(database: Database.Database, name: string): string | undefined {
  if (!hasMarks(database)) return undefined
  const { database: namespace, table } = parseTableName(name)
  const row = database
    .prepare('SELECT table_uuid AS id FROM esteira_read_only_tables WHERE table_namespace = ? AND table_name = ?')
    .get(namespace, table)
  return (row as { readonly id: string } | undefined)?.id
}

/** Sets the mark of a name, or takes it away. */
export function writeReadOnlyId(database: Database.Database, name: string, id: string | undefined): void {
  const { database: namespace, table } = parseTableName(name)
  if (id !== undefined) {
    database.exec(MARKS)
    database.prepare('INSERT OR REPLACE INTO esteira_read_only_tables VALUES (?, ?, ?)').run(namespace, table, id)
  } else if (hasMarks(database)) {
    database
      .prepare('DELETE FROM esteira_read_only_tables WHERE table_namespace = ? AND table_name = ?')
      .run(namespace, table)
  }
}

function hasMarks(database: Database.Database): boolean {
  return (
    database.prepare("SELECT 1 AS found FROM sqlite_master WHERE name = 'esteira_read_only_tables'").get() !== undefined
  )
}
