import { EsteiraError } from '@esteira/core'
import {
  type AslDocument,
  defaultRunId,
  executeStateMachine,
  type Json,
  StatesError,
  stateMachine,
} from '@esteira/deploy'
import validate from 'asl-validator'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BRANCHING, configOf } from './projects.js'

/** What asl-validator objects to; it writes into what it is given. */
function faultsIn(document: AslDocument): string {
  return validate(structuredClone(document) as never).errorsText('\n')
}

const RUN_TASK = 'arn:aws:states:::ecs:runTask.sync'
const GET_OBJECT = 'arn:aws:states:::aws-sdk:s3:getObject'

/** Executes a document without processes; each task notes its parameters, and fails as `fail` says. */
async function execute(
  document: AslDocument,
  input: Json,
  fail: (call: number) => StatesError | undefined = () => undefined,
) {
  const calls: { Environment: { Name: string; Value: string }[]; Command: string[] }[] = []
  const waits: number[] = []
  const result = await executeStateMachine({
    document,
    input,
    now: () => new Date('2026-01-01T02:03:04.567Z'),
    sleep: async (milliseconds) => void waits.push(milliseconds / 1000),
    handlers: {
      [RUN_TASK]: async ({ parameters }) => {
        calls.push((parameters as never)['Overrides']['ContainerOverrides'][0])
        const error = fail(calls.length)
        if (error !== undefined) throw error
        return {}
      },
      [GET_OBJECT]: async ({ parameters }) => ({ Body: JSON.stringify({ asked: parameters, decision: 'drift' }) }),
    },
  })
  const environments = calls.map((call) => Object.fromEntries(call.Environment.map(({ Name, Value }) => [Name, Value])))
  return { result, calls, environments, waits }
}

function stopped(facts: Record<string, Json>, exitCode?: number): StatesError {
  const container = exitCode === undefined ? { Name: 'churn' } : { Name: 'churn', ExitCode: exitCode }
  return new StatesError('States.TaskFailed', JSON.stringify({ Containers: [container], ...facts }))
}

