import { setTimeout as delay } from 'node:timers/promises'
import type { AslDocument, Json } from '../document/asl-document.js'
import type { Execution, ExecutionEvent, TaskHandler } from './execution.js'
import { parseDocument } from './parse-document.js'
import { runMachine } from './run-machine.js'
import { StatesError } from './states-error.js'

export interface ExecuteOptions {
  readonly document: AslDocument
  readonly input: Json
  /** By the resource of the task, such as `arn:aws:states:::ecs:runTask.sync`. */
  readonly handlers: Readonly<Record<string, TaskHandler>>
  readonly now: () => Date
  /** Name of the execution. Default `local`. */
  readonly name?: string
  /** Ends the execution; running tasks are ended first. */
  readonly signal?: AbortSignal
  /** Waits, for Wait states and retries; rejects when aborted. Default: a timer. */
  readonly sleep?: (milliseconds: number, signal: AbortSignal) => Promise<void>
  /** 0 to 1, for the jitter of retries. Default: always 1, no jitter. */
  readonly random?: () => number
  readonly onEvent?: (event: ExecutionEvent) => void
  /** What a Map runs at once here at most, whatever its own limit. */
  readonly maxConcurrency?: number
}

export type ExecutionResult =
  | { readonly status: 'SUCCEEDED'; readonly output: Json }
  | { readonly status: 'FAILED' | 'TIMED_OUT'; readonly error: string; readonly cause: string }
  | { readonly status: 'ABORTED' }

const LONGEST_TIMER_MS = 2 ** 31 - 1

/**
 * Executes a state machine in this process as Step Functions would: Pass, Task, Choice, Wait, Parallel, Map (inline), Succeed
 * and Fail in JSONPath, with Retry, Catch, time-outs and the usual intrinsic functions. The semantics are those of
 * the Amazon States Language specification (states-language.net/spec.html).
 *
 * @returns when nothing that it started runs any more, also when it was aborted or timed out.
 * @throws EsteiraError ESTEIRA_UNSUPPORTED before anything runs when the document holds what is not executed here.
 */
export async function executeStateMachine(options: ExecuteOptions): Promise<ExecutionResult> {
  const document = parseDocument(options.document)
  const timeout = new AbortController()
  const seconds = document.TimeoutSeconds
  const timer =
    seconds === undefined
      ? undefined
      : setTimeout(
          () => timeout.abort(new DOMException('the run timed out', 'TimeoutError')),
          Math.min(seconds * 1000, LONGEST_TIMER_MS),
        )
  const signal = options.signal === undefined ? timeout.signal : AbortSignal.any([options.signal, timeout.signal])
  const execution: Execution = {
    handlers: options.handlers,
    sleep: options.sleep ?? ((milliseconds, stop) => delay(milliseconds, undefined, { signal: stop })),
    now: options.now,
    random: options.random ?? (() => 1),
    emit: options.onEvent ?? (() => {}),
    maxConcurrency: options.maxConcurrency ?? Number.POSITIVE_INFINITY,
  }
  const name = options.name ?? 'local'
  const context = {
    Execution: { Id: name, Name: name, Input: options.input, StartTime: options.now().toISOString() },
    StateMachine: { Id: name, Name: name },
  }
  try {
    return { status: 'SUCCEEDED', output: await runMachine(document, options.input, { execution, context, signal }) }
  } catch (error) {
    if (options.signal?.aborted) return { status: 'ABORTED' }
    if (timeout.signal.aborted) {
      return { status: 'TIMED_OUT', error: 'States.Timeout', cause: `the run was ended after ${seconds} s` }
    }
    if (!(error instanceof StatesError)) throw error
    return { status: 'FAILED', error: error.error, cause: error.causeText }
  } finally {
    clearTimeout(timer)
  }
}
