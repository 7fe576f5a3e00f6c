import { EsteiraError } from '../errors.js'

/** A count of days of a definition. @throws EsteiraError ESTEIRA_PROJECT unless it is a whole number from `least` */
export function wholeDays(what: string, days: number, least = 1): number {
  if (Number.isSafeInteger(days) && days >= least) return days
  throw new EsteiraError(
    'ESTEIRA_PROJECT',
    `${what}: expected a whole number from ${least}, found ${JSON.stringify(days) ?? 'nothing'}`,
    typeof days === 'string' && /^\d+$/.test(days) ? { hint: `Write it without quotes: ${days}.` } : {},
  )
}
