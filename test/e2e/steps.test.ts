import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { esteira, logLine, root, runStepFile } from '../services/esteira-command.js'
import { generateBookings, RUN_DATE, tableFiles, tempHome } from '../services/temp-home.js'

interface Finished {
  readonly event: string
  readonly runId: string
  readonly reused: boolean
  readonly summary: readonly string[]
}

const place = tempHome()
const steps = readdirSync(join(root, 'steps')).flatMap((file) =>
  file.endsWith('.js') ? [file.replace('.js', '')] : [],
)
const WORKFLOWS = {
  training: [
    ['ingest_raw'],
    ['process_silver'],
    ['check_readiness'],
    ['extract_features', '--feature-dates', 'training'],
    ['validate_features'],
    ['prepare_training_data'],
    ['train_model'],
    ['evaluate_model'],
    ['promote_model'],
    ['notify'],
  ],
  inference: [
    ['extract_features', '--feature-dates', 'run-date'],
    ['validate_features'],
    ['score_model'],
    ['detect_drift'],
    ['handle_drift'],
  ],
} as const

let bookings = ''

beforeAll(async () => {
  bookings = await generateBookings(place, 8000)
})

afterAll(() => place.remove())

describe.concurrent('every step', () => {
  it('is in a workflow that is run here', () => {
    const run = new Set<string>(Object.values(WORKFLOWS).flatMap((workflow) => workflow.map(([step]) => step)))
    expect([...run].sort()).toEqual([...steps].sort())
  })

  it.each(steps)('%s says what it does and takes, without a project', async (step) => {
    const { code, stdout, stderr } = await runStepFile(step, ['--help'], place)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(new RegExp(`^${step}: \\w+`))
    for (const text of [`node steps/${step}.js`, 'ESTEIRA_PROJECT', 'ESTEIRA_RUN_ID', 'ESTEIRA_RUN_DATE', 'Exit codes'])
      expect(stdout).toContain(text)
  })
})

describe.each(['training', 'inference'] as const)('the %s steps by hand', (workflow) => {
  it('run one after the other with environment variables', async () => {
    for (const [step, , dates] of WORKFLOWS[workflow]) {
      const env = {
        ...place.env,
        ESTEIRA_PROJECT: 'projects/churn',
        ESTEIRA_RUN_ID: `by-hand-${workflow}`,
        ESTEIRA_RUN_DATE: RUN_DATE,
        ESTEIRA_WORKFLOW: workflow,
        ESTEIRA_SOURCE: bookings,
        ...(dates !== undefined && { ESTEIRA_FEATURE_DATES: dates }),
      }
      const ended = await runStepFile(step, [], { env })
      expect(ended.code, ended.stderr).toBe(0)
      expect(ended.stdout).toBe('')
      const { event, runId, reused, summary } = logLine<Finished>(ended, 'event')
      expect({ event, runId, reused }).toEqual({ event: 'step_finished', runId: `by-hand-${workflow}`, reused: false })
      expect(summary.length).toBeGreaterThan(0)
      // Container logs are JSON lines, all of them.
      for (const line of ended.stderr.trim().split('\n')) expect(() => JSON.parse(line)).not.toThrow()
    }
  })

  it('run again with flags ask the same, so that nothing is done twice', async () => {
    const before = tableFiles(place)
    const common = [
      ...['--project', 'projects/churn', '--run-id', `by-hand-${workflow}`, '--run-date', RUN_DATE],
      ...['--workflow', workflow, '--source', bookings],
    ]
    const ended = await Promise.all(
      WORKFLOWS[workflow].map(([step, ...flags]) => runStepFile(step, [...common, ...flags], place)),
    )
    for (const each of ended) {
      expect(each.code, each.stderr).toBe(0)
      expect(logLine<Finished>(each, 'event').reused).toBe(true)
    }
    expect(tableFiles(place)).toEqual(before)
  })
})

it('a flag wins over its variable', async () => {
  const env = { ...place.env, ESTEIRA_PROJECT: 'projects/none', ESTEIRA_RUN_DATE: 'never', ESTEIRA_SOURCE: '/nowhere' }
  const flags = ['--project', 'projects/churn', '--run-date', RUN_DATE, '--source', bookings, '--run-id', 'flags']
  const ended = await runStepFile('ingest_raw', flags, { env })
  expect(ended.code, ended.stderr).toBe(0)
})

it('a step that loses a contest ends with 0 and its decision, and with 65 only when it is told to', async () => {
  const flags = [
    '--project',
    'projects/churn',
    '--run-id',
    'by-hand-inference',
    '--run-date',
    RUN_DATE,
    '--workflow',
    'inference',
  ]
  const calm = await runStepFile('detect_drift', flags, place)
  expect(calm.code).toBe(0)
  const { decision } = logLine<{ decision: string }>(calm, 'event')
  const strict = await runStepFile('detect_drift', [...flags, '--fail-on', 'drift'], place)
  expect(strict.code, strict.stderr).toBe(decision === 'drift' ? 65 : 0)
})

it('what the steps made is what the commands show', async () => {
  const { stdout } = await esteira(['models', 'list'], place)
  expect(stdout).toMatch(/^churn +1 /m)
})
