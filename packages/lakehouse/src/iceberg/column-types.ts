import { EsteiraError, quoteName, type TableColumn, type TableColumnType } from '@esteira/core'
import type { SchemaField, SchemaType } from './schema-types.js'
import { parseTypeText, typeText, withIds } from './type-text.js'
import { decimalShape } from './values.js'

const DUCKDB_TYPES: Readonly<Record<string, string>> = {
  boolean: 'BOOLEAN',
  int: 'INTEGER',
  long: 'BIGINT',
  float: 'FLOAT',
  double: 'DOUBLE',
  string: 'VARCHAR',
  date: 'DATE',
  time: 'TIME',
  timestamp: 'TIMESTAMP',
  timestamptz: 'TIMESTAMP WITH TIME ZONE',
  uuid: 'UUID',
  binary: 'BLOB',
}

/** The type of a column in DuckDB's words. */
export function duckDbTypeOf(type: TableColumnType): string {
  return duckDbSchemaType(schemaTypeOf(type, () => 0))
}

/** A type of a schema in DuckDB's words; nested names are quoted. */
export function duckDbSchemaType(type: SchemaType): string {
  if (typeof type === 'string') {
    const decimal = decimalShape(typeText(type))
    if (decimal !== undefined) return `DECIMAL(${decimal.precision},${decimal.scale})`
    return DUCKDB_TYPES[type] ?? 'BLOB'
  }
  if (type.type === 'list') return `${duckDbSchemaType(type.element)}[]`
  if (type.type === 'map') return `MAP(${duckDbSchemaType(type.key)}, ${duckDbSchemaType(type.value)})`
  return `STRUCT(${type.fields.map((field) => `${quoteName(field.name)} ${duckDbSchemaType(field.type)}`).join(', ')})`
}

/** The type of a column in Iceberg's schema JSON; the parts of a nested type take their ids from `nextId`. */
export function schemaTypeOf(type: string, nextId: () => number): SchemaType {
  const tree = parseTypeText(type)
  if (tree === undefined) throw new TypeError(`"${type}" is no column type`)
  return withIds(tree, nextId)
}

/** Fields of new columns, with ids after `lastColumnId`: the columns first, then the parts of each. */
export function newFields(
  columns: readonly TableColumn[],
  lastColumnId: number,
): { readonly fields: SchemaField[]; readonly lastColumnId: number } {
  let last = lastColumnId
  const nextId = () => {
    last += 1
    return last
  }
  const ids = columns.map(nextId)
  const fields = columns.map(({ name, type, required = false, doc }, index): SchemaField => {
    const field = { id: ids[index] ?? 0, name, required, type: schemaTypeOf(type, nextId) }
    return doc === undefined ? field : { ...field, doc }
  })
  return { fields, lastColumnId: last }
}

/** Our type of a field of a schema. @throws EsteiraError ESTEIRA_UNSUPPORTED naming the field */
export function columnTypeOf(field: Pick<SchemaField, 'name' | 'type'>, table: string): TableColumnType {
  const shown = typeText(field.type)
  if (isColumnType(shown)) return shown
  throw new EsteiraError(
    'ESTEIRA_UNSUPPORTED',
    `column ${field.name} of table ${table} has type ${shown}, which is not one of format version 2`,
    {
      hint: `Types that are read: ${Object.keys(DUCKDB_TYPES).join(', ')}, fixed(n), decimal(p,s), list<…>, map<…>, struct<…>.`,
      details: { table, column: field.name, type: shown },
    },
  )
}

/** Whether a type as somebody wrote it is one of ours: a decimal has 1 to 38 digits, no more of them behind the point. */
export function isColumnType(type: string): type is TableColumnType {
  return parseTypeText(type) !== undefined
}

/** The one way we write a type: without needless blanks. */
export function normalType(type: TableColumnType): TableColumnType {
  return typeText(schemaTypeOf(type, () => 0)) as TableColumnType
}
