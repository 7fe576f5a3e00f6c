import type { DataType, Field, RecordBatch, Schema } from 'apache-arrow'
import type { NewPiece } from '../../duckdb/stream-pieces.js'
import type { SchemaField, SchemaType } from '../../iceberg/schema-types.js'
import { typeText } from '../../iceberg/type-text.js'
import { decimalShape } from '../../iceberg/values.js'
import { type Arrow, arrowColumn } from './arrow-columns.js'

/** The Arrow schema of columns of a table: exact types, with their field ids as PyIceberg and Java write them. */
export function arrowSchema(arrow: Arrow, fields: readonly SchemaField[]): Schema {
  return new arrow.Schema(fields.map((field) => arrowField(arrow, field)))
}

function arrowField(arrow: Arrow, field: Pick<SchemaField, 'id' | 'name' | 'type' | 'required'>): Field {
  const metadata = new Map([['PARQUET:field_id', String(field.id)]])
  return new arrow.Field(field.name, arrowType(arrow, field.type), !field.required, metadata)
}

function arrowType(arrow: Arrow, type: SchemaType): DataType {
  if (typeof type === 'string') return primitiveType(arrow, typeText(type))
  if (type.type === 'struct') return new arrow.Struct(type.fields.map((field) => arrowField(arrow, field)))
  if (type.type === 'list') {
    const element = { id: type['element-id'], name: 'element', type: type.element, required: type['element-required'] }
    return new arrow.List(arrowField(arrow, element))
  }
  const key = arrowField(arrow, { id: type['key-id'], name: 'key', type: type.key, required: true })
  const value = { id: type['value-id'], name: 'value', type: type.value, required: type['value-required'] }
  const entries = new arrow.Field('entries', new arrow.Struct([key, arrowField(arrow, value)]), false)
  return new arrow.Map_(entries as never)
}

function primitiveType(arrow: Arrow, type: string): DataType {
  const decimal = decimalShape(type)
  if (decimal !== undefined) return new arrow.Decimal(decimal.scale, decimal.precision, 128)
  const fixed = /^fixed\((\d+)\)$/.exec(type)?.[1]
  if (fixed !== undefined) return new arrow.FixedSizeBinary(Number(fixed))
  switch (type) {
    case 'boolean':
      return new arrow.Bool()
    case 'int':
      return new arrow.Int32()
    case 'long':
      return new arrow.Int64()
    case 'float':
      return new arrow.Float32()
    case 'double':
      return new arrow.Float64()
    case 'date':
      return new arrow.DateDay()
    case 'time':
      return new arrow.TimeMicrosecond()
    case 'timestamp':
      return new arrow.TimestampMicrosecond()
    case 'timestamptz':
      return new arrow.TimestampMicrosecond('UTC')
    case 'uuid':
      return new arrow.FixedSizeBinary(16)
    case 'binary':
      return new arrow.Binary()
    default:
      return new arrow.Utf8()
  }
}

/** Makes record batches of chunks of DuckDB whose columns are those of the schema, in its order. */
export function arrowPieces(arrow: Arrow, schema: Schema): NewPiece<RecordBatch> {
  return (_names, _types, rows) => {
    const columns = schema.fields.map((field) => arrowColumn(arrow, field.type, rows))
    let rowCount = 0
    return {
      get rowCount() {
        return rowCount
      },
      add(chunk, count) {
        columns.forEach((column, index) => {
          column.read(chunk.getColumnVector(index), 0, count)
        })
        rowCount += count
      },
      build() {
        const children = columns.map((column) => column.finish())
        const type = new arrow.Struct(schema.fields)
        return new arrow.RecordBatch(schema, arrow.makeData({ type, length: rowCount, nullCount: 0, children }))
      },
    }
  }
}
