import { EsteiraError, type PartitionField, type TableColumnType } from '@esteira/core'
import { columnTypeOf } from './column-types.js'
import type { PartitionColumn } from './data-file.js'
import { currentSchema, type PartitionSpec, type SchemaField, type TableMetadata } from './table-metadata.js'
import { parseTransform, transformResultType, type WritableTransform } from './transforms.js'

/** The fields of a spec with the types of their values. @throws EsteiraError ESTEIRA_UNSUPPORTED, ESTEIRA_TABLE_CORRUPT */
export function partitionColumns(metadata: TableMetadata, spec: PartitionSpec): readonly PartitionColumn[] {
  return spec.fields.map((field) => {
    const source = columnTypeOf(sourceField(metadata, field['source-id']), metadata.location)
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
  readonly column: string
  readonly type: TableColumnType
  readonly transform: WritableTransform
}

/** The fields of a spec for writing. @throws EsteiraError ESTEIRA_UNSUPPORTED for bucket, truncate and void */
export function writablePartitions(
  metadata: TableMetadata,
  spec: PartitionSpec,
  table: string,
): readonly WritablePartition[] {
  return spec.fields.map((field) => {
    const transform = parseTransform(field.transform)
    if (transform.kind === 'bucket' || transform.kind === 'truncate' || transform.kind === 'void') {
      throw new EsteiraError(
        'ESTEIRA_UNSUPPORTED',
        `table ${table} is partitioned by ${field.transform}, which is not written yet`,
        {
          details: { table, transform: field.transform },
        },
      )
    }
    const source = sourceField(metadata, field['source-id'])
    const type = columnTypeOf(source, table)
    return { fieldId: field['field-id'], name: field.name, column: source.name, type, transform: transform.kind }
  })
}

/** How people see the spec: transforms that cannot be declared are left out. */
export function partitionFields(metadata: TableMetadata, spec: PartitionSpec): readonly PartitionField[] {
  return spec.fields.flatMap((field) => {
    const transform = parseTransform(field.transform)
    if (transform.kind === 'bucket' || transform.kind === 'truncate' || transform.kind === 'void') return []
    return [{ column: sourceField(metadata, field['source-id']).name, transform: transform.kind }]
  })
}

// A column that was dropped later still names the type of the partitions it made.
function sourceField(metadata: TableMetadata, sourceId: number): SchemaField {
  for (const schema of [currentSchema(metadata), ...metadata.schemas]) {
    const found = schema.fields.find((field) => field.id === sourceId)
    if (found !== undefined) return found
  }
  throw new EsteiraError(
    'ESTEIRA_TABLE_CORRUPT',
    `table at ${metadata.location} is partitioned by column ${sourceId}, which no schema has`,
  )
}
