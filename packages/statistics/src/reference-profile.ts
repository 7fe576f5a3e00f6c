import type { ColumnType } from '@esteira/core'
import type { Histogram } from './histogram.js'

/** Version of the document; a reader refuses any other. */
export const REFERENCE_PROFILE_FORMAT = 'esteira-reference-profile/1'

/** Levels of a categorical column that keep a bucket of their own in comparisons; the rest share one. */
export const TOP_LEVELS = 50

/**
 * What monitoring compares with: statistics of the columns a model was trained on, without any row.
 * Frozen in the model version as `reference_profile.json`.
 */
export interface ReferenceProfile {
  readonly format: typeof REFERENCE_PROFILE_FORMAT
  readonly rows: number
  /** In the order of the frame. */
  readonly columns: readonly ColumnProfile[]
  /** The model's probability on the reference rows; null when none was given. */
  readonly probability: NumericSummary | null
  /** Rows the model calls positive at `threshold`; null when no probability was given. */
  readonly prediction: { readonly threshold: number; readonly rows: number; readonly positives: number } | null
  /** Rows whose label is 1; null when no labels were given. */
  readonly labels: { readonly rows: number; readonly positives: number } | null
}

export type ColumnProfile = NumericProfile | CategoricalProfile | ExcludedProfile

interface NamedColumn {
  readonly name: string
  readonly type: ColumnType
}

export interface NumericSummary {
  /** All rows: usable + nulls + invalid. */
  readonly rows: number
  readonly nulls: number
  /** NaN and infinities. */
  readonly invalid: number
  readonly distinct: number
  readonly min: number
  readonly max: number
  readonly mean: number
  /** Population standard deviation (divided by n); 0 exactly when there is one distinct value. */
  readonly std: number
  /** Deciles, linear between neighbours, equal ones once. */
  readonly cutPoints: readonly number[]
  /** Rows in `(−∞, c1], (c1, c2], …, (ck, ∞)`. */
  readonly bucketCounts: readonly number[]
  /**
   * The distribution function in at most 1,000 steps. `exact`: all distinct values with their row counts; otherwise
   * quantiles with counts in thousandths, off by at most 0.0005 everywhere.
   */
  readonly distribution: {
    readonly exact: boolean
    readonly values: readonly number[]
    readonly counts: readonly number[]
  }
  /** For pictures only; null when nearly all rows are one value. */
  readonly histogram: Histogram | null
}

export interface NumericProfile extends NamedColumn, NumericSummary {
  readonly kind: 'numeric'
}

export interface LevelCount {
  readonly level: string
  readonly count: number
}

export interface CategoricalProfile extends NamedColumn {
  readonly kind: 'categorical'
  readonly rows: number
  readonly nulls: number
  readonly distinct: number
  /** Most frequent first, equal counts by name; at most 1,000. */
  readonly levels: readonly LevelCount[]
  /** Rows in levels beyond those listed. */
  readonly otherCount: number
}

/** A column that is not compared, and why. */
export interface ExcludedProfile extends NamedColumn {
  readonly kind: 'excluded'
  readonly rows: number
  readonly nulls: number
  readonly reason: string
}

/**
 * The document as JSON text: the same profile gives the same bytes.
 *
 * @throws RangeError when a number is NaN or infinite, which JSON would silently turn into null
 */
export function serializeReferenceProfile(profile: ReferenceProfile): string {
  return `${JSON.stringify(profile, (key, value: unknown) => {
    if (typeof value === 'number' && !Number.isFinite(value)) {
      throw new RangeError(`reference profile: "${key}" is ${value}, expected a finite number`)
    }
    return value
  })}\n`
}
