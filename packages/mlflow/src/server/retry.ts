import type { EsteiraError } from '@esteira/core'

export interface RetryPolicy {
  /** Tries after the first one. */
  readonly retries: number
  /** Waits; ends early with an error when the run is stopped. */
  readonly sleep: (milliseconds: number) => Promise<void>
  /** In [0, 1); spreads the waits of many clients. */
  readonly random: () => number
}

/** A failure that another try may mend. */
export class TemporaryFailure extends Error {
  readonly failure: EsteiraError
  /** What the server asked for in `Retry-After`. */
  readonly waitMs: number | undefined

  constructor(failure: EsteiraError, waitMs?: number) {
    super(failure.message)
    this.failure = failure
    this.waitMs = waitMs
  }
}

const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 60_000

/** Runs `attempt` until it returns, or fails for good, or the tries are used up. */
export async function withRetries<T>(policy: RetryPolicy, attempt: (tries: number) => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await attempt(tries)
    } catch (error) {
      if (!(error instanceof TemporaryFailure)) throw error
      if (tries >= policy.retries) throw error.failure
      const backOff = FIRST_WAIT_MS * 2 ** tries * (1 + policy.random())
      await policy.sleep(Math.min(error.waitMs ?? backOff, LONGEST_WAIT_MS))
    }
  }
}

/** `Retry-After`: seconds, or the time to wait for. */
export function readRetryAfter(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined
  if (/^\d+$/.test(header.trim())) return Number(header) * 1000
  const time = Date.parse(header)
  return Number.isNaN(time) ? undefined : Math.max(0, time - nowMs)
}
