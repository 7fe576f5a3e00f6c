import { quoteName } from '@esteira/core'
import { duckDbTypeOf } from '../../iceberg/column-types.js'
import { type WritablePartition, writablePartitions } from '../../iceberg/partition-columns.js'
import { currentSchema, specById, type TableMetadata } from '../../iceberg/table-metadata.js'
import { transformSql } from '../../iceberg/transforms.js'

/** A computed column that COPY partitions by. */
export interface PartitionKey extends WritablePartition {
  /** Different from every column of the table: DuckDB leaves the key out of the file, and Iceberg wants all columns in it. */
  readonly name: string
}

/** The keys of the table's present partitioning. @throws EsteiraError ESTEIRA_UNSUPPORTED */
export function partitionKeys(table: string, metadata: TableMetadata): readonly PartitionKey[] {
  const taken = new Set(currentSchema(metadata).fields.map((field) => field.name.toLowerCase()))
  return writablePartitions(metadata, specById(metadata, metadata['default-spec-id']), table).map((partition) => {
    let { name } = partition
    while (taken.has(name.toLowerCase())) name += '_key'
    taken.add(name.toLowerCase())
    return { ...partition, name }
  })
}

/** The SELECT with the keys as further columns. A void field has no column: its value is always null. */
export function withPartitionKeys(select: string, keys: readonly PartitionKey[]): string {
  if (keys.length === 0) return select
  const columns = keys.map(({ transform, type, path, name }) => {
    const value = path.length === 0 ? `CAST(NULL AS ${duckDbTypeOf(type)})` : path.map(quoteName).join('.')
    return `${transformSql(transform, type, value)} AS ${quoteName(name)}`
  })
  return `SELECT *, ${columns.join(', ')} FROM (${select})`
}