describe('stateMachine', () => {
  test.each([
    ['one step', ['{ id: train, command: node train.js }'], {}],
    ['many steps', ['{ id: a, command: x }', '{ id: b, command: x, retries: 0 }', '{ id: c, command: x }'], {}],
    ['a branch', BRANCHING, {}],
    [
      'a branch that comes together again',
      [...BRANCHING.map((line) => line.replace('else: end', 'else: notify')), '{ id: notify, command: x }'],
      {},
    ],
    ['shards', ['{ id: score, command: x, shards: 4 }', '{ id: publish, command: x }'], {}],
    ['an environment', BRANCHING, { env: 'prd' }],
    ['only one step', BRANCHING, { only: 'detect_drift' }],
    ['a later start', BRANCHING, { from: 'handle_drift' }],
  ] as const)('gives a document that asl-validator accepts: %s', (_, steps, options) => {
    expect(faultsIn(stateMachine(configOf(steps), 'main', options))).toBe('')
  })

  test('gives a valid document for any workflow, in which every state is reached', () => {
    const step = fc.record({
      shards: fc.option(fc.integer({ min: 1, max: 50 }), { nil: undefined }),
      retries: fc.nat(5),
      branches: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 6 }), (shapes) => {
        const lines = shapes.flatMap(({ shards, retries, branches }, index) => {
          const line = `{ id: s${index}, command: x, retries: ${retries}`
          if (shards !== undefined) return [`${line}, shards: ${shards} }`]
          if (!branches) return [`${line} }`]
          return [`${line}, branch: { on: d, to: t${index} } }`, `{ id: t${index}, command: x }`]
        })
        const document = stateMachine(configOf(lines), 'main')
        expect(faultsIn(document)).toBe('')
        const named = JSON.stringify(document)
        for (const name of Object.keys(document.States)) {
          if (name !== document.StartAt) expect(named).toMatch(new RegExp(`"(Next|Default)":"${name}"`))
        }
      }),
      { seed: 11, numRuns: 12 },
    )
  })

  test('asks ECS for the task of a step', () => {
    const config = configOf([
      '{ id: train, name: Train, command: node train.js, resources: { cpu: 0.5, memory_gb: 1.5 }, timeout_seconds: 60 }',
    ])
    expect(stateMachine(config, 'main', { env: 'dev' }).States['train']).toEqual({
      Type: 'Task',
      Comment: 'Train',
      Resource: RUN_TASK,
      Parameters: {
        Cluster: 'ml-cluster-churn',
        TaskDefinition: 'churn',
        CapacityProviderStrategy: [{ CapacityProvider: 'cp-churn', Weight: 1 }],
        Overrides: {
          ContainerOverrides: [
            {
              Name: 'churn',
              Command: ['node', 'train.js'],
              Cpu: 512,
              Memory: 1536,
              Environment: [
                { Name: 'ESTEIRA_PROJECT', 'Value.$': '$.run.project' },
                { Name: 'ESTEIRA_WORKFLOW', Value: 'main' },
                { Name: 'ESTEIRA_RUN_ID', 'Value.$': '$.run.runId' },
                { Name: 'ESTEIRA_RUN_DATE', 'Value.$': '$.run.runDate' },
                { Name: 'ENV', Value: 'dev' },
              ],
            },
          ],
        },
      },
      TimeoutSeconds: 60,
      ResultPath: null,
      Retry: [
        {
          ErrorEquals: [
            'ECS.AmazonECSException',
            'AmazonECS.Unknown',
            'ECS.ServerException',
            'ECS.ThrottlingException',
          ],
          IntervalSeconds: 30,
          BackoffRate: 2,
          MaxAttempts: 6,
          MaxDelaySeconds: 600,
          JitterStrategy: 'FULL',
        },
      ],
      Catch: [
        { ErrorEquals: ['States.TaskFailed'], ResultPath: '$.error', Next: 'train.caught' },
        { ErrorEquals: ['States.Timeout'], ResultPath: '$.error', Next: 'train.timed_out' },
      ],
      Next: 'done',
    })
  })

  test.each([
    [
      { only: 'train_modle' },
      'workflow main has no step "train_modle"; there are train_model',
      'Did you mean train_model?',
    ],
    [{ only: 'model' }, 'has no step "model"', 'Did you mean train_model?'],
    [{ only: 'nope' }, 'has no step "nope"; there are train', 'Name one of them, for example train_model.'],
    [{ from: 'ingest' }, 'has no step "ingest"', 'Name one of them, for example train_model.'],
    [{ only: 'train', from: 'train' }, 'cannot hold at once', undefined],
  ])('refuses %j', (options, message, hint) => {
    const attempt = () => stateMachine(configOf(['{ id: train_model, command: x }']), 'main', options)
    expect(attempt).toThrow(EsteiraError)
    expect(attempt).toThrow(
      expect.objectContaining({ code: 'ESTEIRA_USAGE', hint, message: expect.stringContaining(message) }),
    )
  })

  test('refuses a workflow that is not there', () => {
    expect(() => stateMachine(configOf(['{ id: train, command: x }']), 'mian')).toThrow(
      'churn has no workflow "mian"; there are main',
    )
  })
})

describe('the run id and run date of a document', () => {
  const document = stateMachine(configOf(['{ id: train, command: x }']), 'main')
  test.each([
    [{}, '2026-01-01T02:03:04.567Z', 'churn-main-20260101T020304'],
    [{ scheduledTime: '2026-02-03T06:00:00Z' }, '2026-02-03T06:00:00Z', 'churn-main-20260203T060000'],
    [{ runDate: '2026-02-03' }, '2026-02-03', 'churn-main-20260203'],
    [{ runDate: '2026-02-03', scheduledTime: '2026-03-01T00:00:00Z' }, '2026-02-03', 'churn-main-20260203'],
    [{ runDate: '2026-02-03', runId: 'mine' }, '2026-02-03', 'mine'],
    [{ runId: 'mine' }, '2026-01-01T02:03:04.567Z', 'mine'],
  ])('follow from the input %j', async (input, runDate, runId) => {
    const { environments } = await execute(document, input)
    if (!('runId' in input)) expect(defaultRunId('churn', 'main', runDate)).toBe(runId)
    expect(environments).toEqual([
      {
        ESTEIRA_PROJECT: 'projects/churn',
        ESTEIRA_WORKFLOW: 'main',
        ESTEIRA_RUN_ID: runId,
        ESTEIRA_RUN_DATE: runDate,
      },
    ])
  })
})

