import { EsteiraError } from '@esteira/core'

/**
 * A run date: `YYYY-MM-DD` (its midnight, UTC) or a UTC timestamp `YYYY-MM-DDThh:mm:ssZ`.
 *
 * @throws EsteiraError ESTEIRA_USAGE
 */
export function parseRunDate(text: string): Date {
  const isDay = /^\d{4}-\d\d-\d\d$/.test(text)
  const isTimestamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?Z$/.test(text)
  const date = new Date(isDay ? `${text}T00:00:00Z` : text)
  const isReal = !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text.slice(0, 10))
  if ((isDay || isTimestamp) && isReal) return date
  throw new EsteiraError(
    'ESTEIRA_USAGE',
    `run date: expected YYYY-MM-DD or a UTC timestamp YYYY-MM-DDThh:mm:ssZ, found ${JSON.stringify(text)}`,
    { hint: 'For example --run-date 2026-01-01, or ESTEIRA_RUN_DATE=2026-01-01T06:00:00Z.' },
  )
}

/** A run date as it is written: the day alone at midnight, else the timestamp. */
export function formatRunDate(date: Date): string {
  const text = date.toISOString()
  return text.endsWith('T00:00:00.000Z') ? text.slice(0, 10) : text.replace(/\.\d{3}Z$/, 'Z')
}

/** Today's midnight, UTC, as `YYYY-MM-DD`. */
export function today(now: Date): string {
  return now.toISOString().slice(0, 10)
}

/**
 * Run ids become file names and log fields.
 *
 * @throws EsteiraError ESTEIRA_USAGE
 */
export function checkRunId(text: string): string {
  if (/^[A-Za-z0-9][\w.-]{0,79}$/.test(text)) return text
  throw new EsteiraError(
    'ESTEIRA_USAGE',
    `run id: expected letters, digits, "-", "_" and ".", at most 80, found ${JSON.stringify(text.slice(0, 40))}`,
    { hint: 'Leave it out to have <project>-<workflow>-<run date>.' },
  )
}
