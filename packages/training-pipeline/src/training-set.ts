import type { Frame } from '@esteira/core'
import type { Parts } from './split.js'

/** Rows to learn from and to be judged on, ready for any algorithm. */
export interface TrainingSet {
  /** Where the rows came from, for people: a table or a file. */
  readonly name: string
  /** Features only, by name; one row per label. */
  readonly features: Frame
  /** 1 for the positive class. */
  readonly labels: Uint8Array
  readonly labelName: string
  readonly parts: Parts
  /** Identity of the rows: the digest they are kept under. */
  readonly digest: string
  /** Lines for people: how the rows were split and what was left out. */
  readonly notes: readonly string[]
  /** Days since the last event, where the rows have it: the feature of the recency baseline. */
  readonly recency?: string
  /** Date of the test rows, and the day up to which labels were learnt from; absent without time. */
  readonly testDate?: string
  /** Where the rows came from, for MLflow's dataset input: plain JSON. */
  readonly origin: Readonly<Record<string, unknown>>
}
