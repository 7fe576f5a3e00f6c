import { type RankedScores, rankScores, visitThresholds } from './scored-labels.js'

/** One point per distinct probability, highest threshold first: the rows with a probability at or above it are called positive. */
export interface PrecisionRecallCurve {
  readonly precision: Float64Array
  readonly recall: Float64Array
  readonly thresholds: Float64Array
}

/**
 * Precision and recall at every threshold. Recall is NaN without positives.
 *
 * @throws EsteiraError ESTEIRA_USAGE for labels other than 0 and 1 or probabilities outside [0, 1]
 */
export function precisionRecallCurve(labels: Uint8Array, probability: Float64Array): PrecisionRecallCurve {
  const scores = rankScores(labels, probability)
  const precision: number[] = []
  const recall: number[] = []
  const thresholds: number[] = []
  let truePositives = 0
  let called = 0
  visitThresholds(scores, (threshold, positives, negatives) => {
    truePositives += positives
    called += positives + negatives
    precision.push(truePositives / called)
    recall.push(truePositives / scores.positives.length)
    thresholds.push(threshold)
  })
  return {
    precision: Float64Array.from(precision),
    recall: Float64Array.from(recall),
    thresholds: Float64Array.from(thresholds),
  }
}

/**
 * Average precision: the sum of (recall step × precision) over the thresholds, without interpolation, as
 * scikit-learn's `average_precision_score`; this is the `pr_auc` of the reports. Null without positives.
 *
 * @throws EsteiraError ESTEIRA_USAGE for labels other than 0 and 1 or probabilities outside [0, 1]
 */
export function averagePrecision(labels: Uint8Array, probability: Float64Array): number | null {
  return averagePrecisionOf(rankScores(labels, probability))
}

export function averagePrecisionOf(scores: RankedScores): number | null {
  const total = scores.positives.length
  if (total === 0) return null
  let truePositives = 0
  let called = 0
  let sum = 0
  visitThresholds(scores, (_, positives, negatives) => {
    truePositives += positives
    called += positives + negatives
    sum += (positives / total) * (truePositives / called)
  })
  return sum
}
