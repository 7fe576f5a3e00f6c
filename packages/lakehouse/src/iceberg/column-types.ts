import { EsteiraError, type TableColumnType } from '@esteira/core'
import type { SchemaField } from './table-metadata.js'
import { decimalShape } from './values.js'

const SIMPLE = ['boolean', 'int', 'long', 'float', 'double', 'string', 'date', 'timestamp'] as const

const DUCKDB_TYPES: Readonly<Record<(typeof SIMPLE)[number], string>> = {
  boolean: 'BOOLEAN',
  int: 'INTEGER',
  long: 'BIGINT',
  float: 'FLOAT',
  double: 'DOUBLE',
  string: 'VARCHAR',
  date: 'DATE',
  timestamp: 'TIMESTAMP',
}

/** The type of a column in DuckDB's words. */
export function duckDbTypeOf(type: TableColumnType): string {
  const decimal = decimalShape(type)
  return decimal === undefined
    ? DUCKDB_TYPES[type as (typeof SIMPLE)[number]]
    : `DECIMAL(${decimal.precision},${decimal.scale})`
}

/** The type of a column in Iceberg's schema JSON. */
export function icebergTypeOf(type: TableColumnType): string {
  const decimal = decimalShape(type)
  return decimal === undefined ? type : `decimal(${decimal.precision}, ${decimal.scale})`
}

/** Our type of a field of a schema. @throws EsteiraError ESTEIRA_UNSUPPORTED naming the field */
export function columnTypeOf(field: SchemaField, table: string): TableColumnType {
  const type = parseColumnType(field.type)
  if (type !== undefined) return type
  const shown = typeof field.type === 'string' ? field.type : field.type.type
  throw new EsteiraError(
    'ESTEIRA_UNSUPPORTED',
    `column ${field.name} of table ${table} has type ${shown}, which is not read yet`,
    {
      hint: `Types that are read: ${SIMPLE.join(', ')}, decimal(p,s).`,
      details: { table, column: field.name, type: shown },
    },
  )
}

function parseColumnType(type: SchemaField['type']): TableColumnType | undefined {
  if (typeof type !== 'string') return undefined
  const simple = SIMPLE.find((each) => each === type)
  if (simple !== undefined) return simple
  const match = /^decimal\((\d+),\s*(\d+)\)$/.exec(type)
  return match === null ? undefined : `decimal(${Number(match[1])},${Number(match[2])})`
}

/** Whether a type as somebody wrote it is one of ours: a decimal has 1 to 38 digits, no more of them behind the point. */
export function isColumnType(type: string): type is TableColumnType {
  const parsed = parseColumnType(type)
  if (parsed === undefined) return false
  const decimal = decimalShape(parsed)
  return (
    decimal === undefined || (decimal.precision >= 1 && decimal.precision <= 38 && decimal.scale <= decimal.precision)
  )
}