describe('a task that fails', () => {
  const document = stateMachine(configOf(['{ id: train, command: x, retries: 3 }', '{ id: next, command: x }']), 'main')
  const failing = (times: number, error: StatesError) =>
    execute(document, {}, (call) => (call <= times ? error : undefined))

  test('runs again after exit code 75, with waits that double', async () => {
    const { result, calls, waits } = await failing(3, stopped({}, 75))
    expect([result.status, calls.length, waits]).toEqual(['SUCCEEDED', 5, [30, 60, 120]])
  })

  test('runs again when its Spot instance is taken, whatever the exit code', async () => {
    expect((await failing(1, stopped({ StopCode: 'SpotInterruption' }, 137))).result.status).toBe('SUCCEEDED')
    expect((await failing(1, stopped({ StopCode: 'TerminationNotice' }))).result.status).toBe('SUCCEEDED')
  })

  test('ends the run when the attempts are used up', async () => {
    const { result, calls } = await failing(9, stopped({}, 75))
    expect(calls).toHaveLength(4)
    expect(result).toEqual({
      status: 'FAILED',
      error: 'Esteira.StepFailed',
      cause: 'step train ended with exit code 75 at attempt 4 of 4',
    })
  })

  test.each([64, 65, 70, 1, 137])('ends the run at once after exit code %i', async (exitCode) => {
    const { result, calls } = await failing(1, stopped({ StopCode: 'EssentialContainerExited' }, exitCode))
    expect(calls).toHaveLength(1)
    expect(result).toMatchObject({ cause: `step train ended with exit code ${exitCode} at attempt 1 of 4` })
  })

  test('says why it never ran', async () => {
    const { result } = await failing(1, stopped({ StoppedReason: 'CannotPullContainerError' }))
    expect(result).toMatchObject({
      error: 'Esteira.StepNotRun',
      cause: expect.stringContaining('CannotPullContainerError'),
    })
  })

  test('survives a cause that is no JSON', async () => {
    for (const error of [
      new StatesError('ECS.ClientException', 'no such cluster'),
      new StatesError('States.TaskFailed', '{cut'),
    ]) {
      const { result } = await failing(1, error)
      expect(result).toMatchObject({ error: 'Esteira.StepNotRun', cause: expect.stringContaining(error.causeText) })
    }
  })

  test('is started again by ECS errors six times, with growing waits', async () => {
    const { result, calls, waits } = await failing(99, new StatesError('ECS.AmazonECSException', 'no capacity'))
    expect([calls.length, waits]).toEqual([7, [30, 60, 120, 240, 480, 600]])
    expect(result).toMatchObject({ error: 'Esteira.StepNotRun', cause: expect.stringContaining('no capacity') })
  })

  test('is not run again after its time-out', async () => {
    const { result, calls } = await failing(1, new StatesError('States.Timeout', 'late'))
    expect(calls).toHaveLength(1)
    expect(result).toMatchObject({
      error: 'States.Timeout',
      cause: 'step train was ended after 86400 s (timeout_seconds)',
    })
  })
})

describe('a branch', () => {
  test('reads the result below ESTEIRA_HOME', async () => {
    const { result, calls } = await execute(stateMachine(configOf(BRANCHING), 'main'), { runId: 'r1' })
    expect(calls.map((call) => call.Command)).toEqual([
      ['node', 'drift.js'],
      ['node', 'handle.js'],
    ])
    expect(result).toMatchObject({
      output: {
        result: {
          content: { asked: { Bucket: `\${HomeBucket}`, Key: `\${HomePrefix}objects/runs/r1/detect_drift.json` } },
        },
      },
    })
  })
})

describe('shards', () => {
  test('are tasks told apart by their number, each with retries of its own', async () => {
    const document = stateMachine(
      configOf(['{ id: score, command: x, shards: 3 }', '{ id: publish, command: x }']),
      'main',
    )
    const { result, environments } = await execute(document, {}, (call) => (call === 2 ? stopped({}, 75) : undefined))
    expect(result.status).toBe('SUCCEEDED')
    expect(environments.map((one) => `${one['ESTEIRA_SHARD']}/${one['ESTEIRA_SHARDS']}`).sort()).toEqual([
      '0/3',
      '1/3',
      '1/3',
      '2/3',
      'undefined/undefined',
    ])
  })
})
