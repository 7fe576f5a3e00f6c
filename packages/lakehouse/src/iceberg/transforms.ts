import { EsteiraError, type PartitionField, quoteName, type TableColumnType } from '@esteira/core'
import { parseValue, type Value } from './values.js'

/** What a partition field makes of its column. The last three are read as such; tables that use them are not written yet. */
export type Transform =
  | { readonly kind: 'identity' | 'year' | 'month' | 'day' | 'hour' }
  | { readonly kind: 'void' }
  | { readonly kind: 'bucket' | 'truncate'; readonly width: number }

export type WritableTransform = PartitionField['transform']

const DAY_MS = 86_400_000
const DAY_MICROS = 86_400_000_000n
const HOUR_MICROS = 3_600_000_000n

/** @throws EsteiraError ESTEIRA_UNSUPPORTED for a transform that the specification does not know */
export function parseTransform(text: string): Transform {
  if (/^(identity|year|month|day|hour)$/.test(text)) return { kind: text as WritableTransform }
  if (text === 'void') return { kind: 'void' }
  const match = /^(bucket|truncate)\[(\d+)\]$/.exec(text)
  if (match !== null) return { kind: match[1] as 'bucket' | 'truncate', width: Number(match[2]) }
  throw new EsteiraError('ESTEIRA_UNSUPPORTED', `partition transform "${text}" is not known`)
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
export function transformAccepts(transform: WritableTransform, source: TableColumnType): boolean {
  if (transform === 'identity') return source !== 'float' && source !== 'double'
  return source === 'timestamp' || (source === 'date' && transform !== 'hour')
}

// Text keys keep the folder names readable; the values are parsed from them.
const FORMATS = { year: '%Y', month: '%Y-%m', day: '%Y-%m-%d', hour: '%Y-%m-%d-%H' } as const

/** DuckDB expression of the partition key of a column. */
export function transformSql(transform: WritableTransform, column: string): string {
  const name = quoteName(column)
  return transform === 'identity' ? name : `strftime(${name}, '${FORMATS[transform]}')`
}

/** The partition value of a key that {@link transformSql} made; undefined when it is not one. */
export function partitionValueOf(
  transform: WritableTransform,
  source: TableColumnType,
  key: string,
): Value | undefined {
  if (transform === 'identity') return parseValue(source, key)
  const [year, month = '01', day = '01', hour = '00'] = key.split('-')
  const days = parseValue('date', `${year?.padStart(4, '0')}-${month}-${day}`)
  if (typeof days !== 'number') return undefined
  switch (transform) {
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
  if (transform.kind === 'identity') return { first: value, last: value }
  if (
    typeof value !== 'number' ||
    transform.kind === 'bucket' ||
    transform.kind === 'truncate' ||
    transform.kind === 'void'
  ) {
    return undefined
  }
  const start = startMicros(transform.kind, value)
  const end = startMicros(transform.kind, value + 1)
  return source === 'date'
    ? { first: Number(start / DAY_MICROS), last: Number(end / DAY_MICROS) - 1 }
    : { first: start, last: end - 1n }
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
