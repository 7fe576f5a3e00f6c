import { Cron } from 'croner'

/** The values of each field of a five-field cron expression, ascending; undefined where it is `*`. */
export interface CronFields {
  readonly minute: readonly number[] | undefined
  readonly hour: readonly number[] | undefined
  readonly dayOfMonth: readonly number[] | undefined
  readonly month: readonly number[] | undefined
  /** 0 is Sunday. */
  readonly dayOfWeek: readonly number[] | undefined
}

const NICKNAMES: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
}
const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']
const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']

/**
 * Reads a five-field cron expression (or `@daily` and the like) with the meaning that unix cron and EventBridge share:
 * lists, ranges, steps and English names; not both days of the month and days of the week, which unix joins by "or".
 * @throws RangeError saying what is wrong, also when it never fires.
 */
export function parseCron(text: string): CronFields {
  const expression = text.startsWith('@') ? NICKNAMES[text.toLowerCase()] : text
  if (expression === undefined) throw new RangeError(`one of ${Object.keys(NICKNAMES).join(', ')}`)
  const parts = expression.trim().split(/\s+/)
  const [minute = '', hour = '', dayOfMonth = '', month = '', dayOfWeek = ''] = parts
  if (parts.length !== 5) {
    throw new RangeError(`five fields (minute hour day-of-month month day-of-week), there are ${parts.length}`)
  }
  const fields = {
    minute: parseField('minute', minute, 0, 59),
    hour: parseField('hour', hour, 0, 23),
    dayOfMonth: parseField('day of month', dayOfMonth, 1, 31),
    month: parseField('month', month, 1, 12, MONTHS),
    dayOfWeek: parseField('day of week', dayOfWeek, 0, 7, DAYS),
  }
  if (fields.dayOfMonth !== undefined && fields.dayOfWeek !== undefined) {
    throw new RangeError('either days of the month or days of the week: one of the two must be "*"')
  }
  // A fixed start keeps the answer the same on every day; leap years come round within the next four.
  if (new Cron(expression, { timezone: 'UTC' }).nextRun(new Date('2024-01-01T00:00:00Z')) === null) {
    throw new RangeError('a time that comes: this one never does')
  }
  return fields
}

function parseField(name: string, text: string, low: number, high: number, names: readonly string[] = []) {
  if (text === '*') return undefined
  const values = new Set<number>()
  for (const item of text.split(',')) {
    const match = /^(?:(\*)|(\w+)(?:-(\w+))?)(?:\/(\d+))?$/.exec(item)
    if (match === null) throw new RangeError(`${name}: a value, range, list or step, not "${item}"`)
    const [, star, from = '', to, step] = match
    const first = star === undefined ? toNumber(name, from, low, high, names) : low
    if (star === undefined && to === undefined && step !== undefined) {
      throw new RangeError(`${name}: a step over "*" or a range, not "${item}"`)
    }
    // `*` in the week field means seven days, though 7 is a second name of Sunday.
    const last =
      star !== undefined ? (high === 7 ? 6 : high) : to === undefined ? first : toNumber(name, to, low, high, names)
    const stride = step === undefined ? 1 : Number(step)
    if (stride < 1 || stride > high) throw new RangeError(`${name}: a step of 1 to ${high}, not "${item}"`)
    if (last < first) throw new RangeError(`${name}: a range from low to high, not "${item}"`)
    for (let value = first; value <= last; value += stride) values.add(high === 7 ? value % 7 : value)
  }
  const sorted = [...values].sort((a, b) => a - b)
  return sorted.length === (high === 7 ? 7 : high - low + 1) ? undefined : sorted
}

function toNumber(name: string, text: string, low: number, high: number, names: readonly string[]): number {
  const named = names.indexOf(text.toUpperCase())
  const value = named >= 0 ? named + low : /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (value >= low && value <= high) return value
  throw new RangeError(`${name}: ${low} to ${high}, not "${text}"`)
}
