import type { TableColumnType } from '@esteira/core'
import { columnTypeOf, duckDbTypeOf } from '../../iceberg/column-types.js'
import { type DataFile, FILE_CONTENT, type PartitionColumn } from '../../iceberg/data-file.js'
import { partitionColumns } from '../../iceberg/partition-columns.js'
import { decodeSingleValue } from '../../iceberg/single-value.js'
import { compareValues, type Value } from '../../iceberg/values.js'
import type { RowType, RowValue, SmallTable } from '../write/rows-as-sql.js'
import { filesOf, type SnapshotContent } from './metadata-tables-files.js'
import { valueText } from './value-text.js'

interface DataColumn {
  readonly id: number
  readonly name: string
  readonly type: TableColumnType
}

/** `$partitions`: rows, files and bytes of each partition, and the range of each column that does not make it. */
export async function partitionsTable(content: SnapshotContent): Promise<SmallTable> {
  const { metadata, name } = content.table
  const fields = metadata['partition-specs'].flatMap((spec) => partitionColumns(metadata, spec))
  const partition = [...new Map(fields.map((field) => [field.fieldId, field])).values()]
  const identities = new Set(fields.filter(({ transform }) => transform === 'identity').map(({ sourceId }) => sourceId))
  const columns = content.schema.fields
    .filter(({ id, type }) => typeof type === 'string' && !identities.has(id))
    .map((field): DataColumn => ({ id: field.id, name: field.name, type: columnTypeOf(field, name) }))
  const groups = groupFiles(await filesOf(content), partition)
  const shape = Object.fromEntries(partition.map((field) => [field.name, sqlType(field.type)]))
  return {
    columns: {
      ...(partition.length === 0 ? {} : { partition: shape }),
      record_count: 'BIGINT',
      file_count: 'BIGINT',
      total_size: 'BIGINT',
      ...(columns.length === 0
        ? {}
        : { data: Object.fromEntries(columns.map((each) => [each.name, rangeType(each)])) }),
    },
    rows: [...groups.values()].map((files) => ({
      ...(partition.length === 0 ? {} : { partition: partitionValue(partition, files) }),
      record_count: files.reduce((sum, { recordCount }) => sum + recordCount, 0),
      file_count: files.length,
      total_size: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      ...(columns.length === 0
        ? {}
        : { data: Object.fromEntries(columns.map((each) => [each.name, rangeOf(each, files)])) }),
    })),
  }
}

function groupFiles(
  files: readonly { readonly file: DataFile }[],
  partition: readonly PartitionColumn[],
): ReadonlyMap<string, readonly DataFile[]> {
  const groups = new Map<string, DataFile[]>()
  for (const { file } of files) {
    if (file.content !== FILE_CONTENT.data) continue
    const key = partition.map(({ fieldId }) => String(file.partition.get(fieldId) ?? null)).join('\0')
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [file])
    else group.push(file)
  }
  return groups
}

// Bytes have no place in JSON; their text stands for them.
function sqlType(type: TableColumnType): string {
  const sql = duckDbTypeOf(type)
  return sql === 'BLOB' || sql === 'UUID' ? 'VARCHAR' : sql
}

function rangeType({ type }: DataColumn): RowType {
  return { min: sqlType(type), max: sqlType(type), null_count: 'BIGINT', nan_count: 'BIGINT' }
}

function partitionValue(
  partition: readonly PartitionColumn[],
  [file]: readonly DataFile[],
): Readonly<Record<string, RowValue>> {
  return Object.fromEntries(
    partition.map((field) => {
      const value = file?.partition.get(field.fieldId)
      return [field.name, value === undefined || value === null ? null : valueText(field.type, value)]
    }),
  )
}

/** A bound that one file lacks is not known for all of them. */
function rangeOf({ id, type }: DataColumn, files: readonly DataFile[]): Readonly<Record<string, RowValue>> {
  const bound = (side: 'lowerBounds' | 'upperBounds', sign: number): string | null => {
    let best: Value | undefined
    for (const file of files) {
      const bytes = file[side]?.get(id)
      const value = bytes === undefined ? undefined : decodeSingleValue(type, bytes)
      const isEmpty = file.nullCounts?.get(id) === file.recordCount
      if (value === undefined && isEmpty) continue
      if (value === undefined) return null
      if (best === undefined || sign * compareValues(value, best) > 0) best = value
    }
    return best === undefined ? null : valueText(type, best)
  }
  return {
    min: bound('lowerBounds', -1),
    max: bound('upperBounds', 1),
    null_count: sumOf(files.map((file) => file.nullCounts?.get(id))),
    nan_count: sumOf(files.map((file) => file.nanCounts?.get(id))),
  }
}

function sumOf(counts: readonly (number | undefined)[]): number | null {
  return counts.reduce<number | null>((sum, count) => (sum === null || count === undefined ? null : sum + count), 0)
}
