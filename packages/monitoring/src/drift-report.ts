import { z } from 'zod'

/** What of a column is compared; each kind has its own score, test and threshold. */
export const CHECK_KINDS = [
  'distribution',
  'constant',
  'null_share',
  'invalid_share',
  'new_levels',
  'out_of_range',
] as const
export type CheckKind = (typeof CHECK_KINDS)[number]

/** In the order of a report, most pressing first. */
export const COLUMN_STATUSES = ['drift', 'error', 'undefined', 'insufficient_data', 'ok', 'excluded'] as const
export type ColumnStatus = (typeof COLUMN_STATUSES)[number]

export const VERDICTS = ['none', 'warning', 'critical'] as const
export type Verdict = (typeof VERDICTS)[number]

const count = z.int().min(0)
const share = z.number().min(0).max(1)

const measured = {
  kind: z.enum(CHECK_KINDS),
  /** `wasserstein` in standard deviations of the reference, `jensen_shannon` base 2, `share` and `share_change` of rows. */
  method: z.enum(['wasserstein', 'jensen_shannon', 'share', 'share_change']),
  /** Null when it cannot be measured; `note` says why. */
  score: z.number().min(0).nullable(),
  test: z.enum(['kolmogorov_smirnov', 'chi_square', 'two_proportions', 'range_exceedance']),
  pValue: share.nullable(),
  /** Rows the check was measured on. */
  referenceRows: count,
  currentRows: count,
  note: z.string().nullable(),
}

const checkMeasurementSchema = z.object(measured).readonly()
export type CheckMeasurement = z.infer<typeof checkMeasurementSchema>

const checkSchema = z
  .object({
    ...measured,
    threshold: z.number().min(0),
    /** Benjamini-Hochberg over the columns of one kind that had enough rows. */
    adjustedPValue: share.nullable(),
    status: z.enum(['drift', 'ok', 'insufficient_data', 'undefined']),
    /** One sentence with the numbers. */
    reason: z.string(),
  })
  .readonly()
export type DriftCheck = z.infer<typeof checkSchema>

/** Five quantiles (5, 25, 50, 75, 95 %) and the mean; null for categorical columns and without usable values. */
const summarySchema = z.object({ quantiles: z.array(z.number()).length(5).readonly(), mean: z.number() }).readonly()

const sideSchema = z.object({ rows: count, nulls: count, invalid: count, numbers: summarySchema.nullable() }).readonly()
export type ColumnSide = z.infer<typeof sideSchema>

/**
 * Counts for a picture. Numeric: `reference[0]` and the last one lie outside the edges, `[low, high)` between.
 * Categorical: one count per label.
 */
const binsSchema = z
  .object({
    edges: z.array(z.number()).readonly().nullable(),
    labels: z.array(z.string()).readonly().nullable(),
    reference: z.array(count).readonly(),
    current: z.array(count).readonly(),
  })
  .readonly()
export type Bins = z.infer<typeof binsSchema>

const columnShape = {
  name: z.string(),
  kind: z.enum(['numeric', 'categorical', 'excluded']),
  reference: sideSchema,
  /** Null when the column is missing or cannot be read. */
  current: sideSchema.nullable(),
  bins: binsSchema.nullable(),
  /** Up to five levels the reference does not know, most frequent first. */
  newLevels: z.array(z.string()).readonly(),
}

const columnMeasurementSchema = z
  .object({
    ...columnShape,
    checks: z.array(checkMeasurementSchema).readonly(),
    /** Why the column was not measured. */
    obstacle: z
      .object({ status: z.enum(['excluded', 'error']), reason: z.string() })
      .readonly()
      .nullable(),
  })
  .readonly()
export type ColumnMeasurement = z.infer<typeof columnMeasurementSchema>

const columnSchema = z
  .object({
    ...columnShape,
    status: z.enum(COLUMN_STATUSES),
    reason: z.string(),
    important: z.boolean(),
    /** Worst first. */
    checks: z.array(checkSchema).readonly(),
  })
  .readonly()
export type ColumnDrift = z.infer<typeof columnSchema>

/** Drift of one batch against a reference profile. All numbers are finite; what cannot be a number is null with a reason. */
export const driftReportSchema = z
  .object({
    verdict: z.enum(VERDICTS),
    /** Why the verdict is what it is, most important first; never empty. */
    reasons: z.array(z.string()).min(1).readonly(),
    referenceRows: count,
    currentRows: count,
    /** Columns that could be judged, those of them that drifted, and the ratio (null when none could be judged). */
    judgedColumns: count,
    driftedColumns: count,
    driftedShare: share.nullable(),
    /** By status, then by score over threshold. */
    columns: z.array(columnSchema).readonly(),
    /** The model's output: `probability` and `prediction`, when both sides have them. */
    predictions: z.array(columnSchema).readonly(),
    /** Columns of the batch that the reference does not have. */
    unexpectedColumns: z.array(z.string()).readonly(),
    policy: z
      .object({
        minRows: count,
        pValue: share,
        numericThreshold: z.number(),
        categoricalThreshold: z.number(),
        nullShareThreshold: z.number(),
        newLevelThreshold: z.number(),
        outOfRangeThreshold: z.number(),
        constantThreshold: z.number(),
        share: z.number(),
        important: z.array(z.string()).readonly(),
        predictionDrift: z.enum(['warning', 'critical']),
      })
      .readonly(),
  })
  .readonly()
export type DriftReport = z.infer<typeof driftReportSchema>
