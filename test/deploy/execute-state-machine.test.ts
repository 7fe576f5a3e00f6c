import {
  type AslStates,
  type ExecutionEvent,
  executeStateMachine,
  type Json,
  StatesError,
  type TaskHandler,
} from '@esteira/deploy'
import { describe, expect, test } from 'vitest'

const NOW = new Date('2026-01-01T00:00:00Z')

interface Setting {
  readonly input?: Json
  readonly task?: TaskHandler
  readonly signal?: AbortSignal
  readonly timeoutSeconds?: number
  readonly maxConcurrency?: number
  readonly onEvent?: (event: ExecutionEvent) => void
}

/** Executes states from the first one; the task's resource is `work`. */
function run(states: AslStates, setting: Setting = {}) {
  return executeStateMachine({
    document: {
      StartAt: Object.keys(states)[0] ?? '',
      States: states,
      ...(setting.timeoutSeconds === undefined ? {} : { TimeoutSeconds: setting.timeoutSeconds }),
    },
    input: setting.input ?? {},
    now: () => NOW,
    sleep: async (_, signal) => signal.throwIfAborted(),
    handlers: { work: setting.task ?? (async ({ parameters }) => parameters) },
    ...(setting.signal === undefined ? {} : { signal: setting.signal }),
    ...(setting.maxConcurrency === undefined ? {} : { maxConcurrency: setting.maxConcurrency }),
    ...(setting.onEvent === undefined ? {} : { onEvent: setting.onEvent }),
  })
}

async function outputOf(states: AslStates, input: Json = {}): Promise<Json> {
  const result = await run(states, { input })
  if (result.status !== 'SUCCEEDED') throw new Error(JSON.stringify(result))
  return result.output
}

const untilAborted: TaskHandler = ({ signal }) =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))

describe('paths', () => {
  test('select, shape and place data as the specification says', async () => {
    const states = {
      a: {
        Type: 'Task',
        Resource: 'work',
        InputPath: '$.in',
        Parameters: { 'n.$': '$.list[1]', 'q.$': "$['a b']", 'who.$': '$$.Execution.Name', fixed: 1 },
        ResultSelector: { 'n.$': '$.n', 'who.$': '$.who', 'q.$': '$.q' },
        ResultPath: '$.out.here',
        OutputPath: '$.out',
        End: true,
      },
    }
    expect(await outputOf(states, { in: { list: [1, 2], 'a b': null } })).toEqual({
      here: { n: 2, who: 'local', q: null },
    })
  })

  test('throw results away with ResultPath null, and give an empty object with OutputPath null', async () => {
    expect(await outputOf({ a: { Type: 'Pass', Result: 1, ResultPath: null, End: true } }, { x: 1 })).toEqual({ x: 1 })
    expect(await outputOf({ a: { Type: 'Pass', OutputPath: null, End: true } }, { x: 1 })).toEqual({})
  })

  test('fail the run when they lead nowhere', async () => {
    expect(await run({ a: { Type: 'Pass', Parameters: { 'x.$': '$.none' }, End: true } })).toMatchObject({
      status: 'FAILED',
      error: 'States.ParameterPathFailure',
      cause: 'the path $.none is not in the input',
    })
    const states = { a: { Type: 'Pass', Result: 1, ResultPath: '$.x.y', End: true } }
    expect(await run(states, { input: { x: 1 } })).toMatchObject({ error: 'States.ResultPathMatchFailure' })
  })

  test('do not reach what every object inherits', async () => {
    const states = { a: { Type: 'Pass', Parameters: { 'x.$': '$.constructor' }, End: true } }
    expect(await run(states)).toMatchObject({ error: 'States.ParameterPathFailure' })
  })
})

