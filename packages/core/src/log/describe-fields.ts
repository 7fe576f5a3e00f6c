import type { LogFields } from '../logger.js'

/** Fields of a log line as people read them; lists and objects are for programs. */
export function describeFields(fields: LogFields = {}): string {
  // Fields of an event are for programs: its message says the same to people.
  if ('event' in fields) return ''
  const shown = Object.entries(fields).flatMap(([name, value]) => {
    if (value === undefined || typeof value === 'object') return []
    return [`${name} ${typeof value === 'number' ? value.toLocaleString('en-US') : String(value)}`]
  })
  return shown.length === 0 ? '' : ` · ${shown.join(' · ')}`
}
