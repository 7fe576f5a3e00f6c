import { readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RunEvent, type RunWorkflowOptions, runWorkflow } from '@esteira/deploy'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { BRANCHING, configOf } from './projects.js'

let folder = ''
let events: RunEvent[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'esteira-run-'))
  events = []
})
afterEach(() => rm(folder, { recursive: true }))

/** Each step runs `sh <step>.sh` or `node <step>.js` in the folder; `scripts` are their contents. */
async function run(
  steps: readonly string[],
  scripts: Readonly<Record<string, string>>,
  options: Partial<RunWorkflowOptions> = {},
) {
  for (const [name, text] of Object.entries(scripts)) await writeFile(join(folder, name), text)
  return runWorkflow({
    config: configOf(steps),
    workflow: 'main',
    projectFolder: 'projects/churn',
    runDate: '2026-01-01',
    objects: { get: (key) => readFile(join(folder, 'objects', key)).catch(() => undefined) },
    environment: { PATH: process.env['PATH'] },
    workingFolder: folder,
    nodePath: process.execPath,
    now: () => new Date(),
    retryWaitSeconds: 0,
    ...options,
    onEvent: (event) => {
      events.push(event)
      options.onEvent?.(event)
    },
  })
}

function linesOf(step: string): string[] {
  return events.flatMap((event) => (event.type === 'stepLog' && event.step === step ? [event.line] : []))
}

