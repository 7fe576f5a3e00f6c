import type { Operand } from './exact-arithmetic.js'
import { refuseSql } from './refuse-sql.js'
import { quoteText } from './sql-tree.js'

/** DuckDB's interval of a count of Trino's units. */
const UNITS: Readonly<Record<string, (count: string) => string>> = {
  second: (count) => `to_seconds(${count})`,
  minute: (count) => `to_minutes(${count})`,
  hour: (count) => `to_hours(${count})`,
  day: (count) => `to_days(CAST(${count} AS INTEGER))`,
  week: (count) => `to_days(CAST(7 * (${count}) AS INTEGER))`,
  month: (count) => `to_months(CAST(${count} AS INTEGER))`,
  quarter: (count) => `to_months(CAST(3 * (${count}) AS INTEGER))`,
  year: (count) => `to_months(CAST(12 * (${count}) AS INTEGER))`,
}

const SMALLER_THAN_A_DAY = ['second', 'minute', 'hour']

/** Trino's date_format letters that strftime knows under some name, with the same text. */
const FORMAT_LETTERS: Readonly<Record<string, string>> = {
  Y: '%Y',
  m: '%m',
  d: '%d',
  H: '%H',
  i: '%M',
  s: '%S',
  S: '%S',
  y: '%y',
  j: '%j',
  '%': '%%',
}

/** Checks a unit written as text, and gives it back in lower case. @throws EsteiraError ESTEIRA_SQL */
export function unitOf(where: string, unit: string | undefined): string {
  const name = unit?.toLowerCase() ?? ''
  if (UNITS[name] !== undefined) return name
  throw refuseSql(`${where}: the unit must be written as one of ${Object.keys(UNITS).join(', ')}`, `Write '${'day'}'.`)
}

export function intervalOf(unit: string, count: string): string {
  return UNITS[unit]?.(count) ?? ''
}

/** Whole units between two points in time; DuckDB's date_diff counts the boundaries between them. */
export function dateDifference(unit: string, from: string, to: string): string {
  return `date_sub('${unit}', ${from}, ${to})`
}

/** Keeps a date a date, as Trino does and DuckDB's date_trunc does not. Weeks begin on Monday in both. */
export function truncateDate(unit: string, value: string): string {
  return `time_bucket(${intervalOf(unit, '1')}, ${value})`
}

/**
 * `value` moved by an interval. DuckDB makes a timestamp of a moved date and Trino a date, so the type must be evident.
 * @throws EsteiraError ESTEIRA_SQL
 */
export function moveDate(value: Operand, operator: '+' | '-', unit: string, count: string): string {
  const moved = `${value.sql} ${operator} ${intervalOf(unit, count)}`
  if (value.type === 'timestamp') return `(${moved})`
  if (value.type === 'date' && !SMALLER_THAN_A_DAY.includes(unit)) return `CAST(${moved} AS DATE)`
  throw refuseSql(
    'it is not evident whether a date or a timestamp is moved by the interval',
    'Write cast(x as date) or cast(x as timestamp) for x.',
  )
}

/** @throws EsteiraError ESTEIRA_SQL for a letter that the two write differently */
export function formatDate(value: string, format: string | undefined): string {
  if (format === undefined) throw refuseSql('date_format: the format must be written as text', "Write '%Y-%m-%d'.")
  const translated = format.replace(/%(.?)/gs, (found: string, letter: string) => {
    const known = FORMAT_LETTERS[letter]
    if (known !== undefined) return known
    throw refuseSql(
      `date_format: ${found} is not in the SQL subset`,
      `Use ${Object.keys(FORMAT_LETTERS)
        .map((name) => `%${name}`)
        .join(' ')}.`,
    )
  })
  return `strftime(${value}, ${quoteText(translated)})`
}
