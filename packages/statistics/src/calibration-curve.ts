import { EsteiraError } from '@esteira/core'
import { quantileOfSorted } from './quantiles.js'
import { checkScoredLabels } from './scored-labels.js'

export const CALIBRATION_STRATEGIES = ['uniform', 'quantile'] as const

export interface CalibrationOptions {
  /** Default 10. */
  readonly bins?: number
  /** Bins of equal width (default) or of equal row count. */
  readonly strategy?: (typeof CALIBRATION_STRATEGIES)[number]
}

export interface CalibrationBin {
  readonly meanProbability: number
  readonly positiveRate: number
  readonly rows: number
}

export interface CalibrationCurve {
  /** Non-empty bins, lowest probability first. */
  readonly bins: readonly CalibrationBin[]
  /** Row-weighted mean of |positive rate − mean probability| (expected calibration error); null for no rows. */
  readonly expectedCalibrationError: number | null
}

/**
 * How often the positive class occurs among rows of like probability. Bins are `(low, high]`, the first one closed,
 * as in scikit-learn's `calibration_curve`.
 *
 * @throws EsteiraError ESTEIRA_USAGE for labels other than 0 and 1, probabilities outside [0, 1], or less than one bin
 */
export function calibrationCurve(
  labels: Uint8Array,
  probability: Float64Array,
  { bins = 10, strategy = 'uniform' }: CalibrationOptions = {},
): CalibrationCurve {
  checkScoredLabels(labels, probability)
  if (!Number.isInteger(bins) || bins < 1) {
    throw new EsteiraError(
      'ESTEIRA_USAGE',
      `bins of a calibration curve is ${bins}, expected a whole number of at least 1`,
    )
  }
  const inner = innerEdges(probability, bins, strategy)
  const rows = new Float64Array(bins)
  const sums = new Float64Array(bins)
  const positives = new Float64Array(bins)
  for (let row = 0; row < labels.length; row++) {
    const p = probability[row] ?? 0
    let bin = 0
    while (bin < inner.length && (inner[bin] ?? 0) < p) bin++
    rows[bin] = (rows[bin] ?? 0) + 1
    sums[bin] = (sums[bin] ?? 0) + p
    positives[bin] = (positives[bin] ?? 0) + (labels[row] ?? 0)
  }
  const filled: CalibrationBin[] = []
  for (let bin = 0; bin < bins; bin++) {
    const count = rows[bin] ?? 0
    if (count === 0) continue
    filled.push({
      meanProbability: (sums[bin] ?? 0) / count,
      positiveRate: (positives[bin] ?? 0) / count,
      rows: count,
    })
  }
  return { bins: filled, expectedCalibrationError: calibrationError(filled, labels.length) }
}

function innerEdges(probability: Float64Array, bins: number, strategy: CalibrationOptions['strategy']): number[] {
  const shares = Array.from({ length: bins - 1 }, (_, i) => (i + 1) / bins)
  if (strategy === 'uniform' || probability.length === 0) return shares
  const sorted = probability.slice().sort()
  return shares.map((share) => quantileOfSorted(sorted, share))
}

function calibrationError(bins: readonly CalibrationBin[], rows: number): number | null {
  if (rows === 0) return null
  return bins.reduce((sum, bin) => sum + Math.abs(bin.positiveRate - bin.meanProbability) * bin.rows, 0) / rows
}
