import type { Logger } from './logger.js'

/**
 * What a run knows of the world: time, randomness, ids, the logger and whether it was asked to stop.
 * Nothing below `packages/esteira` and `steps/` reads the clock, the environment or a random source by itself.
 */
export interface RunContext {
  /** Identity of the run, the same for all its steps, e.g. `churn-training-20260101`. */
  readonly runId: string
  /** The date of the run, UTC; its midnight when only a date was given. */
  readonly runDate: Date
  /** Seed of everything random in the run. */
  readonly seed: number
  readonly logger: Logger
  /** Aborted on SIGTERM and SIGINT. */
  readonly signal: AbortSignal
  /** The time now. */
  readonly now: () => Date
  /** A new unique id, a UUID. */
  readonly newId: () => string
}

/** Date of the run as `YYYY-MM-DD`: the `feature_date` of an inference. */
export function featureDateOf(context: Pick<RunContext, 'runDate'>): string {
  return context.runDate.toISOString().slice(0, 10)
}
