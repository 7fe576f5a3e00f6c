import type { TableColumnType } from '@esteira/core'
import type { AvroField, AvroSchema, AvroValue } from './avro-encoder.js'
import { decodeAvroFile, encodeAvroFile } from './avro-file.js'
import { isBytes, isCount, mapToAvro, RecordReader } from './avro-values.js'
import { corruptFile } from './corrupt-file.js'
import type { DataFile, ManifestEntry, ManifestFile, PartitionColumn } from './data-file.js'
import { type EntrySelection, leanEntries } from './lean-entries.js'
import { avroNames, manifestSchema } from './manifest-schema.js'
import { decimalBytes, decodeSingleValue, encodeSingleValue, encodeUnscaled } from './single-value.js'
import { decimalShape, type Value } from './values.js'

/** What a manifest's header says of the table: its schema and spec as JSON text. */
export interface ManifestHeader {
  readonly schemaJson: string
  readonly schemaId: number
  readonly specFieldsJson: string
  readonly specId: number
  readonly content: ManifestFile['content']
}

/** A manifest as an Avro file (specification, section "Manifests"; all fields of version 2). */
export function encodeManifest(
  header: ManifestHeader,
  columns: readonly PartitionColumn[],
  entries: readonly ManifestEntry[],
): Uint8Array {
  const metadata = {
    schema: header.schemaJson,
    'schema-id': String(header.schemaId),
    'partition-spec': header.specFieldsJson,
    'partition-spec-id': String(header.specId),
    'format-version': '2',
    content: header.content,
  }
  const names = avroNames(columns)
  const records = entries.map((entry) => entryToAvro(entry, columns, names))
  return encodeAvroFile(manifestSchema(columns, names), metadata, records)
}

/**
 * The entries of a manifest.
 * @param select which of them a read wants, and what of them; default everything
 * @throws EsteiraError ESTEIRA_TABLE_CORRUPT naming the file
 */
export function decodeManifest(
  bytes: Uint8Array,
  location: string,
  columns: readonly PartitionColumn[],
  select?: ManifestSelection,
): ManifestEntry[] {
  const readRecord = select === undefined ? undefined : leanEntries(bindSelection(select, columns))
  const { schema, records } = decodeAvroFile(bytes, location, readRecord)
  try {
    const names = partitionNames(schema)
    return records.map((record) => entryFromAvro(new RecordReader(record), columns, names))
  } catch (cause) {
    throw corruptFile('manifest', location, cause)
  }
}

/** What a read wants of a manifest: {@link EntrySelection} with partitions as we have them. */
export interface ManifestSelection extends Omit<EntrySelection, 'wants'> {
  readonly wants?: (partition: ReadonlyMap<number, Value | null>) => boolean
}

function bindSelection({ wants, ...select }: ManifestSelection, columns: readonly PartitionColumn[]): EntrySelection {
  if (wants === undefined) return select
  return {
    ...select,
    wants: (partition, schema) => wants(partitionValues(columns, partitionFieldNames(schema), partition)),
  }
}

/** The partition spec that a manifest was written with, as its header says. */
export function specIdOf(bytes: Uint8Array, location: string): number {
  return Number(decodeAvroFile(bytes, location).metadata.get('partition-spec-id') ?? 0)
}

function entryToAvro(entry: ManifestEntry, columns: readonly PartitionColumn[], names: readonly string[]): AvroValue {
  const { file } = entry
  return {
    status: entry.status,
    snapshot_id: entry.snapshotId ?? null,
    sequence_number: entry.sequenceNumber ?? null,
    file_sequence_number: entry.fileSequenceNumber ?? null,
    data_file: {
      content: file.content,
      file_path: file.path,
      file_format: file.format,
      partition: Object.fromEntries(
        columns.map((column, index) => [
          names[index] ?? '',
          partitionToAvro(column.type, file.partition.get(column.fieldId) ?? null),
        ]),
      ),
      record_count: file.recordCount,
      file_size_in_bytes: file.sizeBytes,
      column_sizes: mapToAvro(file.columnSizes),
      value_counts: mapToAvro(file.valueCounts),
      null_value_counts: mapToAvro(file.nullCounts),
      nan_value_counts: mapToAvro(file.nanCounts),
      lower_bounds: mapToAvro(file.lowerBounds),
      upper_bounds: mapToAvro(file.upperBounds),
      key_metadata: file.keyMetadata ?? null,
      split_offsets: file.splitOffsets ?? null,
      equality_ids: file.equalityIds ?? null,
      sort_order_id: file.sortOrderId ?? null,
      referenced_data_file: file.referencedDataFile ?? null,
    },
  }
}

