import { type Column, EsteiraError, type Frame, nearest } from '@esteira/core'

/**
 * A day as people give it to a lab.
 *
 * @throws EsteiraError ESTEIRA_USAGE for anything but a `YYYY-MM-DD` that is in the calendar
 */
export function checkDay(what: string, day: unknown): string {
  if (typeof day === 'string' && /^\d{4}-\d\d-\d\d$/.test(day)) {
    const at = new Date(`${day}T00:00:00Z`)
    if (!Number.isNaN(at.getTime()) && at.toISOString().startsWith(day)) return day
  }
  throw new EsteiraError('ESTEIRA_USAGE', `${what}: expected a day YYYY-MM-DD, found ${JSON.stringify(day)}`, {
    hint: 'For example "2026-01-01".',
    details: { [what]: day },
  })
}

/**
 * Both ends of a range, in order.
 *
 * @throws EsteiraError ESTEIRA_USAGE
 */
export function checkRange({ from, to }: { readonly from: string; readonly to: string }): [string, string] {
  const range: [string, string] = [checkDay('from', from), checkDay('to', to)]
  if (from <= to) return range
  throw new EsteiraError('ESTEIRA_USAGE', `from ${from} is after to ${to}`, { hint: 'Give the older day as from.' })
}

/**
 * The values of a column by name.
 *
 * @throws EsteiraError ESTEIRA_COLUMN_MISSING with the nearest name
 */
export function valuesOf(frame: Frame, name: string): Column['values'] {
  const column = frame.columns.get(name)
  if (column !== undefined) return column.values
  const names = [...frame.columns.keys()]
  const near = nearest(name, names)
  throw new EsteiraError('ESTEIRA_COLUMN_MISSING', `there is no column ${JSON.stringify(name)}`, {
    hint: near === undefined ? `The columns: ${names.join(', ')}.` : `Did you mean "${near}"?`,
    details: { column: name },
  })
}
