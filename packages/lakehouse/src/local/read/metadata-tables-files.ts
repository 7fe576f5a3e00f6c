import type { TableColumnType } from '@esteira/core'
import { type DataFile, ENTRY_STATUS, type ManifestFile } from '../../iceberg/data-file.js'
import { partitionColumns } from '../../iceberg/partition-columns.js'
import { allFields } from '../../iceberg/schema-types.js'
import { decodeSingleValue } from '../../iceberg/single-value.js'
import { specById, type TableSchema, type TableSnapshot } from '../../iceberg/table-metadata.js'
import { typeText } from '../../iceberg/type-text.js'
import type { LoadedTable } from '../tables.js'
import type { SmallTable } from '../write/rows-as-sql.js'
import type { ManifestReader } from './manifest-reader.js'
import { valueText } from './value-text.js'

/** A snapshot of a table whose content is described. */
export interface SnapshotContent {
  readonly reader: ManifestReader
  readonly table: LoadedTable
  readonly snapshot: TableSnapshot | undefined
  readonly schema: TableSchema
}

/** `$files`: data files (content 0) and delete files (1 and 2) of the snapshot. */
export async function filesTable(content: SnapshotContent): Promise<SmallTable> {
  const types = new Map<number, TableColumnType>()
  for (const { field } of allFields(content.schema.fields)) types.set(field.id, typeText(field.type) as TableColumnType)
  const files = await filesOf(content)
  return {
    columns: {
      content: 'INTEGER',
      file_path: 'VARCHAR',
      record_count: 'BIGINT',
      file_format: 'VARCHAR',
      file_size_in_bytes: 'BIGINT',
      column_sizes: 'MAP(INTEGER, BIGINT)',
      value_counts: 'MAP(INTEGER, BIGINT)',
      null_value_counts: 'MAP(INTEGER, BIGINT)',
      nan_value_counts: 'MAP(INTEGER, BIGINT)',
      lower_bounds: 'MAP(INTEGER, VARCHAR)',
      upper_bounds: 'MAP(INTEGER, VARCHAR)',
      key_metadata: 'BLOB',
      split_offsets: ['BIGINT'],
      equality_ids: ['INTEGER'],
    },
    rows: files.map(({ file }) => ({
      content: file.content,
      file_path: file.path,
      record_count: file.recordCount,
      file_format: file.format,
      file_size_in_bytes: file.sizeBytes,
      column_sizes: countsOf(file.columnSizes),
      value_counts: countsOf(file.valueCounts),
      null_value_counts: countsOf(file.nullCounts),
      nan_value_counts: countsOf(file.nanCounts),
      lower_bounds: boundsOf(file.lowerBounds, types),
      upper_bounds: boundsOf(file.upperBounds, types),
      key_metadata: file.keyMetadata === undefined ? null : Buffer.from(file.keyMetadata).toString('hex'),
      split_offsets: file.splitOffsets?.map(String) ?? null,
      equality_ids: file.equalityIds ?? null,
    })),
  }
}

/** The live files of a snapshot with the specs they were written with. */
export async function filesOf({
  reader,
  table,
  snapshot,
}: SnapshotContent): Promise<readonly { readonly file: DataFile; readonly specId: number }[]> {
  const files: { file: DataFile; specId: number }[] = []
  for (const manifest of await manifestsOf(reader, snapshot)) {
    for (const { status, file } of await reader.entriesOf(table.metadata, manifest)) {
      if (status !== ENTRY_STATUS.deleted) files.push({ file, specId: manifest.specId })
    }
  }
  return files
}

async function manifestsOf(reader: ManifestReader, snapshot: TableSnapshot | undefined) {
  return snapshot === undefined ? [] : reader.manifestsOf(snapshot)
}

function countsOf(counts: ReadonlyMap<number, number> | undefined): Record<string, number> | null {
  return counts === undefined ? null : Object.fromEntries(counts)
}

function boundsOf(
  bounds: ReadonlyMap<number, Uint8Array> | undefined,
  types: ReadonlyMap<number, TableColumnType>,
): Record<string, string | null> | null {
  if (bounds === undefined) return null
  return Object.fromEntries(
    [...bounds].flatMap(([id, bytes]) => {
      const type = types.get(id)
      const value = type === undefined ? undefined : decodeSingleValue(type, bytes)
      return type === undefined || value === undefined ? [] : [[id, valueText(type, value)]]
    }),
  )
}

/** `$manifests`: the manifests of the snapshot that hold live files, with the ranges of their partitions. */
export async function manifestsTable({ reader, table, snapshot }: SnapshotContent): Promise<SmallTable> {
  const manifests = await manifestsOf(reader, snapshot)
  return {
    columns: {
      path: 'VARCHAR',
      length: 'BIGINT',
      partition_spec_id: 'INTEGER',
      added_snapshot_id: 'BIGINT',
      added_data_files_count: 'INTEGER',
      added_rows_count: 'BIGINT',
      existing_data_files_count: 'INTEGER',
      existing_rows_count: 'BIGINT',
      deleted_data_files_count: 'INTEGER',
      deleted_rows_count: 'BIGINT',
      partition_summaries: [
        { contains_null: 'BOOLEAN', contains_nan: 'BOOLEAN', lower_bound: 'VARCHAR', upper_bound: 'VARCHAR' },
      ],
    },
    rows: manifests.map((manifest) => ({
      path: manifest.path,
      length: manifest.sizeBytes,
      partition_spec_id: manifest.specId,
      added_snapshot_id: String(manifest.addedSnapshotId),
      added_data_files_count: manifest.addedFiles,
      added_rows_count: manifest.addedRows,
      existing_data_files_count: manifest.existingFiles,
      existing_rows_count: manifest.existingRows,
      deleted_data_files_count: manifest.deletedFiles,
      deleted_rows_count: manifest.deletedRows,
      partition_summaries: summariesOf(table, manifest),
    })),
  }
}

function summariesOf({ metadata }: LoadedTable, manifest: ManifestFile) {
  const columns = partitionColumns(metadata, specById(metadata, manifest.specId))
  const textOf = (index: number, bytes: Uint8Array | undefined): string | null => {
    const column = columns[index]
    const value = column === undefined || bytes === undefined ? undefined : decodeSingleValue(column.type, bytes)
    return column === undefined || value === undefined ? null : valueText(column.type, value)
  }
  return (manifest.partitions ?? []).map((summary, index) => ({
    contains_null: summary.containsNull,
    contains_nan: summary.containsNan ?? null,
    lower_bound: textOf(index, summary.lower),
    upper_bound: textOf(index, summary.upper),
  }))
}
