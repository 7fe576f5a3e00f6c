import { EsteiraError, nearest, quoteName } from '@esteira/core'
import type { DuckDbEngine } from '../duckdb/open-duckdb.js'
import { columnTypeOf, duckDbTypeOf } from '../iceberg/column-types.js'
import { currentSchema, type SchemaField } from '../iceberg/table-metadata.js'
import type { LoadedTable } from './tables.js'

/**
 * A SELECT of exactly the table's columns, cast to its types, from the rows that a caller gives. Columns meet by name,
 * without regard to case; those that are missing are null; timestamps are cut to milliseconds, the precision Athena reads.
 *
 * @throws EsteiraError ESTEIRA_COLUMN_MISSING for a column that the table does not have
 */
export async function projectRows(
  engine: DuckDbEngine,
  table: LoadedTable,
  rows: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const given = await engine.columnNames(rows, signal === undefined ? {} : { signal })
  const { fields } = currentSchema(table.metadata)
  refuseUnknown(table.name, fields, given)
  const byName = new Map(given.map((name) => [name.toLowerCase(), name]))
  const columns = fields.map((field) => {
    const type = columnTypeOf(field, table.name)
    const source = byName.get(field.name.toLowerCase())
    const value = source === undefined ? 'NULL' : `given.${quoteName(source)}`
    const cast = `CAST(${value} AS ${duckDbTypeOf(type)})`
    return `${type === 'timestamp' ? `date_trunc('millisecond', ${cast})` : cast} AS ${quoteName(field.name)}`
  })
  return `SELECT ${columns.join(', ')} FROM (\n${rows}\n) AS given`
}

function refuseUnknown(table: string, fields: readonly SchemaField[], given: readonly string[]): void {
  const known = new Set(fields.map(({ name }) => name.toLowerCase()))
  const unknown = given.find((name) => !known.has(name.toLowerCase()))
  if (unknown === undefined) return
  const names = fields.map(({ name }) => name)
  const similar = nearest(unknown, names)
  throw new EsteiraError(
    'ESTEIRA_COLUMN_MISSING',
    `table ${table} has no column ${unknown}, which the rows to write have`,
    {
      hint: similar === undefined ? `Its columns: ${names.join(', ')}.` : `Did you mean ${similar}?`,
      details: { table, column: unknown },
    },
  )
}
