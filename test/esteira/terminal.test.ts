import type { RunEvent } from '@esteira/deploy'
import { describe, expect, it } from 'vitest'
import { renderRun } from '../../packages/esteira/src/terminal/render-run.js'
import { readStepLine } from '../../packages/esteira/src/terminal/step-log.js'
import { formatDuration, table } from '../../packages/esteira/src/terminal/style.js'
import { wrap } from '../../packages/esteira/src/terminal/wrap.js'

/** What a run shows, as lines. */
function shown(events: readonly RunEvent[], columns = 100): string[] {
  let text = ''
  const stream = {
    isTTY: false,
    columns,
    write(piece: string) {
      text += piece
      return true
    },
  } as unknown as NodeJS.WriteStream
  const show = renderRun(stream, 'training  run-1')
  for (const event of events) show(event)
  return text.split('\n').slice(0, -1)
}

const log = (step: string, line: object | string): RunEvent => ({
  type: 'stepLog',
  step,
  stream: 'stderr',
  line: typeof line === 'string' ? line : JSON.stringify(line),
})
const ended = (step: string, exitCode: number): RunEvent => ({
  type: 'stepEnded',
  step,
  status: exitCode === 0 ? 'succeeded' : 'failed',
  exitCode,
  attempt: 1,
  durationMs: 1234,
})
const finished = (step: string, summary: readonly string[], reused = false) =>
  log(step, { level: 'info', event: 'step_finished', msg: summary.join('\n'), summary, reused })

describe('a run', () => {
  it('shows a line a step with its summary and time, aligned', () => {
    const lines = shown([
      finished('ingest_raw', ['200,000 in · 200,000 added to bronze']),
      ended('ingest_raw', 0),
      finished('promote_model', ['2 of 2 gates passed', '✓ accuracy'], true),
      ended('promote_model', 0),
    ])
    expect(lines.slice(1)).toEqual([
      'training  run-1',
      `  ingest_raw             ${'200,000 in · 200,000 added to bronze'.padEnd(65)}     1.2 s`,
      `  promote_model          ${'2 of 2 gates passed'.padEnd(65)} unchanged`,
      '                         ✓ accuracy',
    ])
  })

  it('shows nothing before its first event', () => {
    expect(shown([])).toEqual([])
  })

  it('shows the first warnings of a step, shortened, and counts the rest', () => {
    const warnings = Array.from({ length: 7 }, (_, index) =>
      log('handle_drift', { level: 'warn', msg: `column ${index}: ${'moved '.repeat(30)}` }),
    )
    const lines = shown([...warnings, finished('handle_drift', ['7 alerts']), ended('handle_drift', 0)])
    expect(lines.filter((line) => line.startsWith('!'))).toHaveLength(2)
    expect(lines.some((line) => line.trim() === 'and 5 more like these')).toBe(true)
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100)
  })

  it('shows what failed, what to do, the exit code and the page, without cutting commands', () => {
    const command = `npx esteira generate --project projects/churn --rows 200000 --out ${'folder/'.repeat(10)}`
    const lines = shown([
      log('ingest_raw', {
        level: 'error',
        msg: `sources.bookings: ${'long text '.repeat(12)}`,
        code: 'ESTEIRA_SOURCE_MISSING',
        hint: `Make some:\n${command}`,
        details: {},
        exitCode: 64,
      }),
      ended('ingest_raw', 64),
    ]).slice(2)
    expect(lines[0]).toMatch(/^✗ ingest_raw {13}sources\.bookings: long text/)
    expect(lines.map((line) => line.trim())).toContain(command)
    expect(lines.at(-1)?.trim()).toBe('exit 64 · ESTEIRA_SOURCE_MISSING · docs/errors.md#esteira_source_missing')
  })

  it('shows how a step ended that said nothing', () => {
    expect(shown([ended('custom', 137)]).at(-1)).toBe('✗ custom                 failed, exit 137')
    const late: RunEvent = { ...ended('custom', 75), type: 'stepEnded', status: 'timedOut' } as RunEvent
    expect(shown([late]).at(-1)).toContain('longer than its timeout_seconds')
  })

  it('forgets the failure of an attempt when the next one succeeds', () => {
    const lines = shown([
      log('train_model', { level: 'error', msg: 'lost', code: 'ESTEIRA_CATALOG_BUSY', exitCode: 75 }),
      { type: 'retryScheduled', step: 'train_model', waitSeconds: 1 },
      { type: 'stepStarted', step: 'train_model', attempt: 2 },
      finished('train_model', ['trained']),
      ended('train_model', 0),
    ])
    expect(lines.filter((line) => line.includes('lost'))).toEqual([])
    expect(lines.at(-1)).toContain('trained')
  })

  it('passes on what a step in another language prints', () => {
    expect(shown([log('custom', 'hello from Python'), log('custom', '')]).slice(2)).toEqual([
      '  custom                 hello from Python',
    ])
  })
})

describe('readStepLine', () => {
  it('tells ends, failures, progress, messages and plain text apart', () => {
    const kinds = [
      '{"event":"step_finished","summary":[],"reused":true,"msg":"","level":"info"}',
      '{"level":"error","msg":"no","code":"ESTEIRA_USAGE","exitCode":64}',
      '{"level":"info","msg":"fitting","progress":{"done":1,"total":4}}',
      '{"level":"warn","msg":"odd"}',
      '{"other":1}',
      '{broken',
      'plain',
    ].map((line) => readStepLine(line).kind)
    expect(kinds).toEqual(['finished', 'failure', 'progress', 'message', 'text', 'text', 'text'])
  })

  it('gives progress in whole percent, also of nothing', () => {
    expect(readStepLine('{"msg":"x","progress":{"done":1,"total":3}}')).toMatchObject({ percent: 33 })
    expect(readStepLine('{"msg":"x","progress":{"done":0,"total":0}}')).toMatchObject({ percent: 0 })
  })
})

describe('wrap', () => {
  it('breaks at blanks and keeps every word', () => {
    const text = 'one two three four five'
    expect(wrap(text, 9)).toEqual(['one two', 'three', 'four five'])
    expect(wrap(text, 100)).toEqual([text])
    expect(wrap('unbreakable', 3)).toEqual(['unbreakable'])
  })
})

describe('table', () => {
  it('puts numbers and named columns to the right, and shows null as nothing', () => {
    expect(
      table(
        ['name', 'n', 'size'],
        [
          ['a', 1, '1.0 MB'],
          ['bcd', 1000, null],
        ],
        { right: ['size'] },
      ),
    ).toEqual(['name     n    size', 'a        1  1.0 MB', 'bcd   1000'])
  })

  it('shows a table without rows as its header', () => {
    expect(table(['name', 'n'], [])).toEqual(['name  n'])
  })
})

it.each([
  [0, '0.0 s'],
  [49, '0.0 s'],
  [900, '0.9 s'],
  [59_900, '59.9 s'],
  [60_000, '1 min 00 s'],
  [125_000, '2 min 05 s'],
])('shows %i ms as %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text)
})
