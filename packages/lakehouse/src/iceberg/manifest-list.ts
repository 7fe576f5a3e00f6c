import type { AvroSchema, AvroValue } from './avro-encoder.js'
import { decodeAvroFile, encodeAvroFile } from './avro-file.js'
import { RecordReader } from './avro-values.js'
import { corruptFile } from './corrupt-file.js'
import type { ManifestFile, PartitionSummary } from './data-file.js'

export interface ManifestListHeader {
  readonly snapshotId: bigint
  readonly parentSnapshotId?: bigint
  readonly sequenceNumber: number
}

/** The manifest list of a snapshot as an Avro file (specification, section "Manifest lists"). */
export function encodeManifestList(header: ManifestListHeader, manifests: readonly ManifestFile[]): Uint8Array {
  const metadata = {
    'snapshot-id': String(header.snapshotId),
    'parent-snapshot-id': header.parentSnapshotId === undefined ? 'null' : String(header.parentSnapshotId),
    'sequence-number': String(header.sequenceNumber),
    'format-version': '2',
  }
  return encodeAvroFile(MANIFEST_LIST_SCHEMA, metadata, manifests.map(manifestToAvro))
}

/** @throws EsteiraError ESTEIRA_TABLE_CORRUPT naming the file */
export function decodeManifestList(bytes: Uint8Array, location: string): ManifestFile[] {
  const { records } = decodeAvroFile(bytes, location)
  try {
    return records.map((record) => manifestFromAvro(new RecordReader(record)))
  } catch (cause) {
    throw corruptFile('manifest list', location, cause)
  }
}

function manifestToAvro(manifest: ManifestFile): AvroValue {
  return {
    manifest_path: manifest.path,
    manifest_length: manifest.sizeBytes,
    partition_spec_id: manifest.specId,
    content: manifest.content === 'data' ? 0 : 1,
    sequence_number: manifest.sequenceNumber,
    min_sequence_number: manifest.minSequenceNumber,
    added_snapshot_id: manifest.addedSnapshotId,
    added_files_count: manifest.addedFiles,
    existing_files_count: manifest.existingFiles,
    deleted_files_count: manifest.deletedFiles,
    added_rows_count: manifest.addedRows,
    existing_rows_count: manifest.existingRows,
    deleted_rows_count: manifest.deletedRows,
    partitions: manifest.partitions?.map(summaryToAvro) ?? null,
    key_metadata: manifest.keyMetadata ?? null,
  }
}

function summaryToAvro(summary: PartitionSummary): AvroValue {
  return {
    contains_null: summary.containsNull,
    contains_nan: summary.containsNan ?? null,
    lower_bound: summary.lower ?? null,
    upper_bound: summary.upper ?? null,
  }
}

function manifestFromAvro(record: RecordReader): ManifestFile {
  const partitions = record.optionalList('partitions')?.map((each) => summaryFromAvro(new RecordReader(each)))
  const keyMetadata = record.optionalBytes('key_metadata')
  const addedSnapshotId = record.optionalId('added_snapshot_id')
  if (addedSnapshotId === undefined) throw new RangeError('field added_snapshot_id is not an id')
  const content = record.optionalCount('content') ?? 0
  if (content !== 0 && content !== 1) throw new RangeError(`a manifest has content ${content}`)
  return {
    path: record.text('manifest_path'),
    sizeBytes: record.count('manifest_length'),
    specId: record.count('partition_spec_id'),
    content: content === 0 ? 'data' : 'deletes',
    // Version 1 has no sequence numbers: all its files have 0.
    sequenceNumber: record.optionalCount('sequence_number') ?? 0,
    minSequenceNumber: record.optionalCount('min_sequence_number') ?? 0,
    addedSnapshotId,
    ...countsFromAvro(record),
    ...(partitions === undefined ? {} : { partitions }),
    ...(keyMetadata === undefined ? {} : { keyMetadata }),
  }
}

type Counts = Pick<
  ManifestFile,
  'addedFiles' | 'existingFiles' | 'deletedFiles' | 'addedRows' | 'existingRows' | 'deletedRows'
>

// Version 1 had other names for the counts of files, and may leave counts out: then there may be one of each.
function countsFromAvro(record: RecordReader): Counts {
  const files = (kind: string) =>
    record.optionalCount(`${kind}_files_count`) ?? record.optionalCount(`${kind}_data_files_count`) ?? 1
  const rows = (kind: string) => record.optionalCount(`${kind}_rows_count`) ?? 1
  return {
    addedFiles: files('added'),
    existingFiles: files('existing'),
    deletedFiles: files('deleted'),
    addedRows: rows('added'),
    existingRows: rows('existing'),
    deletedRows: rows('deleted'),
  }
}

function summaryFromAvro(record: RecordReader): PartitionSummary {
  const lower = record.optionalBytes('lower_bound')
  const upper = record.optionalBytes('upper_bound')
  const containsNan = record.value('contains_nan')
  return {
    containsNull: record.value('contains_null') === true,
    ...(typeof containsNan === 'boolean' ? { containsNan } : {}),
    ...(lower === undefined ? {} : { lower }),
    ...(upper === undefined ? {} : { upper }),
  }
}

const SUMMARY_SCHEMA: AvroSchema = {
  type: 'record',
  name: 'r508',
  fields: [
    { name: 'contains_null', type: 'boolean', 'field-id': 509 },
    { name: 'contains_nan', type: ['null', 'boolean'], default: null, 'field-id': 518 },
    { name: 'lower_bound', type: ['null', 'bytes'], default: null, 'field-id': 510 },
    { name: 'upper_bound', type: ['null', 'bytes'], default: null, 'field-id': 511 },
  ],
}

const MANIFEST_LIST_SCHEMA: AvroSchema = {
  type: 'record',
  name: 'manifest_file',
  fields: [
    { name: 'manifest_path', type: 'string', 'field-id': 500 },
    { name: 'manifest_length', type: 'long', 'field-id': 501 },
    { name: 'partition_spec_id', type: 'int', 'field-id': 502 },
    { name: 'content', type: 'int', 'field-id': 517 },
    { name: 'sequence_number', type: 'long', 'field-id': 515 },
    { name: 'min_sequence_number', type: 'long', 'field-id': 516 },
    { name: 'added_snapshot_id', type: 'long', 'field-id': 503 },
    { name: 'added_files_count', type: 'int', 'field-id': 504 },
    { name: 'existing_files_count', type: 'int', 'field-id': 505 },
    { name: 'deleted_files_count', type: 'int', 'field-id': 506 },
    { name: 'added_rows_count', type: 'long', 'field-id': 512 },
    { name: 'existing_rows_count', type: 'long', 'field-id': 513 },
    { name: 'deleted_rows_count', type: 'long', 'field-id': 514 },
    {
      name: 'partitions',
      type: ['null', { type: 'array', items: SUMMARY_SCHEMA, 'element-id': 508 }],
      default: null,
      'field-id': 507,
    },
    { name: 'key_metadata', type: ['null', 'bytes'], default: null, 'field-id': 519 },
  ],
}
