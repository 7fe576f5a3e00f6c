import { execFileSync } from 'node:child_process'
import { parseConfig } from '@esteira/core'
import { Cron } from 'croner'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseCron } from '../../packages/core/src/config/cron.js'
import { splitCommand } from '../../packages/core/src/config/split-command.js'

describe('splitCommand', () => {
  test('splits words as sh does', () => {
    const char = fc.constantFrom('a', 'b', ' ', '\t', "'", '"', '\\', '-', '=', '.')
    const lines = fc
      .sample(fc.string({ unit: char, minLength: 1, maxLength: 24 }), { seed: 7, numRuns: 2000 })
      .filter((line) => isSplittable(line))
    expect(lines.length).toBeGreaterThan(500)
    // One shell for all lines: each prints its words, NUL after each, and a line of its own at the end.
    const script = lines.map((line) => `printf '%s\\0' ${line}; printf '\\n\\0'`).join('\n')
    const shell = execFileSync('sh', ['-c', script], { encoding: 'utf8' })
    const expected = shell
      .split('\n\0')
      .slice(0, -1)
      .map((words) => words.split('\0').slice(0, -1))
    expect(lines.map((line) => splitCommand(line))).toEqual(expected)
  })

  test('leaves a plain word as it is, whatever the language of the step', () => {
    expect(splitCommand('python3 -m mylib.train --where \'a > 1\' --name="x y"')).toEqual([
      'python3',
      '-m',
      'mylib.train',
      '--where',
      'a > 1',
      '--name=x y',
    ])
  })
})

function isSplittable(line: string): boolean {
  try {
    return splitCommand(line).length > 0
  } catch {
    return false
  }
}

describe('parseCron', () => {
  const field = (low: number, high: number) =>
    fc.oneof(
      fc.constant('*'),
      fc.integer({ min: 1, max: Math.min(high, 20) }).map((step) => `*/${step}`),
      fc
        .array(fc.tuple(fc.integer({ min: low, max: high }), fc.integer({ min: low, max: high })), {
          minLength: 1,
          maxLength: 3,
        })
        .map((pairs) => pairs.map(([a, b]) => (a === b ? `${a}` : `${Math.min(a, b)}-${Math.max(a, b)}`)).join(',')),
    )

  test('gives the times that croner gives', () => {
    const days = fc.oneof(fc.tuple(field(1, 28), fc.constant('*')), fc.tuple(fc.constant('*'), field(0, 7)))
    fc.assert(
      fc.property(field(0, 59), field(0, 23), days, field(1, 12), (minute, hour, [day, weekday], month) => {
        const text = `${minute} ${hour} ${day} ${month} ${weekday}`
        const fields = parseCron(text)
        for (const time of new Cron(text, { timezone: 'UTC' }).nextRuns(5, new Date('2026-01-15T10:30:00Z'))) {
          expect(fields.minute ?? [time.getUTCMinutes()]).toContain(time.getUTCMinutes())
          expect(fields.hour ?? [time.getUTCHours()]).toContain(time.getUTCHours())
          expect(fields.dayOfMonth ?? [time.getUTCDate()]).toContain(time.getUTCDate())
          expect(fields.month ?? [time.getUTCMonth() + 1]).toContain(time.getUTCMonth() + 1)
          expect(fields.dayOfWeek ?? [time.getUTCDay()]).toContain(time.getUTCDay())
        }
      }),
      { seed: 3, numRuns: 120 },
    )
  })

  test.each([
    ['@daily', { minute: [0], hour: [0] }],
    ['@weekly', { minute: [0], hour: [0], dayOfWeek: [0] }],
    ['0 0 * * 7', { minute: [0], hour: [0], dayOfWeek: [0] }],
    ['0 0 * * MON-fri', { minute: [0], hour: [0], dayOfWeek: [1, 2, 3, 4, 5] }],
    ['0 0 1 jan,JUL *', { minute: [0], hour: [0], dayOfMonth: [1], month: [1, 7] }],
    ['*/25 8-18/4 * * *', { minute: [0, 25, 50], hour: [8, 12, 16] }],
    ['0-59 * * * 0-6', {}],
  ])('reads %s', (text, expected) => {
    const none = { minute: undefined, hour: undefined, dayOfMonth: undefined, month: undefined, dayOfWeek: undefined }
    expect(parseCron(text)).toEqual({ ...none, ...expected })
  })

  test.each(['', '* * * *', '60 * * * *', '* 24 * * *', '* * 0 * *', '* * * 13 *', '* * * * 8', '5-1 * * * *'])(
    'refuses %j',
    (text) => expect(() => parseCron(text)).toThrow(RangeError),
  )

  test.each(['*/0 * * * *', '1,,2 * * * *', 'a * * * *', '3/5 * * * *', '0 0 L * *', '0 0 ? * 1', '@reboot', '@'])(
    'refuses %j',
    (text) => expect(() => parseCron(text)).toThrow(RangeError),
  )

  test('accepts the two schedules of the demo projects', () => {
    const text = (cron: string) =>
      `project_name: p\nversion: 1.0.0\nschedule: {cron: "${cron}"}\nbatch: {pipeline: {steps: [{id: a, command: x}]}}`
    for (const cron of ['0 2 * * *', '0 */6 * * *']) {
      expect(parseConfig(text(cron), 'c.yaml').workflows.get('default')?.schedule.cron).toBe(cron)
    }
  })
})
