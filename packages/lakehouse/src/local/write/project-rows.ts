import { EsteiraError, nearest, quoteName, quoteText } from '@esteira/core'
import type { DuckDbEngine } from '../../duckdb/open-duckdb.js'
import { columnTypeOf, duckDbTypeOf } from '../../iceberg/column-types.js'
import { allFields } from '../../iceberg/schema-types.js'
import { currentSchema, type SchemaField } from '../../iceberg/table-metadata.js'
import type { LoadedTable } from '../tables.js'
import { unknownPart } from './given-type.js'

/**
 * A SELECT of exactly the table's columns, cast to its types, from the rows that a caller gives. Columns meet by name,
 * without regard to case; those that are missing are null; timestamps are cut to milliseconds, the precision Athena reads.
 * Text stands for nested values as JSON, for binary as hexadecimal digits.
 *
 * @throws EsteiraError ESTEIRA_COLUMN_MISSING for a column that the table does not have
 */
export async function projectRows(
  engine: DuckDbEngine,
  table: LoadedTable,
  rows: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const { fields } = currentSchema(table.metadata)
  const given = await givenColumns(engine, rows, fields, signal)
  refuseUnknown(table.name, fields, [...given.keys()])
  const byName = new Map([...given].map(([name, type]) => [name.toLowerCase(), { name, type }]))
  const columns = fields.map((field) => {
    const source = byName.get(field.name.toLowerCase())
    const value = source === undefined ? 'NULL' : `given.${quoteName(source.name)}`
    return `${castValue(table.name, field, value, source?.type)} AS ${quoteName(field.name)}`
  })
  return `SELECT ${columns.join(', ')} FROM (\n${rows}\n) AS given`
}

// The types of the given columns matter only where text has a meaning of its own: they cost another statement.
async function givenColumns(
  engine: DuckDbEngine,
  rows: string,
  fields: readonly SchemaField[],
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, string | undefined>> {
  const options = signal === undefined ? {} : { signal }
  if (!fields.some(({ type }) => typeof type !== 'string' || type === 'binary')) {
    return new Map((await engine.columnNames(rows, options)).map((name) => [name, undefined]))
  }
  const described = await engine.readRows(`DESCRIBE SELECT * FROM (\n${rows}\n)`, options)
  return new Map(described.map((row) => [String(row['column_name']), String(row['column_type'])]))
}

function castValue(table: string, field: SchemaField, value: string, given: string | undefined): string {
  const type = columnTypeOf(field, table)
  const duckDbType = duckDbTypeOf(type)
  const isText = given === 'VARCHAR'
  if (typeof field.type !== 'string') {
    if (isText) refuseBinaryText(table, field)
    const unknown = given === undefined ? undefined : unknownPart(field.type, given)
    if (unknown !== undefined) throw unknownField(table, field, unknown)
    const cast = `CAST(${isText ? `CAST(${value} AS JSON)` : value} AS ${duckDbType})`
    return field.required ? `coalesce(${cast}, ${nullError(table, field.name)})` : cast
  }
  const cast = isText && type === 'binary' ? `unhex(${value})` : `CAST(${value} AS ${duckDbType})`
  return type === 'timestamp' ? `date_trunc('millisecond', ${cast})` : cast
}

function unknownField(table: string, field: SchemaField, part: string): EsteiraError {
  const path = `${field.name}.${part}`
  return new EsteiraError(
    'ESTEIRA_COLUMN_MISSING',
    `table ${table} has no field ${path}, which the rows to write have`,
    {
      hint: `The column's type: ${columnTypeOf(field, table)}.`,
      details: { table, column: path },
    },
  )
}

// The statistics of a written file tell nulls of plain columns only.
function nullError(table: string, column: string): string {
  return `error(${quoteText(`column ${column} of table ${table} is required, but a row has no value`)})`
}

// JSON has no bytes: DuckDB would take the digits for the bytes themselves.
function refuseBinaryText(table: string, field: SchemaField): void {
  if (![...allFields([field])].some((each) => each.field.type === 'binary')) return
  throw new EsteiraError(
    'ESTEIRA_UNSUPPORTED',
    `column ${field.name} of table ${table} holds binary; JSON text cannot`,
    {
      hint: 'Give nested values with binary inside as DuckDB values, not as text.',
      details: { table, column: field.name },
    },
  )
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
