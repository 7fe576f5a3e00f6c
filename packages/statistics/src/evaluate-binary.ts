import { METRICS, type Metric } from '@esteira/core'
import { type ConfusionMatrix, confusionMatrix } from './confusion-matrix.js'
import { averagePrecisionOf } from './precision-recall-curve.js'
import { brierScore, logLoss } from './probability-scores.js'
import { areaUnderRoc } from './roc-curve.js'
import { rankScores } from './scored-labels.js'

export interface BinaryEvaluation extends Readonly<Record<Metric, number | null>> {
  readonly threshold: number
  readonly confusion: ConfusionMatrix
  /** Rows with label 1, rows with label 0, and all rows. */
  readonly support: { readonly positives: number; readonly negatives: number; readonly rows: number }
  /** Share of rows with label 1; null for no rows. */
  readonly positive_rate: number | null
  /** Why a metric is null, for each metric that is. */
  readonly reasons: Readonly<Partial<Record<Metric, string>>>
}

/**
 * All metrics of a binary classifier on one set of rows. A metric is a finite number, or null with a reason;
 * precision, recall and f1 are 0 when their denominator is 0, as in scikit-learn.
 *
 * @throws EsteiraError ESTEIRA_USAGE for labels other than 0 and 1 or probabilities outside [0, 1]
 * @example
 * const { roc_auc, confusion } = evaluateBinary(labels, probability, { threshold: 0.4 })
 */
export function evaluateBinary(
  labels: Uint8Array,
  probability: Float64Array,
  { threshold = 0.5 }: { readonly threshold?: number } = {},
): BinaryEvaluation {
  const confusion = confusionMatrix(labels, probability, threshold)
  const { truePositives, falsePositives, falseNegatives, trueNegatives } = confusion
  const rows = labels.length
  const positives = truePositives + falseNegatives
  const negatives = rows - positives
  const scores = rankScores(labels, probability)
  return {
    accuracy: rows === 0 ? null : (truePositives + trueNegatives) / rows,
    precision: rows === 0 ? null : ratio(truePositives, truePositives + falsePositives),
    recall: rows === 0 ? null : ratio(truePositives, positives),
    f1: rows === 0 ? null : ratio(2 * truePositives, 2 * truePositives + falsePositives + falseNegatives),
    roc_auc: areaUnderRoc(scores),
    pr_auc: averagePrecisionOf(scores),
    log_loss: logLoss(labels, probability),
    brier_score: brierScore(labels, probability),
    threshold,
    confusion,
    support: { positives, negatives, rows },
    positive_rate: rows === 0 ? null : positives / rows,
    reasons: nullReasons(positives, negatives),
  }
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole
}

function nullReasons(positives: number, negatives: number): Partial<Record<Metric, string>> {
  if (positives + negatives === 0) {
    return Object.fromEntries(METRICS.map((metric) => [metric, 'there are no rows']))
  }
  if (positives === 0) {
    const reason = 'no row has label 1'
    return { roc_auc: reason, pr_auc: reason }
  }
  return negatives === 0 ? { roc_auc: 'no row has label 0' } : {}
}
