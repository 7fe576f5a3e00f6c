import type { Json } from '../document/asl-document.js'
import type { StateScope } from './execution.js'
import type { StateOf } from './parse-document.js'
import { isList, parsePath, readAt } from './path.js'
import { runMachine } from './run-machine.js'
import { StatesError } from './states-error.js'
import { fillTemplate } from './template.js'

/** Every branch with the same input; the outputs in order. */
export function runParallel(state: StateOf<'Parallel'>, input: Json, scope: StateScope): Promise<Json> {
  const jobs = state.Branches.map((branch) => (inner: StateScope) => runMachine(branch, input, inner))
  return runTogether(jobs, jobs.length, scope)
}

/** The item processor for every item; the outputs in order. */
export async function runMap(name: string, state: StateOf<'Map'>, input: Json, scope: StateScope): Promise<Json> {
  const items = readAt(parsePath(state.ItemsPath ?? '$'), { data: input, context: scope.context })
  if (!isList(items)) throw new StatesError('States.Runtime', `${name}: the items are no list`)
  const jobs = items.map((item, index) => (inner: StateScope) => {
    const context = { ...inner.context, Map: { Item: { Index: index, Value: item } } }
    const selected =
      state.ItemSelector === undefined ? item : fillTemplate(state.ItemSelector, { data: input, context })
    return runMachine(state.ItemProcessor, selected, { ...inner, context })
  })
  const limit = Math.min(state.MaxConcurrency || jobs.length, scope.execution.maxConcurrency)
  return runTogether(jobs, limit, scope)
}

/** Runs jobs, `limit` at once. The first failure ends the others, and is thrown when all of them have ended. */
async function runTogether(
  jobs: readonly ((scope: StateScope) => Promise<Json>)[],
  limit: number,
  scope: StateScope,
): Promise<readonly Json[]> {
  const stop = new AbortController()
  const inner = { ...scope, signal: AbortSignal.any([scope.signal, stop.signal]) }
  const outputs: Json[] = new Array(jobs.length).fill(null)
  const waiting = [...jobs.entries()]
  let failure: { readonly error: unknown } | undefined
  const worker = async () => {
    for (let job = waiting.shift(); job !== undefined && failure === undefined; job = waiting.shift()) {
      try {
        outputs[job[0]] = await job[1](inner)
      } catch (error) {
        failure ??= { error }
        stop.abort()
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, jobs.length) }, worker))
  scope.signal.throwIfAborted()
  if (failure !== undefined) throw failure.error
  return outputs
}
