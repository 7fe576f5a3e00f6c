import { EsteiraError, nearest } from '@esteira/core'
import type { SchemaField, TableSchema } from '../../iceberg/table-metadata.js'

/** The fields of columns that a reader names, in his order. @throws EsteiraError ESTEIRA_COLUMN_MISSING with the nearest one */
export function chooseColumns(table: string, schema: TableSchema, columns: readonly string[]): readonly SchemaField[] {
  return columns.map((column) => {
    const field = schema.fields.find(({ name }) => name.toLowerCase() === column.toLowerCase())
    if (field !== undefined) return field
    const names = schema.fields.map(({ name }) => name)
    const near = nearest(column, names)
    throw new EsteiraError('ESTEIRA_COLUMN_MISSING', `table ${table} has no column ${column}`, {
      hint: near === undefined ? `Its columns: ${names.join(', ')}.` : `Did you mean ${near}?`,
      details: { table, column },
    })
  })
}
