import { quoteText, type TableColumnType } from '@esteira/core'
import { duckDbTypeOf } from './column-types.js'
import { decimalShape, type Value } from './values.js'

/** A value as a DuckDB expression of the column's type. */
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
  return `CAST(${quoteText(text)} AS ${duckDbTypeOf(type)})`
}

function unscaledText(value: bigint, scale: number): string {
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0')
  const whole = digits.slice(0, digits.length - scale)
  const text = scale === 0 ? whole : `${whole}.${digits.slice(digits.length - scale)}`
  return value < 0n ? `-${text}` : text
}
