import { checkScoredLabels } from './scored-labels.js'

/** Rows by label and by call; a row is called positive when its probability is at or above the threshold. */
export interface ConfusionMatrix {
  readonly truePositives: number
  readonly falsePositives: number
  readonly falseNegatives: number
  readonly trueNegatives: number
}

/**
 * Counts of right and wrong calls at a threshold (default 0.5, inclusive).
 *
 * @throws EsteiraError ESTEIRA_USAGE for labels other than 0 and 1 or probabilities outside [0, 1]
 */
export function confusionMatrix(labels: Uint8Array, probability: Float64Array, threshold = 0.5): ConfusionMatrix {
  checkScoredLabels(labels, probability)
  let positives = 0
  let called = 0
  let truePositives = 0
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row] ?? 0
    const call = (probability[row] ?? 0) >= threshold ? 1 : 0
    positives += label
    called += call
    truePositives += label & call
  }
  return {
    truePositives,
    falsePositives: called - truePositives,
    falseNegatives: positives - truePositives,
    trueNegatives: labels.length - positives - called + truePositives,
  }
}
