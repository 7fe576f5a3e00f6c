/**
 * An error as a state machine knows it: a name that `Retry` and `Catch` match, and a cause in words or JSON text.
 * A task handler throws it to fail its task.
 */
export class StatesError extends Error {
  override readonly name = 'StatesError'
  /** Such as `States.TaskFailed`. */
  readonly error: string
  readonly causeText: string

  constructor(error: string, causeText: string) {
    super(`${error}: ${causeText}`)
    this.error = error
    this.causeText = causeText
  }
}

/** Whether an `ErrorEquals` list matches: `States.TaskFailed` is every error but a time-out, `States.Runtime` only itself. */
export function matchesError(patterns: readonly string[], error: string): boolean {
  if (patterns.includes(error)) return true
  if (error === 'States.Runtime' || error === 'States.DataLimitExceeded') return false
  return patterns.includes('States.ALL') || (patterns.includes('States.TaskFailed') && error !== 'States.Timeout')
}