describe('intrinsic functions', () => {
  // Values from the examples of "Intrinsic functions" in the AWS Step Functions developer guide, where it has one.
  test.each<[string, Json]>([
    ["States.Format('Hello, my name is {}.', $.name)", 'Hello, my name is Arnav.'],
    ["States.Format('{}{} it\\'s {}', 1, true, $.object)", '1true it\'s {"a":1}'],
    ['States.StringToJson($.escaped)', { foo: 'bar' }],
    ['States.JsonToString($.object)', '{"a":1}'],
    ['States.JsonMerge($.object, $.other, false)', { a: { x: 2 }, b: 3 }],
    ["States.StringSplit('1,2,3,4,5', ',')", ['1', '2', '3', '4', '5']],
    ["States.StringSplit('This.is+a,test=string', '.+,=')", ['This', 'is', 'a', 'test', 'string']],
    ['States.MathAdd(111, -1)', 110],
    ['States.Array($.name, 1, null)', ['Arnav', 1, null]],
    ['States.ArrayRange(1, 9, 2)', [1, 3, 5, 7, 9]],
    ['States.ArrayRange(3, 0, -1)', [3, 2, 1, 0]],
    ['States.ArrayRange(0, 0, 1)', [0]],
    ['States.ArrayLength(States.ArrayRange(1, 9, 1))', 9],
    ['States.ArrayGetItem(States.ArrayRange(1, 9, 1), 5)', 6],
    ['States.ArrayContains(States.ArrayRange(1, 9, 1), 5)', true],
    ['States.ArrayUnique(States.Array(1, 2, 1))', [1, 2]],
  ])('%s', async (expression, expected) => {
    const input = { name: 'Arnav', object: { a: 1 }, other: { a: { x: 2 }, b: 3 }, escaped: '{"foo": "bar"}' }
    const states = { a: { Type: 'Pass', Parameters: { 'x.$': expression }, End: true } }
    expect(await outputOf(states, input)).toEqual({ x: expected })
  })

  test.each([
    "States.StringToJson('{')",
    "States.Format('{}')",
    'States.MathAdd(1.5, 1)',
    'States.ArrayRange(0, 5000, 1)',
    'States.ArrayRange(0, 5, 0)',
    'States.ArrayGetItem(States.Array(), 0)',
  ])('%s fails by its own error', async (expression) => {
    const states = { a: { Type: 'Pass', Parameters: { 'x.$': expression }, End: true } }
    expect(await run(states)).toMatchObject({ error: 'States.IntrinsicFailure' })
  })
})

describe('Choice', () => {
  const input = { n: 2, t: 'abc*', b: false, nil: null, time: '2026-01-01T00:00:00Z', three: 3 }
  test.each<[Record<string, Json>, boolean]>([
    [{ Variable: '$.n', NumericEquals: 2 }, true],
    [{ Variable: '$.n', NumericLessThanPath: '$.three' }, true],
    [{ Variable: '$.n', NumericGreaterThanEquals: 3 }, false],
    [{ Variable: '$.t', NumericEquals: 2 }, false],
    [{ Variable: '$.n', StringEquals: '2' }, false],
    [{ Variable: '$.t', StringMatches: 'a*\\*' }, true],
    [{ Variable: '$.t', StringMatches: 'b*' }, false],
    [{ Variable: '$.t', StringLessThan: 'abd' }, true],
    [{ Variable: '$.b', BooleanEquals: false }, true],
    [{ Variable: '$.nil', IsNull: true }, true],
    [{ Variable: '$.none.of.it', IsPresent: false }, true],
    [{ Variable: '$.time', TimestampLessThan: '2026-01-01T00:00:00-03:00' }, true],
    [{ Variable: '$.t', IsTimestamp: true }, false],
    [{ Not: { Variable: '$.n', IsString: true } }, true],
    [
      {
        Or: [
          { Variable: '$.n', NumericEquals: 1 },
          { Variable: '$.b', IsBoolean: true },
        ],
      },
      true,
    ],
    [
      {
        And: [
          { Variable: '$.none', IsPresent: true },
          { Variable: '$.none', NumericEquals: 1 },
        ],
      },
      false,
    ],
  ])('%j is %s', async (rule, expected) => {
    const states = {
      a: { Type: 'Choice', Choices: [{ ...rule, Next: 'yes' }], Default: 'no' },
      yes: { Type: 'Pass', Result: true, End: true },
      no: { Type: 'Pass', Result: false, End: true },
    }
    expect(await outputOf(states, input)).toBe(expected)
  })

  test('without a rule that holds fails the run', async () => {
    const states = {
      a: { Type: 'Choice', Choices: [{ Variable: '$.n', NumericEquals: 1, Next: 'b' }] },
      b: { Type: 'Succeed' },
    }
    expect(await run(states, { input })).toMatchObject({ error: 'States.NoChoiceMatched' })
  })
})

