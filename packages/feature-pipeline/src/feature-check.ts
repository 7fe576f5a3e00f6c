import type { RuleSeverity } from '@esteira/core'

/** A value that broke a rule, and the row it stands in; both cut to 40 characters. */
export interface FailedExample {
  /** Entity and feature date. */
  readonly key: string
  readonly value: string
}

/** One check of staged features, as it ended. */
export interface FeatureCheck {
  /** `unique_key`, `rows`, the name of a table rule, or the feature and the rule: `churn_score.max`. */
  readonly name: string
  /** Kind of the rule: `type`, `nulls`, `min`, `allowed`, `holds`, `rowCount`, … */
  readonly rule: string
  /** The feature it is about, when it is about one. */
  readonly column?: string
  /** What a failure does: `error` refuses the batch, `warning` is only told. */
  readonly severity: RuleSeverity
  readonly expected: string
  readonly found: string
  readonly passed: boolean
  /** Rows that broke the rule, where rows can. */
  readonly failedRows?: number
  /** The same as a share of the staged rows, 0 to 1. */
  readonly share?: number
  /** Up to 5 of them, by date and entity. */
  readonly examples?: readonly FailedExample[]
}

/** `1,234 rows`. */
export function rowsText(count: number): string {
  return `${count.toLocaleString('en-US')} rows`
}

/** `0.5 %`; shares that would read as 0.0 % keep their first digits. */
export function percent(share: number): string {
  const value = 100 * share
  return `${value !== 0 && Math.abs(value) < 0.05 ? value.toPrecision(1) : value.toFixed(1)} %`
}
