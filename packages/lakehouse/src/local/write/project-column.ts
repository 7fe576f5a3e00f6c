import { quoteName } from '@esteira/core'
import { duckDbSchemaType } from '../../iceberg/column-types.js'
import type { SchemaField, SchemaType } from '../../iceberg/schema-types.js'
import type { FileNode } from '../read/file-shapes.js'

/** The type that DuckDB sees in the file, in its own words. */
export function nodeType(node: FileNode): string {
  const [first, second] = node.children
  switch (node.kind) {
    case 'leaf':
      return node.duckDbType ?? ''
    case 'list':
      return `${first === undefined ? '' : nodeType(first)}[]`
    case 'map':
      return `MAP(${first === undefined ? '' : nodeType(first)}, ${second === undefined ? '' : nodeType(second)})`
    case 'struct':
      return `STRUCT(${node.children.map((child) => `${quoteName(child.name)} ${nodeType(child)}`).join(', ')})`
  }
}

/**
 * SQL expression of a field's value as the table's schema wants it, from the value as the file has it: fields of structs are
 * found anew at every level, so renamed, moved, added, dropped and widened ones come out right.
 */
export function projectColumn(field: SchemaField, node: FileNode, value: string): string {
  return project(field.type, node, value, 0)
}

function project(type: SchemaType, node: FileNode, value: string, depth: number): string {
  if (typeof type === 'string' || node.kind !== type.type) return projectLeaf(type, node, value)
  if (type.type === 'struct') return projectStruct(type.fields, node, value, depth)
  // A column of the same name would be taken instead.
  const item = `_esteira_${depth}`
  const [first, second] = node.children
  if (type.type === 'list' && first !== undefined) {
    const element = project(type.element, first, item, depth + 1)
    return element === item ? value : `list_transform(${value}, lambda ${item}: ${element})`
  }
  if (type.type === 'map' && first !== undefined && second !== undefined) {
    const key = project(type.key, first, `${item}.key`, depth + 1)
    const mapped = project(type.value, second, `${item}.value`, depth + 1)
    if (key === `${item}.key` && mapped === `${item}.value`) return value
    const entry = `struct_pack(key := ${key}, value := ${mapped})`
    const entries = `list_transform(map_entries(${value}), lambda ${item}: ${entry})`
    return `CASE WHEN ${value} IS NULL THEN NULL ELSE map_from_entries(${entries}) END`
  }
  return projectLeaf(type, node, value)
}

function projectLeaf(type: SchemaType, node: FileNode, value: string): string {
  const wanted = duckDbSchemaType(type)
  const found = nodeType(node)
  if (wanted === found) return value
  // Some writers keep a UUID as 16 bytes without saying what they are.
  if (type === 'uuid' && found === 'BLOB') return `CAST(hex(${value}) AS UUID)`
  return `CAST(${value} AS ${wanted})`
}

function projectStruct(fields: readonly SchemaField[], node: FileNode, value: string, depth: number): string {
  const parts = fields.map((field) => {
    const child = node.children.find(({ fieldId }) => fieldId === field.id)
    if (child === undefined) return { field, sql: `CAST(NULL AS ${duckDbSchemaType(field.type)})`, same: false }
    const path = `${value}.${quoteName(child.name)}`
    const sql = project(field.type, child, path, depth)
    return { field, sql, same: sql === path && child.name === field.name }
  })
  const unchanged =
    node.children.length === fields.length &&
    parts.every(({ same }, index) => same && node.children[index]?.name === fields[index]?.name)
  if (unchanged) return value
  const packed = parts.map(({ field, sql }) => `${quoteName(field.name)} := ${sql}`).join(', ')
  return `CASE WHEN ${value} IS NULL THEN NULL ELSE struct_pack(${packed}) END`
}
