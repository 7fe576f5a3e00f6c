/** The type of a field as a table's metadata writes it: a primitive's name, or a nested type with the ids of its parts. */
export type SchemaType = string | StructType | ListType | MapType

export interface StructType {
  readonly type: 'struct'
  readonly fields: readonly SchemaField[]
  readonly [other: string]: unknown
}

export interface ListType {
  readonly type: 'list'
  readonly 'element-id': number
  readonly element: SchemaType
  readonly 'element-required': boolean
  readonly [other: string]: unknown
}

export interface MapType {
  readonly type: 'map'
  readonly 'key-id': number
  readonly key: SchemaType
  readonly 'value-id': number
  readonly value: SchemaType
  readonly 'value-required': boolean
  readonly [other: string]: unknown
}

/** A column of a schema, or a field of a struct. What we do not know of it is carried along. */
export interface SchemaField {
  readonly id: number
  readonly name: string
  readonly required: boolean
  readonly type: SchemaType
  readonly doc?: string | undefined
  readonly [other: string]: unknown
}

/** A field with everything below it, parents first; `path` leads from the column to the field. */
export interface FieldAt {
  readonly field: SchemaField
  readonly path: readonly SchemaField[]
  /** Inside a list or a map: there are many values a row, and no bounds. */
  readonly repeated: boolean
}

/** Every field of a schema: columns, fields of structs, elements, keys and values. */
export function* allFields(fields: readonly SchemaField[]): Generator<FieldAt> {
  for (const field of fields) yield* fieldsBelow(field, [], false)
}

function* fieldsBelow(field: SchemaField, parents: readonly SchemaField[], repeated: boolean): Generator<FieldAt> {
  const path = [...parents, field]
  yield { field, path, repeated }
  const inner = repeated || (typeof field.type !== 'string' && field.type.type !== 'struct')
  for (const child of childFields(field.type)) yield* fieldsBelow(child, path, inner)
}

/** The parts of a nested type as fields, under the names that Parquet files give them; none of a primitive. */
export function childFields(type: SchemaType): readonly SchemaField[] {
  if (typeof type === 'string') return []
  if (type.type === 'struct') return type.fields
  if (type.type === 'list') {
    return [{ id: type['element-id'], name: 'element', required: type['element-required'], type: type.element }]
  }
  return [
    { id: type['key-id'], name: 'key', required: true, type: type.key },
    { id: type['value-id'], name: 'value', required: type['value-required'], type: type.value },
  ]
}

/** Whether a type is a struct or has one somewhere inside. */
export function hasStruct(type: SchemaType): boolean {
  if (typeof type === 'string') return false
  return type.type === 'struct' || childFields(type).some((child) => hasStruct(child.type))
}
