import type { Json, JsonObject } from '../document/asl-document.js'
import { holds } from './choice.js'
import type { StateScope } from './execution.js'
import { evaluate, parseExpression } from './intrinsic.js'
import { type Machine, nextOf, type State, type StateOf } from './parse-document.js'
import { type PathScope, parsePath, readAt, writeAt } from './path.js'
import { catcherFor, RetryCounter } from './retry.js'
import { runMap, runParallel } from './run-branches.js'
import { runTask } from './run-task-state.js'
import { StatesError } from './states-error.js'
import { fillTemplate } from './template.js'

type WorkState = StateOf<'Task' | 'Parallel' | 'Map'>

interface Step {
  readonly output: Json
  /** Undefined at the end. */
  readonly next: string | undefined
}

/**
 * Runs states from `StartAt` to an end; the output of the last.
 * @throws StatesError when a state fails and nothing catches it; the signal's reason when aborted.
 */
export async function runMachine(machine: Machine, input: Json, scope: StateScope): Promise<Json> {
  let name: string | undefined = machine.StartAt
  let data = input
  while (name !== undefined) {
    scope.signal.throwIfAborted()
    const state: State | undefined = machine.States[name]
    if (state === undefined) throw new StatesError('States.Runtime', `there is no state ${name}`)
    scope.execution.emit({ type: 'stateEntered', state: name, input: data })
    const step: Step = await runState(name, state, data, scope)
    scope.execution.emit({ type: 'stateExited', state: name, output: step.output, next: step.next })
    data = step.output
    name = step.next
  }
  return data
}

async function runState(name: string, state: State, raw: Json, scope: StateScope): Promise<Step> {
  const counter = new RetryCounter('Retry' in state ? state.Retry : undefined)
  const enteredAt = scope.execution.now().toISOString()
  for (;;) {
    const context: JsonObject = {
      ...scope.context,
      State: { Name: name, EnteredTime: enteredAt, RetryCount: counter.count },
    }
    try {
      return await runOnce(name, state, raw, { ...scope, context }, counter.count)
    } catch (error) {
      scope.signal.throwIfAborted()
      if (!(error instanceof StatesError)) throw error
      const caught = await recover({ name, state, raw, scope, counter, error, context })
      if (caught !== undefined) return caught
    }
  }
}

/** Waits for the next try (undefined), goes where the error is caught, or throws it again. */
async function recover(failed: {
  readonly name: string
  readonly state: State
  readonly raw: Json
  readonly scope: StateScope
  readonly counter: RetryCounter
  readonly error: StatesError
  readonly context: JsonObject
}): Promise<Step | undefined> {
  const { name, state, raw, error, context } = failed
  const { execution, signal } = failed.scope
  const waitSeconds = failed.counter.nextWaitSeconds(error, execution.random)
  if (waitSeconds !== undefined) {
    execution.emit({ type: 'retryScheduled', state: name, error: error.error, waitSeconds })
    await execution.sleep(waitSeconds * 1000, signal)
    return undefined
  }
  const catcher = 'Catch' in state ? catcherFor(state.Catch, error) : undefined
  if (catcher === undefined) throw error
  execution.emit({ type: 'errorCaught', state: name, error: error.error, next: catcher.Next })
  const output = placeResult(raw, { Error: error.error, Cause: error.causeText }, catcher.ResultPath, context)
  return { output, next: catcher.Next }
}

async function runOnce(name: string, state: State, raw: Json, scope: StateScope, retryCount: number): Promise<Step> {
  if (state.Type === 'Fail') return failState(state, { data: raw, context: scope.context })
  const { context } = scope
  const input = select(state.InputPath, { data: raw, context })
  const paths = { data: input, context }
  switch (state.Type) {
    case 'Pass': {
      const filled = state.Parameters === undefined ? input : fillTemplate(state.Parameters, paths)
      return finish(state, raw, state.Result ?? filled, context)
    }
    case 'Succeed':
      return { output: select(state.OutputPath, paths), next: undefined }
    case 'Choice': {
      const rule = state.Choices.find((test) => holds(test, paths))
      const next = rule === undefined ? state.Default : nextOf(rule)
      if (next === undefined) throw new StatesError('States.NoChoiceMatched', `no choice of ${name} holds`)
      return { output: select(state.OutputPath, paths), next }
    }
    case 'Wait': {
      const seconds = state.Seconds ?? readAt(parsePath(state.SecondsPath ?? ''), paths)
      if (typeof seconds !== 'number' || seconds < 0) throw new StatesError('States.Runtime', `${name}: not seconds`)
      scope.execution.emit({ type: 'waiting', state: name, input, waitSeconds: seconds })
      await scope.execution.sleep(seconds * 1000, scope.signal)
      return { output: select(state.OutputPath, paths), next: state.Next }
    }
    default: {
      const result = await work(name, state, input, scope, retryCount)
      const selected =
        state.ResultSelector === undefined ? result : fillTemplate(state.ResultSelector, { data: result, context })
      return finish(state, raw, selected, context)
    }
  }
}

async function work(name: string, state: WorkState, input: Json, scope: StateScope, retryCount: number): Promise<Json> {
  if (state.Type === 'Map') return runMap(name, state, input, scope)
  const { context } = scope
  const parameters = state.Parameters === undefined ? input : fillTemplate(state.Parameters, { data: input, context })
  if (state.Type === 'Parallel') return runParallel(state, parameters, scope)
  return runTask(name, state, { parameters, retryCount }, scope)
}

function failState(state: StateOf<'Fail'>, paths: PathScope): never {
  const text = (fixed: string | undefined, expression: string | undefined, otherwise: string) =>
    expression === undefined ? (fixed ?? otherwise) : String(evaluate(parseExpression(expression), paths))
  throw new StatesError(text(state.Error, state.ErrorPath, 'States.Fail'), text(state.Cause, state.CausePath, ''))
}

function finish(state: StateOf<'Pass'> | WorkState, raw: Json, result: Json, context: JsonObject): Step {
  const data = placeResult(raw, result, state.ResultPath, context)
  return { output: select(state.OutputPath, { data, context }), next: state.Next }
}

function select(path: string | null | undefined, scope: PathScope): Json {
  if (path === null) return {}
  return path === undefined || path === '$' ? scope.data : readAt(parsePath(path), scope)
}

function placeResult(raw: Json, result: Json, path: string | null | undefined, context: JsonObject): Json {
  if (path === null) return raw
  const target = parsePath(path ?? '$')
  if (target.root === 'context') throw new StatesError('States.Runtime', `${JSON.stringify(context['State'])}: ${path}`)
  return writeAt(target, raw, result)
}
