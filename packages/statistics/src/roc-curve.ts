import { type RankedScores, rankScores, visitThresholds } from './scored-labels.js'

/** One point per distinct probability, highest threshold first, after the point (0, 0) whose threshold is infinity. */
export interface RocCurve {
  readonly falsePositiveRate: Float64Array
  readonly truePositiveRate: Float64Array
  readonly thresholds: Float64Array
}

/**
 * The receiver operating characteristic. Rates of a class that does not occur are NaN.
 *
 * @throws EsteiraError ESTEIRA_USAGE for labels other than 0 and 1 or probabilities outside [0, 1]
 */
export function rocCurve(labels: Uint8Array, probability: Float64Array): RocCurve {
  const scores = rankScores(labels, probability)
  const falsePositiveRate = [0]
  const truePositiveRate = [0]
  const thresholds = [Number.POSITIVE_INFINITY]
  let truePositives = 0
  let falsePositives = 0
  visitThresholds(scores, (threshold, positives, negatives) => {
    truePositives += positives
    falsePositives += negatives
    truePositiveRate.push(truePositives / scores.positives.length)
    falsePositiveRate.push(falsePositives / scores.negatives.length)
    thresholds.push(threshold)
  })
  return {
    falsePositiveRate: Float64Array.from(falsePositiveRate),
    truePositiveRate: Float64Array.from(truePositiveRate),
    thresholds: Float64Array.from(thresholds),
  }
}

/**
 * Area under the ROC curve: the share of (positive, negative) pairs in which the positive has the higher
 * probability, ties counting half (mid-ranks; equal to scikit-learn's `roc_auc_score`). Null when a class is missing.
 *
 * @throws EsteiraError ESTEIRA_USAGE for labels other than 0 and 1 or probabilities outside [0, 1]
 * @example
 * rocAuc(Uint8Array.of(0, 0, 1, 1), Float64Array.of(0.1, 0.4, 0.35, 0.8)) // 0.75
 */
export function rocAuc(labels: Uint8Array, probability: Float64Array): number | null {
  return areaUnderRoc(rankScores(labels, probability))
}

export function areaUnderRoc(scores: RankedScores): number | null {
  const pairs = scores.positives.length * scores.negatives.length
  if (pairs === 0) return null
  let positivesAbove = 0
  // Twice the won pairs: whole numbers, so the sum is exact below 2^53.
  let doubledWins = 0
  visitThresholds(scores, (_, positives, negatives) => {
    doubledWins += negatives * (2 * positivesAbove + positives)
    positivesAbove += positives
  })
  return doubledWins / (2 * pairs)
}