describe('Retry and Catch', () => {
  const failing = (error: string, times = Number.POSITIVE_INFINITY) => {
    let calls = 0
    const task: TaskHandler = async ({ retryCount }) => {
      if (calls++ < times) throw new StatesError(error, 'because')
      return retryCount
    }
    return { task, calls: () => calls }
  }
  const work = (fields: Record<string, Json>) => ({
    a: { Type: 'Task', Resource: 'work', ...fields, End: true },
    caught: { Type: 'Pass', End: true },
  })

  test('count for each retrier, and reset at the next visit', async () => {
    const errors = ['A', 'B', 'A', 'B', 'A']
    const Retry = [
      { ErrorEquals: ['A'], MaxAttempts: 3 },
      { ErrorEquals: ['States.ALL'], MaxAttempts: 2 },
    ]
    const task: TaskHandler = async ({ retryCount }) => {
      const error = errors.shift()
      if (error !== undefined) throw new StatesError(error, '')
      return retryCount
    }
    expect(await run(work({ Retry }), { task })).toEqual({ status: 'SUCCEEDED', output: 5 })
  })

  test('wait by interval, rate, bound and jitter', async () => {
    const waits: number[] = []
    const Retry = [{ ErrorEquals: ['A'], IntervalSeconds: 2, BackoffRate: 3, MaxDelaySeconds: 20, MaxAttempts: 4 }]
    const onEvent = (event: ExecutionEvent) => {
      if (event.type === 'retryScheduled') waits.push(event.waitSeconds)
    }
    await run(work({ Retry }), { task: failing('A').task, onEvent })
    expect(waits).toEqual([2, 6, 18, 20])
  })

  test.each([
    ['States.TaskFailed', 'Any.Thing', true],
    ['States.TaskFailed', 'States.Timeout', false],
    ['States.ALL', 'States.Timeout', true],
    ['States.ALL', 'States.Runtime', false],
    ['States.Runtime', 'States.Runtime', true],
    ['Other', 'Any.Thing', false],
  ])('a catcher of %s and the error %s: %s', async (pattern, error, isCaught) => {
    const Catch = [{ ErrorEquals: [pattern], ResultPath: '$.e', Next: 'caught' }]
    const result = await run(work({ Catch }), { input: { x: 1 }, task: failing(error).task })
    expect(result).toEqual(
      isCaught
        ? { status: 'SUCCEEDED', output: { x: 1, e: { Error: error, Cause: 'because' } } }
        : { status: 'FAILED', error, cause: 'because' },
    )
  })

  test('catch only when the retries are used up', async () => {
    const { task, calls } = failing('A')
    const Retry = [{ ErrorEquals: ['A'], MaxAttempts: 2 }]
    const Catch = [{ ErrorEquals: ['A'], Next: 'caught' }]
    expect(await run(work({ Retry, Catch }), { task })).toMatchObject({ output: { Error: 'A' } })
    expect(calls()).toBe(3)
  })

  test('leave a defect of a handler alone: it is thrown', async () => {
    const Catch = [{ ErrorEquals: ['States.ALL'], Next: 'caught' }]
    const task = async () => {
      throw new TypeError('a defect')
    }
    await expect(run(work({ Catch }), { task })).rejects.toThrow('a defect')
  })
})

