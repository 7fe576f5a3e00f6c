/** `timedOut` after `timeout_seconds`; `aborted` when the run was ended, or another shard failed. */
export type StepStatus = 'succeeded' | 'failed' | 'timedOut' | 'aborted'

interface OfStep {
  readonly step: string
  /** The task's number in a step with shards. */
  readonly shard?: number
}

/** What happens in a run, as it happens. */
export type RunEvent =
  | (OfStep & { readonly type: 'stepStarted'; readonly attempt: number })
  | (OfStep & { readonly type: 'stepLog'; readonly stream: 'stdout' | 'stderr'; readonly line: string })
  | (OfStep & {
      readonly type: 'stepEnded'
      readonly status: StepStatus
      readonly exitCode: number | null
      readonly attempt: number
      readonly durationMs: number
    })
  /** A temporary failure: the step is tried again after the wait. */
  | (OfStep & { readonly type: 'retryScheduled'; readonly waitSeconds: number })
  | {
      readonly type: 'branchTaken'
      readonly step: string
      /** Undefined when the step decided nothing. */
      readonly decision: string | undefined
      /** Id of the step that follows, or `end`. */
      readonly to: string
    }

/** A step of a run that is over: the sum of its attempts, and of its shards when it has any. */
export interface StepRun {
  readonly id: string
  readonly status: StepStatus
  /** Of the last attempt; null when it could not be started. */
  readonly exitCode: number | null
  /** Of the shard that took most. */
  readonly attempts: number
  /** From the first start to the last end. */
  readonly durationMs: number
}