function entryFromAvro(
  record: RecordReader,
  columns: readonly PartitionColumn[],
  names: ReadonlyMap<number, string>,
): ManifestEntry {
  const status = record.count('status')
  if (status !== 0 && status !== 1 && status !== 2) throw new RangeError(`an entry has status ${status}`)
  const snapshotId = record.optionalId('snapshot_id')
  const sequenceNumber = record.optionalCount('sequence_number')
  const fileSequenceNumber = record.optionalCount('file_sequence_number')
  return {
    status,
    ...(snapshotId === undefined ? {} : { snapshotId }),
    ...(sequenceNumber === undefined ? {} : { sequenceNumber }),
    ...(fileSequenceNumber === undefined ? {} : { fileSequenceNumber }),
    file: fileFromAvro(record.record('data_file'), columns, names),
  }
}

function fileFromAvro(
  record: RecordReader,
  columns: readonly PartitionColumn[],
  names: ReadonlyMap<number, string>,
): DataFile {
  const content = record.optionalCount('content') ?? 0
  if (content !== 0 && content !== 1 && content !== 2) throw new RangeError(`a file has content ${content}`)
  return withoutAbsent({
    content,
    path: record.text('file_path'),
    format: record.text('file_format').toUpperCase(),
    partition: columns.length === 0 ? new Map() : partitionValues(columns, names, record.value('partition')),
    recordCount: record.count('record_count'),
    sizeBytes: record.count('file_size_in_bytes'),
    columnSizes: record.optionalMap('column_sizes', isCount),
    valueCounts: record.optionalMap('value_counts', isCount),
    nullCounts: record.optionalMap('null_value_counts', isCount),
    nanCounts: record.optionalMap('nan_value_counts', isCount),
    lowerBounds: record.optionalMap('lower_bounds', isBytes),
    upperBounds: record.optionalMap('upper_bounds', isBytes),
    keyMetadata: record.optionalBytes('key_metadata'),
    splitOffsets: record
      .optionalList('split_offsets')
      ?.filter((each) => typeof each === 'number' || typeof each === 'bigint'),
    sortOrderId: record.optionalCount('sort_order_id'),
    equalityIds: record.optionalList('equality_ids')?.filter(isCount),
    referencedDataFile: record.optionalText('referenced_data_file'),
  })
}

function partitionValues(
  columns: readonly PartitionColumn[],
  names: ReadonlyMap<number, string>,
  value: AvroValue,
): ReadonlyMap<number, Value | null> {
  const partition = new RecordReader(value)
  const values = new Map<number, Value | null>()
  for (const column of columns) {
    const name = names.get(column.fieldId)
    if (name === undefined) throw new RangeError(`the partition has no field ${column.fieldId}`)
    values.set(column.fieldId, partitionFromAvro(column, partition.value(name)))
  }
  return values
}

function withoutAbsent(file: { readonly [K in keyof DataFile]-?: DataFile[K] | undefined }): DataFile {
  const present: Partial<Record<keyof DataFile, unknown>> = {}
  for (const key in file) {
    const value = file[key as keyof DataFile]
    if (value !== undefined) present[key as keyof DataFile] = value
  }
  return present as unknown as DataFile
}

function partitionToAvro(type: TableColumnType, value: Value | null): AvroValue {
  if (value === null) return null
  const decimal = decimalShape(type)
  if (decimal !== undefined) return encodeUnscaled(BigInt(value), decimalBytes(decimal.precision))
  return isBytesType(type) ? encodeSingleValue(type, value) : value
}

function isBytesType(type: TableColumnType): boolean {
  return type === 'uuid' || type === 'binary' || type.startsWith('fixed(')
}

function partitionFromAvro(column: PartitionColumn, value: AvroValue): Value | null {
  if (value === null) return null
  const { type, name } = column
  if (value instanceof Uint8Array) {
    const decoded = decodeSingleValue(type, value)
    if (decoded === undefined) throw new RangeError(`partition field ${name} is no value of type ${type}`)
    return decoded
  }
  if (typeof value === 'object') throw new RangeError(`partition field ${name} is not a single value`)
  const wide = type === 'long' || type === 'time' || type === 'timestamp' || type === 'timestamptz'
  return wide && typeof value === 'number' ? BigInt(value) : value
}

// Partition fields are found by id: writers change characters of names that Avro does not allow.
function partitionNames(schema: AvroSchema): ReadonlyMap<number, string> {
  const file = fieldsOf(schema).find((field) => field.name === 'data_file')
  const partition = file === undefined ? undefined : fieldsOf(file.type).find((field) => field.name === 'partition')
  return partition === undefined ? new Map() : partitionFieldNames(partition.type)
}

function partitionFieldNames(partition: AvroSchema): ReadonlyMap<number, string> {
  const fields = fieldsOf(partition)
  return new Map(fields.flatMap((field) => (field['field-id'] === undefined ? [] : [[field['field-id'], field.name]])))
}

function fieldsOf(schema: AvroSchema): readonly AvroField[] {
  const record = Array.isArray(schema) ? schema.find((branch) => branch !== 'null') : schema
  return record !== undefined && typeof record === 'object' && 'fields' in record ? record.fields : []
}
