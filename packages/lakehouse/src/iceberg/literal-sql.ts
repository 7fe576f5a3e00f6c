import { quoteText, type TableColumnType } from '@esteira/core'
import { duckDbTypeOf } from './column-types.js'
import { decimalShape, type Value } from './values.js'

/** A value as a DuckDB expression of the column's type; of a wider one where it lies outside, so that it can be compared. */
export function literalSql(type: TableColumnType, value: Value): string {
  switch (type) {
    case 'date':
      return `(DATE '1970-01-01' + CAST(${value} AS INTEGER))`
    case 'time':
      return `(TIME '00:00:00' + to_microseconds(${value}))`
    case 'timestamp':
      return `make_timestamp(${value})`
    case 'timestamptz':
      return `CAST(make_timestamp(${value}) AS TIMESTAMP WITH TIME ZONE)`
    default:
      break
  }
  if (type === 'binary' || type.startsWith('fixed(')) return `unhex(${quoteText(String(value))})`
  const decimal = decimalShape(type)
  const text = decimal === undefined ? String(value) : unscaledText(BigInt(value), decimal.scale)
  return `CAST(${quoteText(text)} AS ${widerType(type, value) ?? duckDbTypeOf(type)})`
}

function widerType(type: TableColumnType, value: Value): string | undefined {
  const decimal = decimalShape(type)
  const precision = decimal?.precision ?? (type === 'int' ? 9 : type === 'long' ? 18 : undefined)
  if (precision === undefined) return undefined
  const limit = 10n ** BigInt(precision)
  const number = BigInt(value)
  return number >= limit || number <= -limit ? `DECIMAL(38,${decimal?.scale ?? 0})` : undefined
}

function unscaledText(value: bigint, scale: number): string {
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0')
  const whole = digits.slice(0, digits.length - scale)
  const text = scale === 0 ? whole : `${whole}.${digits.slice(digits.length - scale)}`
  return value < 0n ? `-${text}` : text
}
