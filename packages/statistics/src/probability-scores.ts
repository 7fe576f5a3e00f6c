import { checkScoredLabels } from './scored-labels.js'

const CLIP = 1e-15

/**
 * Mean negative log-likelihood of the labels in nats, probabilities clipped to [1e-15, 1 − 1e-15]. Null for no rows.
 *
 * @throws EsteiraError ESTEIRA_USAGE for labels other than 0 and 1 or probabilities outside [0, 1]
 */
export function logLoss(labels: Uint8Array, probability: Float64Array): number | null {
  checkScoredLabels(labels, probability)
  if (labels.length === 0) return null
  let sum = 0
  for (let row = 0; row < labels.length; row++) {
    const p = Math.min(Math.max(probability[row] ?? 0, CLIP), 1 - CLIP)
    sum -= labels[row] === 1 ? Math.log(p) : Math.log1p(-p)
  }
  return sum / labels.length
}

/**
 * Mean squared difference between probability and label (Brier 1950). Null for no rows.
 *
 * @throws EsteiraError ESTEIRA_USAGE for labels other than 0 and 1 or probabilities outside [0, 1]
 */
export function brierScore(labels: Uint8Array, probability: Float64Array): number | null {
  checkScoredLabels(labels, probability)
  if (labels.length === 0) return null
  let sum = 0
  for (let row = 0; row < labels.length; row++) sum += ((probability[row] ?? 0) - (labels[row] ?? 0)) ** 2
  return sum / labels.length
}
