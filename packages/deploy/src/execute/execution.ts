import type { Json, JsonObject } from '../document/asl-document.js'

/** What a task handler is called with. */
export interface TaskRequest {
  readonly resource: string
  /** Name of the state. */
  readonly state: string
  /** `Parameters`, filled in; the input when there are none. */
  readonly parameters: Json
  /** Retries of this visit of the state by its `Retry`. */
  readonly retryCount: number
  /** Aborted at the state's time-out and at the end of the execution: end what was started, then reject. */
  readonly signal: AbortSignal
}

/** Does the work of one kind of task. It fails the task by a `StatesError`; any other error ends the execution by throwing. */
export type TaskHandler = (request: TaskRequest) => Promise<Json>

/** What happens in an execution, as it happens. */
export type ExecutionEvent =
  | { readonly type: 'stateEntered'; readonly state: string; readonly input: Json }
  | { readonly type: 'stateExited'; readonly state: string; readonly output: Json; readonly next: string | undefined }
  | { readonly type: 'errorCaught'; readonly state: string; readonly error: string; readonly next: string }
  | { readonly type: 'retryScheduled'; readonly state: string; readonly error: string; readonly waitSeconds: number }
  | { readonly type: 'waiting'; readonly state: string; readonly input: Json; readonly waitSeconds: number }

/** What the states of one execution share. */
export interface Execution {
  readonly handlers: Readonly<Record<string, TaskHandler>>
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>
  readonly now: () => Date
  readonly random: () => number
  readonly emit: (event: ExecutionEvent) => void
  readonly maxConcurrency: number
}

/** Where a state runs: the context object without the state's own part, and what ends it. */
export interface StateScope {
  readonly execution: Execution
  readonly context: JsonObject
  readonly signal: AbortSignal
}
