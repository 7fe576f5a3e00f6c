import {
  averagePrecision,
  brierScore,
  calibrationCurve,
  confusionMatrix,
  evaluateBinary,
  logLoss,
  precisionRecallCurve,
  rocAuc,
  rocCurve,
} from '@esteira/statistics'
import { describe, expect, it } from 'vitest'

// Expected values by scikit-learn 1.9.1:
//   i = np.arange(60)
//   probability = ((i * 37) % 61) / 61 // (1 / 20) / 20        # multiples of 1/20: many ties
//   labels = (((i * 53) % 59) / 59 < 0.15 + 0.7 * probability).astype(int)
//   call = (probability >= 0.4).astype(int)
//   accuracy_score(labels, call), precision_score(labels, call), recall_score(labels, call), f1_score(labels, call)
//   roc_auc_score(labels, probability), average_precision_score(labels, probability)
//   log_loss(labels, np.clip(probability, 1e-15, 1 - 1e-15)), brier_score_loss(labels, probability)
//   confusion_matrix(labels, call); roc_curve(labels, probability, drop_intermediate=False)
//   precision_recall_curve(labels, probability)               # reversed, without the point (1, 0)
//   calibration_curve(labels, probability, n_bins=10); calibration_curve(…, n_bins=4, strategy='quantile')
const twentieths = [
  0, 12, 4, 16, 8, 0, 12, 4, 17, 9, 1, 13, 5, 17, 9, 1, 14, 6, 18, 10, 2, 14, 6, 19, 11, 3, 15, 7, 19, 11, 3, 16, 8, 0,
  12, 4, 16, 8, 0, 13, 5, 17, 9, 1, 13, 5, 18, 10, 2, 14, 6, 18, 10, 2, 15, 7, 19, 11, 3, 15,
]
const probability = Float64Array.from(twentieths, (value) => value / 20)
const labels = Uint8Array.from('100100111100010011110001001111000010111100001011110000101111', Number)

function expectAll(found: ArrayLike<number>, expected: readonly number[]): void {
  expect(found).toHaveLength(expected.length)
  expected.forEach((value, i) => {
    expect(found[i]).toBeCloseTo(value, 12)
  })
}

describe('evaluateBinary', () => {
  it('gives the values of scikit-learn', () => {
    const evaluation = evaluateBinary(labels, probability, { threshold: 0.4 })
    expect(evaluation.accuracy).toBeCloseTo(0.6833333333333333, 12)
    expect(evaluation.precision).toBeCloseTo(0.6666666666666666, 12)
    expect(evaluation.recall).toBeCloseTo(0.7741935483870968, 12)
    expect(evaluation.f1).toBeCloseTo(0.7164179104477612, 12)
    expect(evaluation.roc_auc).toBeCloseTo(0.7347052280311458, 12)
    expect(evaluation.pr_auc).toBeCloseTo(0.7425930361754131, 12)
    expect(evaluation.log_loss).toBeCloseTo(1.6977351705832717, 12)
    expect(evaluation.brier_score).toBeCloseTo(0.218375, 12)
    expect(evaluation.confusion).toEqual({
      trueNegatives: 17,
      falsePositives: 12,
      falseNegatives: 7,
      truePositives: 24,
    })
    expect(evaluation.support).toEqual({ positives: 31, negatives: 29, rows: 60 })
    expect(evaluation.positive_rate).toBeCloseTo(31 / 60, 12)
    expect(evaluation.reasons).toEqual({})
  })

  it('calls a row positive at exactly the threshold, 0.5 by default', () => {
    const { confusion, threshold } = evaluateBinary(Uint8Array.of(1, 0), Float64Array.of(0.5, 0.4999))
    expect(threshold).toBe(0.5)
    expect(confusion).toEqual({ truePositives: 1, falsePositives: 0, falseNegatives: 0, trueNegatives: 1 })
  })

  it('says why a metric is null when a class is missing', () => {
    const onlyNegatives = evaluateBinary(Uint8Array.of(0, 0), Float64Array.of(0.2, 0.9))
    expect(onlyNegatives).toMatchObject({ roc_auc: null, pr_auc: null, recall: 0, precision: 0, accuracy: 0.5 })
    expect(onlyNegatives.reasons).toEqual({ roc_auc: 'no row has label 1', pr_auc: 'no row has label 1' })
    const onlyPositives = evaluateBinary(Uint8Array.of(1), Float64Array.of(0.9))
    expect(onlyPositives).toMatchObject({ roc_auc: null, pr_auc: 1, f1: 1 })
    expect(onlyPositives.reasons).toEqual({ roc_auc: 'no row has label 0' })
  })

  it('gives nulls with reasons, never NaN, for no rows', () => {
    const empty = evaluateBinary(new Uint8Array(0), new Float64Array(0))
    expect(empty).toMatchObject({ accuracy: null, f1: null, log_loss: null, brier_score: null, positive_rate: null })
    expect(Object.keys(empty.reasons)).toHaveLength(8)
    expect(JSON.parse(JSON.stringify(empty))).toEqual(empty)
  })

  it('clips certain probabilities, so that one wrong certainty stays finite', () => {
    expect(logLoss(Uint8Array.of(1), Float64Array.of(0))).toBeCloseTo(-Math.log(1e-15), 9)
    expect(logLoss(Uint8Array.of(0), Float64Array.of(1))).toBeCloseTo(-Math.log1p(-(1 - 1e-15)), 9)
    expect(logLoss(Uint8Array.of(1), Float64Array.of(1))).toBeCloseTo(0, 12)
    expect(brierScore(Uint8Array.of(1), Float64Array.of(0))).toBe(1)
  })

  it.each([
    ['lengths that differ', Uint8Array.of(1), Float64Array.of(0.1, 0.2), /1 labels, 2 probabilities/],
    ['a label of 2', Uint8Array.of(2), Float64Array.of(0.1), /label of row 0 is 2, expected 0 or 1/],
    ['a NaN', Uint8Array.of(1), Float64Array.of(Number.NaN), /probability of row 0 is NaN/],
    ['an infinity', Uint8Array.of(1), Float64Array.of(Number.POSITIVE_INFINITY), /is Infinity, expected a number/],
    ['a probability above 1', Uint8Array.of(0, 1), Float64Array.of(0.5, 1.01), /probability of row 1 is 1.01/],
  ])('refuses %s', (_, wrongLabels, wrongProbability, message) => {
    expect(() => evaluateBinary(wrongLabels, wrongProbability)).toThrow(message)
    expect(() => evaluateBinary(wrongLabels, wrongProbability)).toThrow(
      expect.objectContaining({ code: 'ESTEIRA_USAGE' }),
    )
  })
})

