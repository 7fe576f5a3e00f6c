import { EsteiraError } from '@esteira/core'

/**
 * Probabilities of the positive class with the labels they belong to, split by label and sorted upwards.
 * All ranking metrics are one merge of the two halves, so equal probabilities are never ordered by chance.
 */
export interface RankedScores {
  readonly positives: Float64Array
  readonly negatives: Float64Array
}

/** @throws EsteiraError ESTEIRA_USAGE when lengths differ, a label is not 0 or 1, or a probability lies outside [0, 1] */
export function checkScoredLabels(labels: Uint8Array, probability: Float64Array): void {
  if (labels.length !== probability.length) {
    throw new EsteiraError(
      'ESTEIRA_USAGE',
      `labels and probabilities differ in length: ${labels.length} labels, ${probability.length} probabilities`,
    )
  }
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row] ?? 0
    if (label > 1) throw refusedRow('label', row, label, '0 or 1')
    const value = probability[row] ?? Number.NaN
    if (!(value >= 0 && value <= 1)) throw refusedRow('probability', row, value, 'a number from 0 to 1')
  }
}

export function rankScores(labels: Uint8Array, probability: Float64Array): RankedScores {
  checkScoredLabels(labels, probability)
  let positiveCount = 0
  for (const label of labels) positiveCount += label
  const positives = new Float64Array(positiveCount)
  const negatives = new Float64Array(labels.length - positiveCount)
  let p = 0
  let n = 0
  for (let row = 0; row < labels.length; row++) {
    if (labels[row] === 1) positives[p++] = probability[row] ?? 0
    else negatives[n++] = probability[row] ?? 0
  }
  return { positives: positives.sort(), negatives: negatives.sort() }
}

/**
 * Calls `visit` once per distinct probability, highest first, with the number of positives and negatives
 * that have exactly this probability.
 */
export function visitThresholds(
  { positives, negatives }: RankedScores,
  visit: (threshold: number, positiveCount: number, negativeCount: number) => void,
): void {
  let p = positives.length - 1
  let n = negatives.length - 1
  while (p >= 0 || n >= 0) {
    const threshold = Math.max(positives[p] ?? -1, negatives[n] ?? -1)
    const positivesBefore = p
    const negativesBefore = n
    while (p >= 0 && positives[p] === threshold) p--
    while (n >= 0 && negatives[n] === threshold) n--
    visit(threshold, positivesBefore - p, negativesBefore - n)
  }
}

function refusedRow(what: string, row: number, found: number, expected: string): EsteiraError {
  return new EsteiraError('ESTEIRA_USAGE', `${what} of row ${row} is ${found}, expected ${expected}`, {
    details: { row, found: String(found), expected },
  })
}
