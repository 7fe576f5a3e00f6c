import { EsteiraError, type PartitionField } from '@esteira/core'
import { columnTypeOf } from './column-types.js'
import { currentSchema, type PartitionSpec, type SchemaField, specById, type TableMetadata } from './table-metadata.js'
import { transformAccepts } from './transforms.js'

type SpecField = PartitionSpec['fields'][number]

/** The name of a partition field as Iceberg's writers give it, different from every column but its own. */
export function partitionName({ column, transform }: PartitionField, columns: readonly SchemaField[]): string {
  if (transform === 'identity') return column
  const sized = /^(bucket|truncate)\[(\d+)\]$/.exec(transform)
  const kind = sized === null ? transform : `${sized[1] === 'truncate' ? 'trunc' : 'bucket'}_${sized[2]}`
  const taken = new Set(columns.map(({ name }) => name.toLowerCase()))
  let name = `${column}_${kind === 'void' ? 'null' : kind}`
  while (taken.has(name.toLowerCase())) name += '_part'
  return name
}

/**
 * The table with another partitioning for files written from now on. Fields and specs that it had before are used again,
 * under their ids; files that are there keep theirs.
 *
 * @throws EsteiraError ESTEIRA_COLUMN_MISSING, ESTEIRA_USAGE
 */
export function withPartitioning(
  metadata: TableMetadata,
  table: string,
  partitionBy: readonly PartitionField[],
): TableMetadata {
  const known = metadata['partition-specs'].flatMap((spec) => spec.fields)
  let lastId = metadata['last-partition-id']
  const fields: SpecField[] = []
  for (const field of partitionBy) {
    const source = partitionSource(metadata, table, field)
    if (fields.some((each) => isSame(each, source.id, field))) throw twice(table, field)
    const before = known.find(
      (each) => isSame(each, source.id, field) && !fields.some(({ name }) => name === each.name),
    )
    if (before !== undefined) fields.push(before)
    else {
      lastId += 1
      const name = unusedName(partitionName({ ...field, column: source.name }, currentSchema(metadata).fields), fields)
      fields.push({ name, transform: field.transform, 'source-id': source.id, 'field-id': lastId })
    }
  }
  const ids = (each: readonly SpecField[]) => each.map((field) => `${field['field-id']} ${field.name}`).join()
  const spec = metadata['partition-specs'].find((each) => ids(each.fields) === ids(fields))
  if (spec !== undefined) return { ...metadata, 'default-spec-id': spec['spec-id'] }
  const specId = Math.max(...metadata['partition-specs'].map((each) => each['spec-id'])) + 1
  return {
    ...metadata,
    'default-spec-id': specId,
    'partition-specs': [...metadata['partition-specs'], { 'spec-id': specId, fields }],
    'last-partition-id': lastId,
  }
}

/** The present partitioning as it was declared, with columns by the names they have now. */
export function declaredPartitioning(metadata: TableMetadata): readonly PartitionField[] {
  const { fields } = currentSchema(metadata)
  return specById(metadata, metadata['default-spec-id']).fields.map((field) => ({
    column: fields.find(({ id }) => id === field['source-id'])?.name ?? String(field['source-id']),
    transform: field.transform as PartitionField['transform'],
  }))
}

function partitionSource(metadata: TableMetadata, table: string, { column, transform }: PartitionField): SchemaField {
  const { fields } = currentSchema(metadata)
  const source = fields.find(({ name }) => name.toLowerCase() === column.toLowerCase())
  if (source === undefined) {
    throw new EsteiraError('ESTEIRA_COLUMN_MISSING', `table ${table} has no column ${column} to be partitioned by`, {
      hint: `Its columns: ${fields.map(({ name }) => name).join(', ')}.`,
      details: { table, column },
    })
  }
  const type = columnTypeOf(source, table)
  if (transformAccepts(transform, type)) return source
  throw new EsteiraError(
    'ESTEIRA_USAGE',
    `column ${source.name} of table ${table}, type ${type}, has no ${transform} partitions`,
    {
      hint: 'year, month and day belong to dates and timestamps, hour to timestamps, truncate to text and whole numbers.',
      details: { table, column: source.name, type, transform },
    },
  )
}

function isSame(field: SpecField, sourceId: number, { transform }: PartitionField): boolean {
  return field['source-id'] === sourceId && field.transform === transform
}

function unusedName(name: string, fields: readonly SpecField[]): string {
  let unused = name
  while (fields.some((each) => each.name.toLowerCase() === unused.toLowerCase())) unused += '_2'
  return unused
}

function twice(table: string, { column, transform }: PartitionField): EsteiraError {
  return new EsteiraError('ESTEIRA_USAGE', `table ${table} cannot be partitioned by ${transform}(${column}) twice`, {
    details: { table, column, transform },
  })
}
