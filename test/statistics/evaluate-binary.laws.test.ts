import { averagePrecision, brierScore, confusionMatrix, evaluateBinary, rocAuc, rocCurve } from '@esteira/statistics'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

/** Labels of both classes with coarse probabilities, so that ties are common. */
const scored = fc
  .array(fc.record({ label: fc.integer({ min: 0, max: 1 }), twelfths: fc.integer({ min: 0, max: 12 }) }), {
    minLength: 2,
    maxLength: 80,
  })
  .filter((rows) => rows.some(({ label }) => label === 0) && rows.some(({ label }) => label === 1))
  .map((rows) => ({
    labels: Uint8Array.from(rows, ({ label }) => label),
    probability: Float64Array.from(rows, ({ twelfths }) => twelfths / 12),
  }))

describe('laws of the metrics', () => {
  it('ROC AUC is the share of pairs in the right order, ties counting half', () => {
    fc.assert(
      fc.property(scored, ({ labels, probability }) => {
        let wins = 0
        let pairs = 0
        for (let i = 0; i < labels.length; i++) {
          for (let j = 0; j < labels.length; j++) {
            if (labels[i] !== 1 || labels[j] !== 0) continue
            pairs++
            wins += (Math.sign((probability[i] ?? 0) - (probability[j] ?? 0)) + 1) / 2
          }
        }
        expect(rocAuc(labels, probability)).toBeCloseTo(wins / pairs, 12)
      }),
    )
  })

  it('ROC AUC is the area under the ROC curve', () => {
    fc.assert(
      fc.property(scored, ({ labels, probability }) => {
        const { falsePositiveRate: x, truePositiveRate: y } = rocCurve(labels, probability)
        let area = 0
        for (let i = 1; i < x.length; i++) {
          area += (((x[i] ?? 0) - (x[i - 1] ?? 0)) * ((y[i] ?? 0) + (y[i - 1] ?? 0))) / 2
        }
        expect(rocAuc(labels, probability)).toBeCloseTo(area, 12)
      }),
    )
  })

  it('turning labels and probabilities around keeps ROC AUC, accuracy apart from ties, and Brier score', () => {
    fc.assert(
      fc.property(scored, ({ labels, probability }) => {
        const turnedLabels = labels.map((label) => 1 - label)
        const turned = probability.map((value) => 1 - value)
        expect(rocAuc(turnedLabels, turned)).toBeCloseTo(rocAuc(labels, probability) ?? Number.NaN, 12)
        expect(brierScore(turnedLabels, turned)).toBeCloseTo(brierScore(labels, probability) ?? Number.NaN, 12)
      }),
    )
  })

  it('a rising transform of the probability changes no ranking metric', () => {
    fc.assert(
      fc.property(scored, ({ labels, probability }) => {
        const squared = probability.map((value) => value * value)
        expect(rocAuc(labels, squared)).toBe(rocAuc(labels, probability))
        expect(averagePrecision(labels, squared)).toBe(averagePrecision(labels, probability))
      }),
    )
  })

  it('row order changes nothing that counts, and sums only in the last digits', () => {
    fc.assert(
      fc.property(scored, ({ labels, probability }) => {
        const forward = evaluateBinary(labels, probability)
        const backward = evaluateBinary(labels.slice().reverse(), probability.slice().reverse())
        expect(backward.confusion).toEqual(forward.confusion)
        expect(backward.roc_auc).toBe(forward.roc_auc)
        expect(backward.log_loss).toBeCloseTo(forward.log_loss ?? Number.NaN, 10)
      }),
    )
  })

  it('the confusion matrix counts each row once', () => {
    fc.assert(
      fc.property(scored, fc.double({ min: 0, max: 1, noNaN: true }), ({ labels, probability }, threshold) => {
        const matrix = confusionMatrix(labels, probability, threshold)
        expect(Object.values(matrix).reduce((sum, count) => sum + count, 0)).toBe(labels.length)
        expect(Object.values(matrix).every((count) => count >= 0)).toBe(true)
      }),
    )
  })

  it('perfect separation is 1 everywhere', () => {
    const evaluation = evaluateBinary(Uint8Array.of(0, 0, 1, 1), Float64Array.of(0, 0.1, 0.9, 1))
    expect(evaluation).toMatchObject({ accuracy: 1, f1: 1, roc_auc: 1, pr_auc: 1 })
  })
})