/** Whether a process runs; one that is dead and not yet waited for does not. */
function isRunning(pid: string | number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

describe('runWorkflow', () => {
  test('runs the steps in order, with the environment of the contract and nothing of ours', async () => {
    const result = await run(
      ['{ id: one, command: node one.js --flag "a b" }', '{ id: two, command: sh two.sh }'],
      {
        'one.js': 'console.log(JSON.stringify([process.argv.slice(2), process.execPath, process.env]))',
        'two.sh': 'echo out; echo err >&2; printf "no line break"',
      },
      { env: 'dev' },
    )
    expect(result).toEqual({
      workflow: 'main',
      runId: 'churn-main-20260101',
      runDate: '2026-01-01',
      status: 'succeeded',
      steps: [
        { id: 'one', status: 'succeeded', exitCode: 0, attempts: 1, durationMs: expect.any(Number) },
        { id: 'two', status: 'succeeded', exitCode: 0, attempts: 1, durationMs: expect.any(Number) },
      ],
    })
    expect(JSON.parse(linesOf('one')[0] ?? '')).toEqual([
      ['--flag', 'a b'],
      process.execPath,
      {
        PATH: process.env['PATH'],
        ESTEIRA_PROJECT: 'projects/churn',
        ESTEIRA_WORKFLOW: 'main',
        ESTEIRA_RUN_ID: 'churn-main-20260101',
        ESTEIRA_RUN_DATE: '2026-01-01',
        ENV: 'dev',
      },
    ])
    expect(linesOf('two').toSorted()).toEqual(['err', 'no line break', 'out'])
    expect(events.filter(({ type }) => type !== 'stepLog').map((event) => `${event.type} ${event.step}`)).toEqual([
      'stepStarted one',
      'stepEnded one',
      'stepStarted two',
      'stepEnded two',
    ])
  })

  test('gives env_vars of config.yaml to the steps, below the own environment, without those that choose the stores', async () => {
    const steps = ['{ id: one, command: sh one.sh }']
    const config = configOf(
      steps,
      'runtime: { env_vars: { A: from config, B: from config, MLFLOW_TRACKING_URI: "http://prod", ESTEIRA_HOME: "s3://prod" } }',
    )
    const environment = { PATH: process.env['PATH'], B: 'from here', MLFLOW_TRACKING_URI: 'http://mine' }
    const script = 'echo "$A, $B, $MLFLOW_TRACKING_URI, $ESTEIRA_HOME"'
    await run(steps, { 'one.sh': script }, { config, environment })
    expect(linesOf('one')).toEqual(['from config, from here, http://mine, '])
  })

  test('tries a step again after exit code 75, and no other', async () => {
    const flaky = 'echo x >> count; [ $(wc -l < count) -gt 3 ] || exit 75'
    const result = await run(['{ id: one, command: sh one.sh, retries: 3 }'], { 'one.sh': flaky })
    expect(result).toMatchObject({ status: 'succeeded', steps: [{ exitCode: 0, attempts: 4, status: 'succeeded' }] })
    expect(events.filter(({ type }) => type === 'retryScheduled')).toEqual(
      Array(3).fill({ type: 'retryScheduled', step: 'one', waitSeconds: 0 }),
    )
  })

  test('ends at the first failure, with its last lines', async () => {
    const result = await run(['{ id: one, command: sh one.sh }', '{ id: two, command: sh one.sh }'], {
      'one.sh': 'for i in $(seq 30); do echo "line $i" >&2; done; exit 70',
    })
    expect(result).toMatchObject({
      status: 'failed',
      steps: [{ id: 'one', status: 'failed', exitCode: 70, attempts: 1 }],
      error: {
        step: 'one',
        error: 'Esteira.StepFailed',
        cause: 'step one ended with exit code 70 at attempt 1 of 3',
        lastLines: Array.from({ length: 20 }, (_, index) => `line ${index + 11}`),
      },
    })
    expect(result.steps).toHaveLength(1)
  })

  test('says when a program is not there', async () => {
    const result = await run(['{ id: one, command: no-such-program --x }'], {})
    expect(result).toMatchObject({
      status: 'failed',
      steps: [{ id: 'one', status: 'failed', exitCode: null }],
      error: { error: 'Esteira.StepNotRun', cause: expect.stringContaining('spawn no-such-program ENOENT') },
    })
  })

  test('reports a death by signal as a shell does', async () => {
    const result = await run(['{ id: one, command: sh one.sh }'], { 'one.sh': 'kill -KILL $$' })
    expect(result.steps).toMatchObject([{ exitCode: 137 }])
  })
})

describe('branches', () => {
  const decide = (decision: string) =>
    `mkdir -p objects/runs/$ESTEIRA_RUN_ID; echo '${decision}' > objects/runs/$ESTEIRA_RUN_ID/detect_drift.json`
  const steps = BRANCHING.map((line) => line.replace(/node (\w+)\.js/, 'sh $1.sh'))

  test.each([
    ['{"decision":"drift"}', ['detect_drift', 'handle_drift'], 'handle_drift', 'drift'],
    ['{"decision":"none"}', ['detect_drift'], 'end', 'none'],
    ['{}', ['detect_drift'], 'end', undefined],
  ])('go by the step result %s', async (stored, expected, to, decision) => {
    const result = await run(steps, { 'drift.sh': decide(stored), 'handle.sh': 'true' })
    expect([result.status, result.steps.map(({ id }) => id)]).toEqual(['succeeded', expected])
    expect(events.filter(({ type }) => type === 'branchTaken')).toEqual([
      { type: 'branchTaken', step: 'detect_drift', decision, to },
    ])
  })

  test('fail without a step result', async () => {
    const result = await run(steps, { 'drift.sh': 'true', 'handle.sh': 'true' })
    expect(result).toMatchObject({
      status: 'failed',
      error: { step: 'detect_drift', error: 'Esteira.ResultMissing', cause: expect.stringContaining('NoSuchKey') },
    })
  })

  test('are left out with only, and passed by with from', async () => {
    const scripts = { 'drift.sh': 'true', 'handle.sh': 'true' }
    const only = await run(steps, scripts, { only: 'detect_drift' })
    const from = await run(steps, scripts, { from: 'handle_drift' })
    expect([only, from].map((one) => one.steps.map(({ id }) => id))).toEqual([['detect_drift'], ['handle_drift']])
  })
})

describe('shards', () => {
  test('run as tasks of one step', async () => {
    const result = await run(['{ id: score, command: sh score.sh, shards: 3 }'], {
      'score.sh':
        'echo "$ESTEIRA_SHARD of $ESTEIRA_SHARDS"; [ $ESTEIRA_SHARD != 1 ] || [ -e again ] || { touch again; exit 75; }',
    })
    expect(result.steps).toMatchObject([{ id: 'score', status: 'succeeded', exitCode: 0, attempts: 2 }])
    expect(linesOf('score').toSorted()).toEqual(['0 of 3', '1 of 3', '1 of 3', '2 of 3'])
    expect(events).toContainEqual({ type: 'retryScheduled', step: 'score', shard: 1, waitSeconds: 0 })
  })

  test('end together when one fails', async () => {
    const result = await run(
      ['{ id: score, command: sh score.sh, shards: 3 }'],
      { 'score.sh': 'if [ $ESTEIRA_SHARD = 1 ]; then exit 65; fi; exec sleep 60' },
      { shardConcurrency: 3 },
    )
    expect(result).toMatchObject({ status: 'failed', steps: [{ id: 'score', status: 'failed', exitCode: 65 }] })
  })
})

/** Starts a child and a grandchild; each writes its process id; the grandchild does not care for SIGTERM. */
const FAMILY = {
  'family.sh': `echo $$; sh grandchild.sh & wait`,
  'grandchild.sh': `trap '' TERM; echo $$; while :; do sleep 0.05; done`,
}
/** Ends of its own accord, and leaves a process behind. */
const LEAVING = { 'leaving.sh': 'sleep 60 >/dev/null 2>&1 & echo $!; echo done' }

describe('no process stays', () => {
  test('after a time-out: child and grandchild are ended', async () => {
    const result = await run(['{ id: one, command: sh family.sh, timeout_seconds: 1 }'], FAMILY, { graceSeconds: 0.2 })
    expect(result).toMatchObject({
      status: 'failed',
      steps: [{ id: 'one', status: 'timedOut', attempts: 1 }],
      error: { step: 'one', error: 'States.Timeout', cause: 'step one was ended after 1 s (timeout_seconds)' },
    })
    expect(linesOf('one')).toHaveLength(2)
    expect(linesOf('one').filter(isRunning)).toEqual([])
  })

  test('after the time-out of the whole run', async () => {
    const steps = ['{ id: one, command: sh family.sh, timeout_seconds: 100 }']
    const config = configOf(steps, 'schedule: { timeout_seconds: 1 }')
    const result = await run(steps, FAMILY, { config, graceSeconds: 0.2 })
    expect(result).toMatchObject({
      status: 'failed',
      steps: [{ id: 'one', status: 'timedOut' }],
      error: { error: 'States.Timeout', cause: 'the run was ended after 1 s' },
    })
    expect(linesOf('one').filter(isRunning)).toEqual([])
  })

  test('after an abort', async () => {
    const controller = new AbortController()
    const result = await run(['{ id: one, command: sh family.sh }', '{ id: two, command: "true" }'], FAMILY, {
      graceSeconds: 0.2,
      signal: controller.signal,
      onEvent: () => linesOf('one').length === 2 && controller.abort(),
    })
    expect(result).toMatchObject({ status: 'aborted', steps: [{ id: 'one', status: 'aborted' }] })
    expect(result.steps).toHaveLength(1)
    expect(linesOf('one').filter(isRunning)).toEqual([])
  })

  test('after an abort, and a step that ends in time is not killed nor tried again', async () => {
    const controller = new AbortController()
    const result = await run(
      ['{ id: one, command: node one.js }'],
      {
        'one.js': `process.on('SIGTERM', () => { console.log('stopped cleanly'); process.exit(75) })
          setInterval(() => {}, 1000); console.log('ready')`,
      },
      { signal: controller.signal, onEvent: (event) => event.type === 'stepLog' && controller.abort() },
    )
    expect(result).toMatchObject({ status: 'aborted', steps: [{ status: 'aborted', exitCode: 75, attempts: 1 }] })
    expect(linesOf('one')).toEqual(['ready', 'stopped cleanly'])
  })

  test('after a step that left one behind', async () => {
    const result = await run(['{ id: one, command: sh leaving.sh }'], LEAVING)
    expect(result.status).toBe('succeeded')
    expect(linesOf('one')[1]).toBe('done')
    expect(isRunning(linesOf('one')[0] ?? '')).toBe(false)
  })

  test('and none is started when the run is aborted before it begins', async () => {
    const result = await run(['{ id: one, command: sh one.sh }'], { 'one.sh': 'true' }, { signal: AbortSignal.abort() })
    expect(result).toMatchObject({ status: 'aborted', steps: [] })
  })
})
