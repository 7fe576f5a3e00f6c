import { EsteiraError, type PartitionField, type TableColumnType } from '@esteira/core'
import { bucketOf, bucketSql } from './bucket.js'
import { raisedPrefix } from './single-value.js'
import { decimalShape, parseValue, type Value } from './values.js'

/** What a partition field makes of its column. */
export type Transform =
  | { readonly kind: 'identity' | 'year' | 'month' | 'day' | 'hour' | 'void' }
  | { readonly kind: 'bucket' | 'truncate'; readonly width: number }

const DAY_MS = 86_400_000
const DAY_MICROS = 86_400_000_000n
const HOUR_MICROS = 3_600_000_000n

/** @throws EsteiraError ESTEIRA_UNSUPPORTED for a transform that the specification does not know */
export function parseTransform(text: string): Transform {
  if (isPlain(text)) return { kind: text }
  const match = /^(bucket|truncate)\[([1-9]\d{0,9})\]$/.exec(text)
  if (match !== null) return { kind: match[1] === 'bucket' ? 'bucket' : 'truncate', width: Number(match[2]) }
  throw new EsteiraError('ESTEIRA_UNSUPPORTED', `partition transform "${text}" is not known`, {
    hint: 'There are identity, year, month, day, hour, void, bucket[N] and truncate[W].',
    details: { transform: text },
  })
}

function isPlain(text: string): text is 'identity' | 'year' | 'month' | 'day' | 'hour' | 'void' {
  return /^(identity|year|month|day|hour|void)$/.test(text)
}

/** A transform in Iceberg's words. */
export function transformText(transform: Transform): PartitionField['transform'] {
  return 'width' in transform ? `${transform.kind}[${transform.width}]` : transform.kind
}

/** Type of the values a transform gives. */
export function transformResultType(transform: Transform, source: TableColumnType): TableColumnType {
  switch (transform.kind) {
    case 'identity':
    case 'truncate':
    case 'void':
      return source
    case 'day':
      return 'date'
    default:
      return 'int'
  }
}

/** Whether a column of this type can be partitioned so. */
export function transformAccepts(text: PartitionField['transform'], source: TableColumnType): boolean {
  const { kind } = parseTransform(text)
  const isDecimal = decimalShape(source) !== undefined
  switch (kind) {
    case 'void':
      return true
    case 'identity':
      return !/^(float|double|list<|map<|struct<)/.test(source)
    case 'bucket':
      return !/^(boolean|float|double|list<|map<|struct<)/.test(source)
    case 'truncate':
      return isDecimal || /^(int|long|string|binary)$/.test(source)
    case 'hour':
      return source === 'timestamp' || source === 'timestamptz'
    default:
      return source === 'timestamp' || source === 'timestamptz' || source === 'date'
  }
}

// Text keys keep the folder names readable; the values are parsed from them.
const FORMATS = { year: '%Y', month: '%Y-%m', day: '%Y-%m-%d', hour: '%Y-%m-%d-%H' } as const

/** DuckDB expression of the partition key of a value. */
export function transformSql(transform: Transform, type: TableColumnType, value: string): string {
  switch (transform.kind) {
    case 'void':
      return 'NULL'
    case 'identity':
      return isBytes(type) ? `hex(${value})` : value
    case 'bucket':
      return bucketSql(transform.width, type, value)
    case 'truncate':
      return truncateSql(transform.width, type, value)
    default:
      return `strftime(${type === 'timestamptz' ? `CAST(${value} AS TIMESTAMP)` : value}, '${FORMATS[transform.kind]}')`
  }
}

function isBytes(type: TableColumnType): boolean {
  return type === 'binary' || type.startsWith('fixed(')
}

// Numbers go down to a multiple of the width, below zero too; decimals by their unscaled value.
function truncateSql(width: number, type: TableColumnType, name: string): string {
  if (type === 'string') return `left(${name}, ${width})`
  if (type === 'binary') return `left(hex(${name}), ${width * 2})`
  const number = type === 'int' || type === 'long' ? name : `replace(CAST(${name} AS VARCHAR), '.', '')`
  const value = `CAST(${number} AS HUGEINT)`
  return `CAST(${value} - (((${value} % ${width}) + ${width}) % ${width}) AS VARCHAR)`
}

