import { EsteiraError, type PartitionField, type TableColumnType } from '@esteira/core'
import { columnTypeOf } from './column-types.js'
import type { PartitionColumn } from './data-file.js'
import { allFields, type FieldAt } from './schema-types.js'
import { currentSchema, type PartitionSpec, type TableMetadata } from './table-metadata.js'
import { parseTransform, type Transform, transformResultType, transformText } from './transforms.js'

/** The fields of a spec with the types of their values. @throws EsteiraError ESTEIRA_UNSUPPORTED, ESTEIRA_TABLE_CORRUPT */
export function partitionColumns(metadata: TableMetadata, spec: PartitionSpec): readonly PartitionColumn[] {
  return spec.fields.map((field) => {
    const source = columnTypeOf(sourceOf(metadata, field['source-id']).field, metadata.location)
    return {
      fieldId: field['field-id'],
      name: field.name,
      sourceId: field['source-id'],
      transform: field.transform,
      type: transformResultType(parseTransform(field.transform), source),
    }
  })
}

/** A partition field that we write, with its column. */
export interface WritablePartition {
  readonly fieldId: number
  readonly name: string
  /** From the column to the field inside of it that is partitioned by; empty when the table has it no more. */
  readonly path: readonly string[]
  readonly type: TableColumnType
  readonly transform: Transform
}

/** The fields of a spec for writing. @throws EsteiraError ESTEIRA_UNSUPPORTED, ESTEIRA_TABLE_CORRUPT */
export function writablePartitions(
  metadata: TableMetadata,
  spec: PartitionSpec,
  table: string,
): readonly WritablePartition[] {
  return spec.fields.map((field) => {
    const transform = parseTransform(field.transform)
    const { field: source, path, current } = sourceOf(metadata, field['source-id'])
    return {
      fieldId: field['field-id'],
      name: field.name,
      path: current ? path.map(({ name }) => name) : [],
      type: columnTypeOf(source, table),
      transform,
    }
  })
}

/** How people see the spec. A void field, which a dropped one leaves in tables of version 1, is left out. */
export function partitionFields(metadata: TableMetadata, spec: PartitionSpec): readonly PartitionField[] {
  return spec.fields.flatMap((field) => {
    const transform = parseTransform(field.transform)
    if (transform.kind === 'void') return []
    const { path } = sourceOf(metadata, field['source-id'])
    return [{ column: path.map(({ name }) => name).join('.'), transform: transformText(transform) }]
  })
}

// A column that was dropped later still names the type of the partitions it made.
function sourceOf(metadata: TableMetadata, sourceId: number): FieldAt & { readonly current: boolean } {
  const newest = currentSchema(metadata)
  for (const schema of [newest, ...metadata.schemas]) {
    for (const at of allFields(schema.fields))
      if (at.field.id === sourceId) return { ...at, current: schema === newest }
  }
  throw new EsteiraError(
    'ESTEIRA_TABLE_CORRUPT',
    `table at ${metadata.location} is partitioned by column ${sourceId}, which no schema has`,
  )
}
