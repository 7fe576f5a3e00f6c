import { cronToEventBridge } from '@esteira/deploy'
import { Cron } from 'croner'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

describe('cronToEventBridge', () => {
  test.each([
    ['0 3 * * *', 'cron(0 3 * * ? *)'],
    ['0 2 * * *', 'cron(0 2 * * ? *)'],
    ['0 */6 * * *', 'cron(0 0,6,12,18 * * ? *)'],
    ['*/25 * * * *', 'cron(0,25,50 * * * ? *)'],
    ['0 0 * * 0', 'cron(0 0 ? * SUN *)'],
    ['0 0 * * 7', 'cron(0 0 ? * SUN *)'],
    ['0 0 * * 1-5', 'cron(0 0 ? * MON,TUE,WED,THU,FRI *)'],
    ['30 4 1,15 jan *', 'cron(30 4 1,15 1 ? *)'],
    ['@daily', 'cron(0 0 * * ? *)'],
    ['@weekly', 'cron(0 0 ? * SUN *)'],
    ['* * * * *', 'cron(* * * * ? *)'],
  ])('%s is %s', (cron, expression) => {
    expect(cronToEventBridge(cron, 'America/Sao_Paulo')).toEqual({ expression, timezone: 'America/Sao_Paulo' })
  })

  test.each([
    ['0 0 1 * 1', 'one of the two must be "*"'],
    ['0 0 * *', 'there are 4'],
    ['1-58 1-22 1-30 1-11 *', 'at most 256'],
  ])('refuses %s', (cron, message) => {
    expect(() => cronToEventBridge(cron, 'UTC')).toThrow(
      expect.objectContaining({ code: 'ESTEIRA_CONFIG', message: expect.stringContaining(message) }),
    )
  })

  test('fires when unix cron does', () => {
    const list = (low: number, high: number) =>
      fc.oneof(
        fc.constant('*'),
        fc.integer({ min: 2, max: 20 }).map((step) => `*/${Math.min(step, high)}`),
        fc
          .uniqueArray(fc.integer({ min: low, max: high }), { minLength: 1, maxLength: 4 })
          .map((values) => values.join(',')),
      )
    const days = fc.oneof(fc.tuple(list(1, 28), fc.constant('*')), fc.tuple(fc.constant('*'), list(0, 7)))
    fc.assert(
      fc.property(list(0, 59), list(0, 23), days, list(1, 12), (minute, hour, [day, weekday], month) => {
        const cron = `${minute} ${hour} ${day} ${month} ${weekday}`
        const { expression } = cronToEventBridge(cron, 'UTC')
        for (const time of new Cron(cron, { timezone: 'UTC' }).nextRuns(3, new Date('2026-01-15T10:30:00Z'))) {
          expect(firesAt(expression, time), `${cron} → ${expression} at ${time.toISOString()}`).toBe(true)
          const later = new Date(time.getTime() + 60_000)
          const isDue = new Cron(cron, { timezone: 'UTC' }).match(later)
          expect(firesAt(expression, later)).toBe(isDue)
        }
      }),
      { seed: 5, numRuns: 100 },
    )
  })
})

/** EventBridge's reading of the lists that the converter writes: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html */
function firesAt(expression: string, time: Date): boolean {
  const fields = expression.slice('cron('.length, -1).split(' ')
  const day = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'][time.getUTCDay()]
  const now = [time.getUTCMinutes(), time.getUTCHours(), time.getUTCDate(), time.getUTCMonth() + 1, day, 2026]
  return fields.every((field, index) => field === '*' || field === '?' || field.split(',').includes(String(now[index])))
}
