import { EsteiraError, parseCron } from '@esteira/core'

/** A schedule as EventBridge Scheduler takes it. */
export interface EventBridgeSchedule {
  /** `cron(minutes hours day-of-month month day-of-week year)` */
  readonly expression: string
  /** IANA name. */
  readonly timezone: string
}

const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']
/** EventBridge refuses longer expressions. */
const LONGEST = 256

/**
 * A five-field cron expression as EventBridge Scheduler understands it. Steps and ranges become lists, days of the week names
 * (EventBridge counts from 1), the day field that is free becomes `?`.
 *
 * @throws EsteiraError ESTEIRA_CONFIG when the expression is none, sets days of the month and of the week, or gets too long.
 *
 * @example
 * cronToEventBridge('0 3 * * *', 'America/Sao_Paulo') // { expression: 'cron(0 3 * * ? *)', timezone: 'America/Sao_Paulo' }
 */
export function cronToEventBridge(cron: string, timezone: string): EventBridgeSchedule {
  const { minute, hour, dayOfMonth, month, dayOfWeek } = readCron(cron)
  const weekdays = dayOfWeek?.map((day) => DAYS[day]).join(',')
  const fields = [
    minute?.join(',') ?? '*',
    hour?.join(',') ?? '*',
    weekdays === undefined ? (dayOfMonth?.join(',') ?? '*') : '?',
    month?.join(',') ?? '*',
    weekdays ?? '?',
    '*',
  ]
  const expression = `cron(${fields.join(' ')})`
  if (expression.length <= LONGEST) return { expression, timezone }
  throw new EsteiraError(
    'ESTEIRA_CONFIG',
    `cron "${cron}" is ${expression.length} characters for EventBridge: at most ${LONGEST}`,
  )
}

function readCron(cron: string) {
  try {
    return parseCron(cron)
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause
    throw new EsteiraError('ESTEIRA_CONFIG', `cron "${cron}": expected ${cause.message}`, { cause })
  }
}
