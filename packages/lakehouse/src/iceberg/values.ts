import { EsteiraError, type TableColumnType } from '@esteira/core'

/**
 * One value of a column in memory: numbers for int, date, float, double; bigint for long, time and timestamps (microseconds)
 * and decimal (unscaled); UUIDs as lower-case text, binary as lower-case hexadecimal digits.
 */
export type Value = boolean | number | bigint | string

const DAY_MS = 86_400_000
const DECIMAL = /^decimal\((\d+),(\d+)\)$/

/** Precision and scale of a decimal type; undefined for every other type. */
export function decimalShape(type: string): { readonly precision: number; readonly scale: number } | undefined {
  const match = DECIMAL.exec(type)
  return match === null ? undefined : { precision: Number(match[1]), scale: Number(match[2]) }
}

/** Order of two values of one type, as SQL orders them: text by its UTF-8 bytes. */
export function compareValues(a: Value, b: Value): number {
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b))
  return a < b ? -1 : a > b ? 1 : 0
}

/** A value from its text as DuckDB and people write it; undefined when the text is no finite value of the type. */
export function parseValue(type: TableColumnType, text: string): Value | undefined {
  switch (type) {
    case 'boolean':
      return /^(1|true)$/i.test(text) ? true : /^(0|false)$/i.test(text) ? false : undefined
    case 'int':
      return /^-?\d+$/.test(text) ? Number(text) : undefined
    case 'long':
      return /^-?\d+$/.test(text) ? BigInt(text) : undefined
    case 'float':
    case 'double':
      return parseDouble(text)
    case 'string':
      return text
    case 'date':
      return parseDay(text)
    case 'time':
      return parseTime(text)
    case 'timestamp':
      return parseTimestamp(text)
    case 'timestamptz':
      return parseZonedTimestamp(text)
    case 'uuid':
      return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text) ? text.toLowerCase() : undefined
    default:
      return parseSized(type, text)
  }
}

function parseSized(type: TableColumnType, text: string): Value | undefined {
  if (type === 'binary' || type.startsWith('fixed(')) {
    const isHex = /^(?:[0-9a-f]{2})*$/i.test(text)
    const length = /^fixed\((\d+)\)$/.exec(type)?.[1]
    return isHex && (length === undefined || text.length === Number(length) * 2) ? text.toLowerCase() : undefined
  }
  const decimal = decimalShape(type)
  return decimal === undefined ? undefined : parseDecimal(text, decimal.scale)
}

function parseDouble(text: string): number | undefined {
  if (/^-?inf(inity)?$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity
  const value = text.trim() === '' ? Number.NaN : Number(text)
  return Number.isNaN(value) ? undefined : value
}

function parseDay(text: string): number | undefined {
  const match = /^(\d{4,5})-(\d\d)-(\d\d)$/.exec(text)
  if (match === null) return undefined
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])]
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? date.getTime() / DAY_MS : undefined
}

function parseTime(text: string): bigint | undefined {
  const match = /^(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?$/.exec(text)
  if (match === null) return undefined
  const [hours, minutes, seconds] = [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)]
  if (hours > 23 || minutes > 59 || seconds > 59) return undefined
  const micros = Number((match[4] ?? '').padEnd(6, '0'))
  return BigInt((hours * 3600 + minutes * 60 + seconds) * 1_000_000 + micros)
}

function parseTimestamp(text: string): bigint | undefined {
  const match = /^(\S+?)(?:[ T](\d\d:\d\d:\d\d(?:\.\d{1,6})?))?$/.exec(text)
  const days = match === null ? undefined : parseDay(match[1] ?? '')
  const time = match?.[2] === undefined ? 0n : parseTime(match[2])
  return days === undefined || time === undefined ? undefined : BigInt(days) * 86_400_000_000n + time
}

// Without an offset the time is UTC.
function parseZonedTimestamp(text: string): bigint | undefined {
  const match = /^(.*?\d)(?:\s?Z|\s?([+-])(\d\d)(?::?(\d\d))?)?$/.exec(text)
  const hasTime = text.includes(':')
  const local = parseTimestamp((hasTime ? match?.[1] : text) ?? '')
  if (match === null || local === undefined) return undefined
  const offset = hasTime ? (Number(match[3] ?? 0) * 60 + Number(match[4] ?? 0)) * (match[2] === '-' ? -1 : 1) : 0
  return local - BigInt(offset) * 60_000_000n
}

function parseDecimal(text: string, scale: number): bigint | undefined {
  const match = /^(-?)(\d*)(?:\.(\d*))?$/.exec(text)
  if (match === null || `${match[2]}${match[3] ?? ''}` === '') return undefined
  const fraction = (match[3] ?? '').replace(/0+$/, '')
  if (fraction.length > scale) return undefined
  const unscaled = BigInt(`${match[2]}${fraction.padEnd(scale, '0')}`)
  return match[1] === '-' ? -unscaled : unscaled
}

/**
 * A value as a person gives it in a condition.
 * @throws EsteiraError ESTEIRA_USAGE when it is no value of the column's type
 */
export function conditionValue(column: string, type: TableColumnType, given: string | number | boolean): Value {
  const isNumber = /^(int|long|float|double|decimal\()/.test(type)
  const wanted = type === 'boolean' ? 'boolean' : isNumber ? 'number' : 'string'
  const acceptable = typeof given === wanted || (wanted === 'number' && typeof given === 'string')
  const text = typeof given === 'number' ? plainNumber(given) : String(given)
  const value = acceptable ? parseValue(type, text) : undefined
  if (value !== undefined) return value
  throw new EsteiraError(
    'ESTEIRA_USAGE',
    `column ${column} of type ${type} cannot be compared with ${JSON.stringify(given)}`,
    {
      hint: 'Dates are written YYYY-MM-DD, timestamps YYYY-MM-DD hh:mm:ss, decimals with at most the digits of the column, binary as hexadecimal digits.',
      details: { column, type, value: given },
    },
  )
}

function plainNumber(value: number): string {
  const text = String(value)
  return text.includes('e') && Number.isInteger(value) ? BigInt(value).toString() : text
}
