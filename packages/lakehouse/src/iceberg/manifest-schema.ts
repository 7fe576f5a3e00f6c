import type { TableColumnType } from '@esteira/core'
import type { AvroField, AvroSchema } from './avro-encoder.js'
import type { PartitionColumn } from './data-file.js'
import { decimalBytes } from './single-value.js'
import { decimalShape } from './values.js'

/** Names of the partition fields as Avro allows them. */
export function avroNames(columns: readonly PartitionColumn[]): readonly string[] {
  return columns.map(({ name }) =>
    name
      .replace(/^\d/, '_$&')
      .replace(/[^A-Za-z0-9_]/g, (char) => `_x${char.codePointAt(0)?.toString(16).toUpperCase()}`),
  )
}

const AVRO_TYPES: Readonly<Record<string, AvroSchema>> = {
  boolean: 'boolean',
  int: 'int',
  long: 'long',
  float: 'float',
  double: 'double',
  string: 'string',
  binary: 'bytes',
  date: { type: 'int', logicalType: 'date' },
  time: { type: 'long', logicalType: 'time-micros' },
  timestamp: { type: 'long', logicalType: 'timestamp-micros', 'adjust-to-utc': false },
  timestamptz: { type: 'long', logicalType: 'timestamp-micros', 'adjust-to-utc': true },
  uuid: { type: 'fixed', size: 16, name: 'uuid_fixed', logicalType: 'uuid' },
}

function avroTypeOf(type: TableColumnType): AvroSchema {
  const decimal = decimalShape(type)
  if (decimal !== undefined) {
    const { precision, scale } = decimal
    const name = `decimal_${precision}_${scale}`
    return { type: 'fixed', size: decimalBytes(precision), name, logicalType: 'decimal', precision, scale }
  }
  const fixed = /^fixed\((\d+)\)$/.exec(type)?.[1]
  if (fixed !== undefined) return { type: 'fixed', size: Number(fixed), name: `fixed_${fixed}` }
  return AVRO_TYPES[type] ?? 'bytes'
}

function optional(name: string, type: AvroSchema, id: number): AvroField {
  return { name, type: ['null', type], default: null, 'field-id': id }
}

function required(name: string, type: AvroSchema, id: number): AvroField {
  return { name, type, 'field-id': id }
}

function map(name: string, id: number, keyId: number, valueId: number, value: AvroSchema): AvroField {
  const record: AvroSchema = {
    type: 'record',
    name: `k${keyId}_v${valueId}`,
    fields: [required('key', 'int', keyId), required('value', value, valueId)],
  }
  return optional(name, { type: 'array', items: record, logicalType: 'map' }, id)
}

/** The Avro schema of a data manifest: the partition record differs from spec to spec. */
export function manifestSchema(columns: readonly PartitionColumn[], names: readonly string[]): AvroSchema {
  const partition: AvroSchema = {
    type: 'record',
    name: 'r102',
    fields: columns.map((column, index) => optional(names[index] ?? '', avroTypeOf(column.type), column.fieldId)),
  }
  const file: AvroSchema = {
    type: 'record',
    name: 'r2',
    fields: [
      required('content', 'int', 134),
      required('file_path', 'string', 100),
      required('file_format', 'string', 101),
      required('partition', partition, 102),
      required('record_count', 'long', 103),
      required('file_size_in_bytes', 'long', 104),
      map('column_sizes', 108, 117, 118, 'long'),
      map('value_counts', 109, 119, 120, 'long'),
      map('null_value_counts', 110, 121, 122, 'long'),
      map('nan_value_counts', 137, 138, 139, 'long'),
      map('lower_bounds', 125, 126, 127, 'bytes'),
      map('upper_bounds', 128, 129, 130, 'bytes'),
      optional('key_metadata', 'bytes', 131),
      optional('split_offsets', { type: 'array', items: 'long', 'element-id': 133 }, 132),
      optional('equality_ids', { type: 'array', items: 'int', 'element-id': 136 }, 135),
      optional('sort_order_id', 'int', 140),
      optional('referenced_data_file', 'string', 143),
    ],
  }
  return {
    type: 'record',
    name: 'manifest_entry',
    fields: [
      required('status', 'int', 0),
      optional('snapshot_id', 'long', 1),
      optional('sequence_number', 'long', 3),
      optional('file_sequence_number', 'long', 4),
      required('data_file', file, 2),
    ],
  }
}