describe('Fail', () => {
  test('takes error and cause from paths', async () => {
    const states = { a: { Type: 'Fail', ErrorPath: '$.e', CausePath: "States.Format('code {}', $.c)" } }
    expect(await run(states, { input: { e: 'My.Error', c: 7 } })).toEqual({
      status: 'FAILED',
      error: 'My.Error',
      cause: 'code 7',
    })
  })
})

describe('Map and Parallel', () => {
  const shards = (fields: Record<string, Json> = {}) => ({
    m: {
      Type: 'Map',
      ItemsPath: '$.items',
      ItemSelector: { 'item.$': '$$.Map.Item.Value', 'index.$': '$$.Map.Item.Index', 'all.$': '$.items' },
      ItemProcessor: { StartAt: 'w', States: { w: { Type: 'Task', Resource: 'work', End: true } } },
      ...fields,
      End: true,
    },
  })

  test('give the outputs in order, whatever ends first', async () => {
    const releases: (() => void)[] = []
    const task: TaskHandler = async ({ parameters }) => {
      await new Promise<void>((resolve) => {
        releases.push(resolve)
        if (releases.length === 3) for (const release of releases.toReversed()) release()
      })
      return parameters
    }
    const result = await run(shards(), { input: { items: ['a', 'b', 'c'] }, task })
    const all = ['a', 'b', 'c']
    expect(result).toEqual({ status: 'SUCCEEDED', output: all.map((item, index) => ({ item, index, all })) })
  })

  test.each([
    [{ MaxConcurrency: 2 }, undefined, 2],
    [{}, 3, 3],
    [{ MaxConcurrency: 0 }, undefined, 5],
  ])('run with %j and a limit of %j: %i at once', async (fields, maxConcurrency, expected) => {
    let now = 0
    let most = 0
    const task: TaskHandler = async () => {
      most = Math.max(most, ++now)
      await Promise.resolve()
      now--
      return null
    }
    await run(shards(fields), {
      input: { items: [1, 2, 3, 4, 5] },
      task,
      ...(maxConcurrency === undefined ? {} : { maxConcurrency }),
    })
    expect(most).toBe(expected)
  })

  test('take no items at all', async () => {
    expect(await outputOf(shards(), { items: [] })).toEqual([])
  })

  test('end the others when one fails, and wait for them', async () => {
    let ended = 0
    const task: TaskHandler = async (request) => {
      if ((request.parameters as { index: number }).index === 1) throw new StatesError('Mine', 'one')
      return untilAborted(request).finally(() => ended++)
    }
    const result = await run(shards(), { input: { items: [1, 2, 3] }, task })
    expect([result, ended]).toEqual([{ status: 'FAILED', error: 'Mine', cause: 'one' }, 2])
  })

  test('run every branch with the same input', async () => {
    const branch = (name: string) => ({
      StartAt: name,
      States: { [name]: { Type: 'Pass', Parameters: { [name]: 1, 'x.$': '$.x' }, End: true } },
    })
    const states = { p: { Type: 'Parallel', Branches: [branch('b1'), branch('b2')], ResultPath: '$.r', End: true } }
    expect(await outputOf(states, { x: 9 })).toEqual({
      x: 9,
      r: [
        { b1: 1, x: 9 },
        { b2: 1, x: 9 },
      ],
    })
  })
})

