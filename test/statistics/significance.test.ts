import {
  adjustPValues,
  chiSquareContingency,
  rangeExceedancePValue,
  twoProportionTest,
  wilsonInterval,
} from '@esteira/statistics'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chiSquareTail, logGamma, normalTwoSided, upperGamma } from '../../packages/statistics/src/special-functions.js'

function expectRelative(found: number, expected: number, tolerance = 1e-10): void {
  expect(Math.abs(found / expected - 1)).toBeLessThan(tolerance)
}

describe('special functions', () => {
  // scipy.special.gammaincc(a, x), scipy 1.17.1
  it.each([
    [0.5, 0.02, 0.841480581121794],
    [0.5, 8, 6.334248366623988e-5],
    [3, 2.5, 0.5438131158833297],
    [24.5, 60, 6.876961427062773e-8],
    [500, 450, 0.9892827619087102],
    [2, 300, 1.5496082669460377e-128],
  ])('the upper gamma function of %f at %f has the value of scipy', (a, x, expected) => {
    expectRelative(upperGamma(a, x), expected)
  })

  it('handles the ends', () => {
    expect(upperGamma(3, 0)).toBe(1)
    expect(upperGamma(3, Number.POSITIVE_INFINITY)).toBe(0)
    expect(chiSquareTail(0, 0)).toBe(1)
    expectRelative(normalTwoSided(2.5), 0.012419330651552265)
  })

  it('the gamma function continues the factorial', () => {
    let factorial = 1
    for (let n = 1; n <= 20; n++) {
      factorial *= n
      expect(logGamma(n + 1)).toBeCloseTo(Math.log(factorial), 11)
    }
    expect(logGamma(0.25)).toBeCloseTo(1.2880225246980774, 12)
  })
})

describe('chiSquareContingency', () => {
  it('has one p-value with the two-proportion test for two levels', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 4, maxLength: 4 }),
        ([a = 1, b = 1, c = 1, d = 1]) => {
          const { pValue, degreesOfFreedom } = chiSquareContingency([a, b], [c, d])
          expect(degreesOfFreedom).toBe(1)
          expect(pValue).toBeCloseTo(twoProportionTest(a, a + b, c, c + d).pValue, 10)
        },
      ),
    )
  })

  it('leaves out levels that neither side has, and is 1 for one level', () => {
    expect(chiSquareContingency([10, 0, 20], [15, 0, 9])).toEqual(chiSquareContingency([10, 20], [15, 9]))
    expect(chiSquareContingency([10], [7])).toEqual({
      statistic: 0,
      degreesOfFreedom: 0,
      pValue: 1,
      shareExpectedBelow5: 0,
    })
    expect(chiSquareContingency([], [])).toMatchObject({ pValue: 1 })
  })
})

describe('twoProportionTest', () => {
  it('is undefined for equal certainties and empty sides', () => {
    expect(twoProportionTest(0, 10, 0, 20)).toEqual({ z: null, pValue: 1 })
    expect(twoProportionTest(10, 10, 20, 20)).toEqual({ z: null, pValue: 1 })
    expect(twoProportionTest(0, 0, 3, 20)).toEqual({ z: null, pValue: 1 })
  })
})

describe('wilsonInterval', () => {
  it('has the values of scipy', () => {
    // scipy.stats.binomtest(7, 50).proportion_ci(method='wilson'), and (0, 20)
    const seven = wilsonInterval(7, 50)
    expect(seven?.low).toBeCloseTo(0.06950833427016292, 12)
    expect(seven?.high).toBeCloseTo(0.26186193710585537, 12)
    expect(wilsonInterval(0, 20)?.low).toBe(0)
    expect(wilsonInterval(0, 20)?.high).toBeCloseTo(0.16112515805281935, 12)
    expect(wilsonInterval(20, 20)?.high).toBe(1)
    expect(wilsonInterval(0, 0)).toBeNull()
  })
})

describe('adjustPValues', () => {
  it('has the values of scipy, in the order given', () => {
    // scipy.stats.false_discovery_control([0.01, 0.5, 0.02, 0.02, 0.9])
    const adjusted = adjustPValues([0.01, 0.5, 0.02, 0.02, 0.9])
    for (const [i, expected] of [1 / 30, 0.625, 1 / 30, 1 / 30, 0.9].entries()) {
      expect(adjusted[i]).toBeCloseTo(expected, 12)
    }
    expect(adjustPValues([])).toEqual([])
    expect(adjustPValues([0.2])).toEqual([0.2])
  })

  it('never lowers a p-value, keeps the order and stays at or below 1', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 50 }), (pValues) => {
        const adjusted = adjustPValues(pValues)
        pValues.forEach((p, i) => {
          expect(adjusted[i]).toBeGreaterThanOrEqual(p)
          expect(adjusted[i]).toBeLessThanOrEqual(1)
          pValues.forEach((q, j) => {
            if (p <= q) expect(adjusted[i] ?? 0).toBeLessThanOrEqual(adjusted[j] ?? 1)
          })
        })
      }),
    )
  })
})

describe('rangeExceedancePValue', () => {
  // By ranks, in whole numbers (Python):
  // Fraction(sum((i + 1) * comb(m - i + n - 2, n - 2) for i in range(k, m + 1)), comb(n + m, n))
  it.each([
    [1, 100, 100, 0.7512562814070438],
    [10, 1000, 1000, 0.005752383751870845],
    [20, 1000, 1000, 9.618286575873024e-6],
    [60, 5000, 5000, 2.2633973585316377e-17],
  ])('%i outside the range of %i among %i has the exact value', (outside, n, m, expected) => {
    expectRelative(rangeExceedancePValue(outside, n, m), expected, 1e-7)
  })

  it('is 1 when nothing is outside or the range is of one row', () => {
    expect(rangeExceedancePValue(0, 100, 100)).toBe(1)
    expect(rangeExceedancePValue(5, 1, 100)).toBe(1)
  })
})
