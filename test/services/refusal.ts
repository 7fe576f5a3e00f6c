import { expect } from 'vitest'
import { type Ended, logLine } from './esteira-command.js'

export interface Refusal {
  readonly exit: 64 | 65 | 70 | 75
  readonly code: string
  /** Texts that the message, the hint or the details must hold: file, field, value, expectation. */
  readonly says: readonly string[]
}

/** A stack frame, or a place inside Node or one of our builds. */
const STACK = /\n\s+at \S|node:internal|\/dist\/|\.js:\d+:\d+/

/** A container step refused: one JSON line with everything a person needs, no stack. */
export function expectStepRefused(ended: Ended, { exit, code, says }: Refusal): void {
  expect(ended.stderr).not.toMatch(STACK)
  expect(ended.stdout).toBe('')
  const line = logLine<{ code: string; msg: string; hint?: string; details: unknown; exitCode: number }>(ended, 'code')
  expect({ exit: ended.code, code: line.code, exitCode: line.exitCode }).toEqual({ exit, code, exitCode: exit })
  const text = `${line.msg}\n${line.hint}\n${JSON.stringify(line.details)}`
  for (const each of says) expect(text).toContain(each)
  expect(line.hint ?? '').not.toBe('')
}

/** A command refused: the readable block, also into a pipe, no stack. */
export function expectCommandRefused(ended: Ended, { exit, code, says }: Refusal): void {
  const text = `${ended.stdout}\n${ended.stderr}`
  expect(text).not.toMatch(STACK)
  expect(ended.code, text).toBe(exit)
  expect(ended.stderr).toMatch(/^✗ /m)
  expect(ended.stderr).toContain(`exit ${exit} · ${code} · docs/errors.md#${code.toLowerCase()}`)
  // Lines are broken at blanks to fit a terminal.
  const flat = text.replace(/\s+/g, ' ')
  for (const each of says) expect(flat).toContain(each)
}