describe('time-outs and abort', () => {
  const work = (fields: Record<string, Json> = {}) => ({ a: { Type: 'Task', Resource: 'work', ...fields, End: true } })

  test('end a task that takes too long, and wait for its end', async () => {
    const ended: string[] = []
    const task: TaskHandler = (request) => untilAborted(request).finally(() => ended.push('ended'))
    expect(await run(work({ TimeoutSeconds: 1 }), { task })).toEqual({
      status: 'FAILED',
      error: 'States.Timeout',
      cause: 'state a took longer than 1 s',
    })
    expect(ended).toEqual(['ended'])
  })

  test('end a run that takes too long, without another try', async () => {
    let calls = 0
    const task: TaskHandler = (request) => {
      calls++
      return untilAborted(request)
    }
    const Retry = [{ ErrorEquals: ['States.ALL'] }]
    expect(await run(work({ Retry }), { task, timeoutSeconds: 1 })).toMatchObject({ status: 'TIMED_OUT' })
    expect(calls).toBe(1)
  })

  test('end a run from outside, in a task and in a wait', async () => {
    for (const states of [work(), { a: { Type: 'Wait', Seconds: 100, End: true } }]) {
      const controller = new AbortController()
      setImmediate(() => controller.abort())
      const { signal } = controller
      const document = { StartAt: 'a', States: states }
      const handlers = { work: untilAborted }
      const result = await executeStateMachine({ document, input: {}, now: () => NOW, handlers, signal })
      expect(result).toEqual({ status: 'ABORTED' })
    }
  })

  test('keep a very long time-out from firing at once', async () => {
    expect(await run(work({ TimeoutSeconds: 31_536_000 }))).toMatchObject({ status: 'SUCCEEDED' })
  })
})

describe('what is not executed here', () => {
  test.each<[string, AslStates, string]>([
    ['a state type', { a: { Type: 'Sleep', End: true } }, 'States.a.Type: expected one of Pass, Task'],
    [
      'a heartbeat',
      { a: { Type: 'Task', Resource: 'work', HeartbeatSeconds: 5, End: true } },
      'States.a.HeartbeatSeconds is not executed here',
    ],
    ['variables', { a: { Type: 'Pass', Assign: { x: 1 }, End: true } }, 'States.a.Assign is not executed here'],
    ['JSONata', { a: { Type: 'Pass', QueryLanguage: 'JSONata', End: true } }, 'States.a.QueryLanguage'],
    [
      'a wildcard path',
      { a: { Type: 'Pass', InputPath: '$.x[*]', End: true } },
      'States.a.InputPath: the path $.x[*] is not a reference path',
    ],
    [
      'a function',
      { a: { Type: 'Pass', Parameters: { 'x.$': 'States.UUID()' }, End: true } },
      'States.a.Parameters: the expression States.UUID() is not executed here: "States.UUID"',
    ],
    ['a comparison', { a: { Type: 'Choice', Choices: [{ Variable: '$', Like: 1, Next: 'a' }] } }, 'States.a.Choices.0'],
    [
      'a timestamp to wait for',
      { a: { Type: 'Wait', Timestamp: '2030-01-01T00:00:00Z', End: true } },
      'States.a.Timestamp',
    ],
    [
      'a distributed map',
      {
        a: {
          Type: 'Map',
          End: true,
          ItemProcessor: { ProcessorConfig: { Mode: 'DISTRIBUTED' }, StartAt: 'b', States: { b: { Type: 'Succeed' } } },
        },
      },
      'ProcessorConfig.Mode',
    ],
    ['a way to nowhere', { a: { Type: 'Pass', Next: 'b' } }, 'States.a leads to "b", which is not there'],
    ['a state without an end', { a: { Type: 'Pass' } }, 'States.a has neither Next nor End'],
  ])('is refused by name before anything runs: %s', async (_, states, message) => {
    let calls = 0
    const attempt = run(
      { first: { Type: 'Task', Resource: 'work', Next: 'a' }, ...states },
      { task: async () => ++calls },
    )
    await expect(attempt).rejects.toMatchObject({
      code: 'ESTEIRA_UNSUPPORTED',
      message: expect.stringContaining(message),
    })
    expect(calls).toBe(0)
  })

  test('is a task without a handler, too', async () => {
    await expect(run({ a: { Type: 'Task', Resource: 'arn:other', End: true } })).rejects.toMatchObject({
      code: 'ESTEIRA_UNSUPPORTED',
      message: 'state a: nothing here executes arn:other',
    })
  })
})