describe('curves', () => {
  it('walks the ROC curve as scikit-learn does without dropping points', () => {
    const curve = rocCurve(labels, probability)
    const negatives = [0, 0, 1, 2, 3, 3, 4, 5, 6, 7, 8, 10, 12, 13, 15, 18, 20, 22, 24, 27, 29]
    const positives = [0, 3, 5, 7, 9, 12, 14, 16, 18, 20, 22, 23, 24, 25, 26, 26, 27, 28, 29, 29, 31]
    expectAll(
      curve.falsePositiveRate,
      negatives.map((count) => count / 29),
    )
    expectAll(
      curve.truePositiveRate,
      positives.map((count) => count / 31),
    )
    expect(curve.thresholds[0]).toBe(Number.POSITIVE_INFINITY)
    expectAll(
      curve.thresholds.slice(1),
      Array.from({ length: 20 }, (_, i) => (19 - i) / 20),
    )
  })

  it('walks the precision-recall curve as scikit-learn does', () => {
    const curve = precisionRecallCurve(labels, probability)
    expectAll(curve.precision.slice(0, 6), [1, 0.8333333333333334, 0.7777777777777778, 0.75, 0.8, 0.7777777777777778])
    expectAll(curve.precision.slice(-3), [0.5471698113207547, 0.5178571428571429, 0.5166666666666667])
    expectAll(curve.recall.slice(0, 3), [0.0967741935483871, 0.16129032258064516, 0.22580645161290322])
    expect(curve.recall.at(-1)).toBe(1)
  })

  it('bins the calibration curve as scikit-learn does', () => {
    const uniform = calibrationCurve(labels, probability)
    expectAll(
      uniform.bins.map(({ positiveRate }) => positiveRate),
      [0.3, 1 / 3, 1 / 6, 0.4, 0.5, 2 / 3, 2 / 3, 5 / 6, 2 / 3, 1],
    )
    expectAll(
      uniform.bins.map(({ meanProbability }) => meanProbability),
      [0.045, 0.175, 0.275, 0.38, 0.475, 0.575, 0.675, 0.775, 0.875, 0.95],
    )
    const quantile = calibrationCurve(labels, probability, { bins: 4, strategy: 'quantile' })
    expectAll(
      quantile.bins.map(({ positiveRate }) => positiveRate),
      [0.3125, 0.2857142857142857, 2 / 3, 0.8],
    )
    expectAll(
      quantile.bins.map(({ meanProbability }) => meanProbability),
      [0.09375, 0.35, 0.6, 0.85],
    )
  })

  it('measures calibration error as the row-weighted gap', () => {
    const { expectedCalibrationError } = calibrationCurve(
      Uint8Array.of(1, 0, 1, 1),
      Float64Array.of(0.05, 0.05, 0.95, 0.95),
    )
    expect(expectedCalibrationError).toBeCloseTo((0.45 * 2 + 0.05 * 2) / 4, 12)
    expect(calibrationCurve(new Uint8Array(0), new Float64Array(0)).expectedCalibrationError).toBeNull()
  })

  it('refuses a calibration curve without bins', () => {
    expect(() => calibrationCurve(labels, probability, { bins: 0 })).toThrow(/bins of a calibration curve is 0/)
  })

  it('has single functions that agree with the whole', () => {
    const whole = evaluateBinary(labels, probability)
    expect(rocAuc(labels, probability)).toBe(whole.roc_auc)
    expect(averagePrecision(labels, probability)).toBe(whole.pr_auc)
    expect(confusionMatrix(labels, probability)).toEqual(whole.confusion)
  })
})
