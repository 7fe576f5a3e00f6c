import type { StateOf } from './parse-document.js'
import { matchesError, type StatesError } from './states-error.js'

type Retrier = NonNullable<StateOf<'Task'>['Retry']>[number]
type Catcher = NonNullable<StateOf<'Task'>['Catch']>[number]

/** Counts the retries of one visit of a state, for each of its retriers. */
export class RetryCounter {
  readonly #retriers: readonly Retrier[]
  readonly #counts = new Map<Retrier, number>()

  constructor(retriers: readonly Retrier[] | undefined) {
    this.#retriers = retriers ?? []
  }

  /** Retries so far. */
  get count(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0)
  }

  /**
   * Seconds to wait before the state is tried again, or undefined when it is not. `random` gives 0 to 1 and is drawn
   * for `JitterStrategy: FULL` only.
   */
  nextWaitSeconds(error: StatesError, random: () => number): number | undefined {
    const retrier = this.#retriers.find((one) => matchesError(one.ErrorEquals, error.error))
    if (retrier === undefined) return undefined
    const count = this.#counts.get(retrier) ?? 0
    if (count >= (retrier.MaxAttempts ?? 3)) return undefined
    this.#counts.set(retrier, count + 1)
    const seconds = (retrier.IntervalSeconds ?? 1) * (retrier.BackoffRate ?? 2) ** count
    const bounded = Math.min(seconds, retrier.MaxDelaySeconds ?? Number.POSITIVE_INFINITY)
    return retrier.JitterStrategy === 'FULL' ? bounded * random() : bounded
  }
}

/** The first catcher that takes the error. */
export function catcherFor(catchers: readonly Catcher[] | undefined, error: StatesError): Catcher | undefined {
  return catchers?.find((one) => matchesError(one.ErrorEquals, error.error))
}
