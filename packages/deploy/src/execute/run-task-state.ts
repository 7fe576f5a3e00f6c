import { EsteiraError } from '@esteira/core'
import type { Json } from '../document/asl-document.js'
import type { StateScope } from './execution.js'
import type { StateOf } from './parse-document.js'
import { StatesError } from './states-error.js'

/** The longest time a timer of Node takes; longer ones would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** Runs one task through its handler; after its time-out waits until the handler has ended what it started. */
export async function runTask(
  name: string,
  state: StateOf<'Task'>,
  { parameters, retryCount }: { readonly parameters: Json; readonly retryCount: number },
  { execution, signal }: StateScope,
): Promise<Json> {
  const handler = execution.handlers[state.Resource]
  if (handler === undefined) {
    throw new EsteiraError('ESTEIRA_UNSUPPORTED', `state ${name}: nothing here executes ${state.Resource}`)
  }
  signal.throwIfAborted()
  const timeout = new AbortController()
  const timer =
    state.TimeoutSeconds === undefined
      ? undefined
      : setTimeout(
          () => timeout.abort(new DOMException(`state ${name} timed out`, 'TimeoutError')),
          Math.min(state.TimeoutSeconds * 1000, LONGEST_TIMER_MS),
        )
  try {
    const request = { resource: state.Resource, state: name, parameters, retryCount }
    return await handler({ ...request, signal: AbortSignal.any([signal, timeout.signal]) })
  } catch (error) {
    signal.throwIfAborted()
    if (!timeout.signal.aborted) throw error
    throw new StatesError('States.Timeout', `state ${name} took longer than ${state.TimeoutSeconds} s`)
  } finally {
    clearTimeout(timer)
  }
}
