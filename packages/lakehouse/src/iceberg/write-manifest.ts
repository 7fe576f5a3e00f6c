import { JSONStringify } from 'json-with-bigint'
import type { TableStorage } from '../storage/table-storage.js'
import {
  ENTRY_STATUS,
  type ManifestEntry,
  type ManifestFile,
  type PartitionColumn,
  type PartitionSummary,
} from './data-file.js'
import { encodeManifest } from './manifest.js'
import { partitionColumns } from './partition-columns.js'
import { encodeSingleValue } from './single-value.js'
import { currentSchema, specById, type TableMetadata } from './table-metadata.js'
import { compareValues, type Value } from './values.js'

export interface NewManifest {
  readonly path: string
  readonly specId: number
  readonly snapshotId: bigint
  /** Whether the entries are delete files; default data files. */
  readonly content?: ManifestFile['content']
  /** Sequence number of the commit: what added entries will inherit. */
  readonly sequenceNumber: number
  readonly entries: readonly ManifestEntry[]
}

/** Writes a manifest and gives its line for the manifest list. */
export async function writeManifest(
  storage: Pick<TableStorage, 'create'>,
  metadata: TableMetadata,
  manifest: NewManifest,
): Promise<ManifestFile> {
  const spec = specById(metadata, manifest.specId)
  const columns = partitionColumns(metadata, spec)
  const schema = currentSchema(metadata)
  const header = {
    schemaJson: JSONStringify(schema),
    schemaId: schema['schema-id'],
    specFieldsJson: JSONStringify(spec.fields),
    specId: manifest.specId,
    content: manifest.content ?? ('data' as const),
  }
  const bytes = encodeManifest(header, columns, manifest.entries)
  await storage.create(manifest.path, bytes)
  return describeManifest(manifest, columns, bytes.length)
}

function describeManifest(manifest: NewManifest, columns: readonly PartitionColumn[], sizeBytes: number): ManifestFile {
  const { entries, sequenceNumber } = manifest
  const live = entries.filter(({ status }) => status !== ENTRY_STATUS.deleted)
  const numbers = live.map((entry) => entry.sequenceNumber ?? sequenceNumber)
  const rowsOf = (status: ManifestEntry['status']) => {
    const chosen = entries.filter((entry) => entry.status === status)
    return { files: chosen.length, rows: chosen.reduce((sum, { file }) => sum + file.recordCount, 0) }
  }
  const [existing, added, deleted] = [
    rowsOf(ENTRY_STATUS.existing),
    rowsOf(ENTRY_STATUS.added),
    rowsOf(ENTRY_STATUS.deleted),
  ]
  return {
    path: manifest.path,
    sizeBytes,
    specId: manifest.specId,
    content: manifest.content ?? 'data',
    sequenceNumber,
    minSequenceNumber: numbers.reduce((least, number) => Math.min(least, number), sequenceNumber),
    addedSnapshotId: manifest.snapshotId,
    addedFiles: added.files,
    existingFiles: existing.files,
    deletedFiles: deleted.files,
    addedRows: added.rows,
    existingRows: existing.rows,
    deletedRows: deleted.rows,
    partitions: columns.map((column) => summarize(column, entries)),
  }
}

function summarize(column: PartitionColumn, entries: readonly ManifestEntry[]): PartitionSummary {
  let containsNull = false
  let containsNan = false
  let lower: Value | undefined
  let upper: Value | undefined
  for (const { file } of entries) {
    const value = file.partition.get(column.fieldId) ?? null
    if (value === null) containsNull = true
    else if (Number.isNaN(value)) containsNan = true
    else {
      if (lower === undefined || compareValues(value, lower) < 0) lower = value
      if (upper === undefined || compareValues(value, upper) > 0) upper = value
    }
  }
  return {
    containsNull,
    containsNan,
    ...(lower === undefined ? {} : { lower: encodeSingleValue(column.type, lower) }),
    ...(upper === undefined ? {} : { upper: encodeSingleValue(column.type, upper) }),
  }
}