/** The partition value of a key that {@link transformSql} made; undefined when it is not one. */
export function partitionValueOf(transform: Transform, source: TableColumnType, key: string): Value | undefined {
  switch (transform.kind) {
    case 'void':
      return undefined
    case 'identity':
      return parseValue(source, key)
    case 'bucket':
      return parseValue('int', key)
    case 'truncate':
      return truncatedValue(source, key)
    default:
      return dateKey(transform.kind, key)
  }
}

// Of decimals the key is the unscaled number. The multiple below the smallest values of a type can lie outside of it, and
// other readers refuse a table that has such a partition.
function truncatedValue(source: TableColumnType, key: string): Value | undefined {
  const decimal = decimalShape(source)
  const value = parseValue(decimal === undefined ? source : 'decimal(38,0)', key)
  if (source === 'int') return Number(value) >= -(2 ** 31) ? value : undefined
  if (source === 'long') return BigInt.asIntN(64, BigInt(value ?? 0)) === value ? value : undefined
  if (decimal === undefined || typeof value !== 'bigint') return value
  return value > -(10n ** BigInt(decimal.precision)) ? value : undefined
}

function dateKey(kind: 'year' | 'month' | 'day' | 'hour', key: string): number | undefined {
  const [year, month = '01', day = '01', hour = '00'] = key.split('-')
  const days = parseValue('date', `${year?.padStart(4, '0')}-${month}-${day}`)
  if (typeof days !== 'number') return undefined
  switch (kind) {
    case 'year':
      return Number(year) - 1970
    case 'month':
      return (Number(year) - 1970) * 12 + Number(month) - 1
    case 'day':
      return days
    case 'hour':
      return days * 24 + Number(hour)
  }
}

/** First and last value of the source column that a partition can hold; undefined when the transform does not tell. */
export function partitionRange(
  transform: Transform,
  source: TableColumnType,
  value: Value,
): { readonly first: Value; readonly last: Value } | undefined {
  switch (transform.kind) {
    case 'identity':
      return { first: value, last: value }
    case 'void':
    case 'bucket':
      return undefined
    case 'truncate':
      return truncateRange(transform.width, source, value)
    default:
      return typeof value === 'number' ? timeRange(transform.kind, source, value) : undefined
  }
}

// Text shorter than the width was not cut; what begins with longer text ends below the raised prefix.
function truncateRange(width: number, source: TableColumnType, value: Value) {
  if (typeof value === 'number') return { first: value, last: value + width - 1 }
  if (typeof value === 'bigint') return { first: value, last: value + BigInt(width) - 1n }
  if (source !== 'string' || typeof value !== 'string') return undefined
  if ([...value].length < width) return { first: value, last: value }
  const last = raisedPrefix(value, width)
  return last === undefined ? undefined : { first: value, last }
}

function timeRange(kind: 'year' | 'month' | 'day' | 'hour', source: TableColumnType, value: number) {
  const start = startMicros(kind, value)
  const end = startMicros(kind, value + 1)
  return source === 'date'
    ? { first: Number(start / DAY_MICROS), last: Number(end / DAY_MICROS) - 1 }
    : { first: start, last: end - 1n }
}

/** Whether rows with this value of the column can be in a partition; true when the transform does not tell. */
export function partitionMayHold(
  transform: Transform,
  source: TableColumnType,
  partition: Value,
  value: Value,
): boolean {
  return transform.kind !== 'bucket' || bucketOf(transform.width, source, value) === partition
}

function startMicros(kind: 'year' | 'month' | 'day' | 'hour', value: number): bigint {
  switch (kind) {
    case 'year':
      return monthStart(value * 12)
    case 'month':
      return monthStart(value)
    case 'day':
      return BigInt(value) * DAY_MICROS
    case 'hour':
      return BigInt(value) * HOUR_MICROS
  }
}

function monthStart(months: number): bigint {
  const date = new Date(0)
  date.setUTCFullYear(1970, months, 1)
  return BigInt(date.getTime() / DAY_MS) * DAY_MICROS
}
