import { formatDay, formatTimestamp, type TableColumnType } from '@esteira/core'
import { decimalShape, type Value } from '../../iceberg/values.js'

/** A value of a partition or a bound as Iceberg's tools show it to people. */
export function valueText(type: TableColumnType, value: Value): string {
  if (type === 'date') return formatDay(Number(value))
  if (type === 'timestamp' || type === 'timestamptz') {
    const text = formatTimestamp(BigInt(value as bigint)).replace(' ', 'T')
    return type === 'timestamp' ? text : `${text}+00:00`
  }
  if (typeof value === 'number' && (type === 'double' || type === 'float')) return doubleText(value)
  const decimal = decimalShape(type)
  return decimal === undefined ? String(value) : decimalText(BigInt(value as bigint), decimal.scale)
}

function doubleText(value: number): string {
  const text = Object.is(value, -0) ? '-0' : String(value)
  return Number.isInteger(value) && !text.includes('e') ? `${text}.0` : text
}

/** An unscaled decimal with its point. */
function decimalText(unscaled: bigint, scale: number): string {
  if (scale === 0) return unscaled.toString()
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0')
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}
