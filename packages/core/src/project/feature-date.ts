const DAY_MS = 86_400_000

/** `YYYY-MM-DD` moved by whole days. */
export function addDays(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10)
}

/** First days of months, newest last, such that label and horizon are mature: `D + horizonDays` is not after `runDay`. */
export function matureMonths(runDay: string, horizonDays: number, months: number): string[] {
  const newest = addDays(runDay, -horizonDays)
  const [year = 1970, month = 1] = newest.split('-').map(Number)
  return Array.from({ length: months }, (_, index) =>
    new Date(Date.UTC(year, month - 1 - (months - 1 - index), 1)).toISOString().slice(0, 10),
  )
}

/** First days of months from `first` to `last`, both included. */
export function monthsBetween(first: string, last: string): string[] {
  const months: string[] = []
  const [year = 1970, month = 1, day = 1] = first.split('-').map(Number)
  for (let index = day === 1 ? 0 : 1; ; index++) {
    const at = new Date(Date.UTC(year, month - 1 + index, 1)).toISOString().slice(0, 10)
    if (at > last) return months
    months.push(at)
  }
}
