import {
  empiricalDistribution,
  hellingerDistance,
  jensenShannonDistance,
  ksPValue,
  ksPValueExact,
  ksPValueVrbik,
  ksStatistic,
  populationStabilityIndex,
  totalVariation,
  wassersteinDistance,
} from '@esteira/statistics'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const sample = fc
  .array(fc.oneof(fc.integer({ min: -5, max: 5 }), fc.double({ min: -1e3, max: 1e3, noNaN: true })), {
    minLength: 1,
    maxLength: 40,
  })
  .map((values) => Float64Array.from(values))

const counts = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 50 })), { minLength: 1, maxLength: 12 })
  .map((pairs) => [pairs.map(([a]) => a), pairs.map(([, b]) => b)] as const)
  .filter((sides) => sides.every((side) => side.some((count) => count > 0)))

function steps(...values: readonly number[]) {
  return empiricalDistribution(Float64Array.from(values))
}

function shareAtMost(values: Float64Array, bound: number): number {
  return values.filter((value) => value <= bound).length / values.length
}

describe('distances of samples', () => {
  it('Wasserstein is the mean difference of sorted values for samples of equal size', () => {
    fc.assert(
      fc.property(sample, fc.infiniteStream(fc.integer({ min: -20, max: 20 })), (a, stream) => {
        const b = Float64Array.from(a, () => Number(stream.next().value))
        const [x, y] = [a.slice().sort(), b.slice().sort()]
        const mean = x.reduce((sum, value, i) => sum + Math.abs(value - (y[i] ?? 0)), 0) / x.length
        expect(wassersteinDistance(empiricalDistribution(a), empiricalDistribution(b))).toBeCloseTo(mean, 8)
      }),
    )
  })

  it('a shift by s is a Wasserstein distance of s', () => {
    fc.assert(
      fc.property(sample, fc.integer({ min: -100, max: 100 }), (a, s) => {
        const shifted = empiricalDistribution(a.map((value) => value + s))
        expect(wassersteinDistance(empiricalDistribution(a), shifted)).toBeCloseTo(Math.abs(s), 8)
      }),
    )
  })

  it('KS D is the greatest difference of the shares at or below any value', () => {
    fc.assert(
      fc.property(sample, sample, (a, b) => {
        const brute = Math.max(...[...a, ...b].map((x) => Math.abs(shareAtMost(a, x) - shareAtMost(b, x))))
        expect(ksStatistic(empiricalDistribution(a), empiricalDistribution(b))).toBeCloseTo(brute, 12)
      }),
    )
  })

  it('is 0 for a sample and itself, symmetric, and NaN for an empty side', () => {
    fc.assert(
      fc.property(sample, sample, (a, b) => {
        const [x, y] = [empiricalDistribution(a), empiricalDistribution(b)]
        expect(wassersteinDistance(x, x)).toBe(0)
        expect(ksStatistic(x, x)).toBe(0)
        expect(wassersteinDistance(x, y)).toBe(wassersteinDistance(y, x))
        expect(ksStatistic(x, y)).toBe(ksStatistic(y, x))
      }),
    )
    expect(wassersteinDistance(steps(), steps(1))).toBeNaN()
    expect(ksStatistic(steps(1), steps())).toBeNaN()
  })

  it('leaves NaN and infinities out', () => {
    expect(steps(2, Number.NaN, 1, Number.POSITIVE_INFINITY, 2)).toEqual(steps(1, 2, 2))
  })

  it('handles one value on each side', () => {
    expect(wassersteinDistance(steps(3), steps(7))).toBe(4)
    expect(ksStatistic(steps(3), steps(7))).toBe(1)
    expect(ksPValueExact(1, 1, 1)).toBe(1)
  })
})

/** Share of the orders of n + m values whose D reaches `d`, by writing down every order. */
function enumeratedPValue(d: number, n: number, m: number): number {
  let reached = 0
  let orders = 0
  const visit = (i: number, j: number, greatest: number): void => {
    const worst = Math.max(greatest, Math.abs(i / n - j / m))
    if (i === n && j === m) {
      orders++
      if (worst >= d - 1e-9) reached++
      return
    }
    if (i < n) visit(i + 1, j, worst)
    if (j < m) visit(i, j + 1, worst)
  }
  visit(0, 0, 0)
  return reached / orders
}

describe('p-value of the Kolmogorov-Smirnov test', () => {
  it('equals the enumeration of all orders', () => {
    for (const [n, m] of [
      [1, 1],
      [1, 6],
      [4, 4],
      [5, 3],
      [6, 7],
      [8, 5],
      [9, 6],
    ] as const) {
      for (let k = 1; k <= n * m; k++) {
        expect(ksPValueExact(k / (n * m), n, m)).toBeCloseTo(enumeratedPValue(k / (n * m), n, m), 12)
      }
    }
  })

  it('keeps its digits when it is tiny', () => {
    // Only the two orders that separate the samples reach D = 1: 2 / C(60, 30).
    expect(ksPValueExact(1, 30, 30) / (2 / 1.1826458156486142e17)).toBeCloseTo(1, 9)
  })

  it('is near its approximation for large samples, and switches to it', () => {
    for (const d of [0.04, 0.06, 0.08]) {
      expect(ksPValueVrbik(d, 1500, 1800) / ksPValueExact(d, 1500, 1800)).toBeCloseTo(1, 1)
    }
    expect(ksPValue(0.03, 5000, 5000)).toBe(ksPValueVrbik(0.03, 5000, 5000))
    expect(ksPValue(0.1, 500, 500)).toBe(ksPValueExact(0.1, 500, 500))
  })

  it('is 1 at D = 0 and falls as D rises', () => {
    expect(ksPValue(0, 300, 200)).toBe(1)
    expect(ksPValue(0, 30000, 20000)).toBe(1)
    for (const n of [200, 20000]) {
      const pValues = Array.from({ length: 20 }, (_, i) => ksPValue(i / 200, n, n))
      expect(pValues).toEqual([...pValues].sort((a, b) => b - a))
    }
  })
})

describe('distances of bucket counts', () => {
  it('lie between 0 and 1, 0 for equal shares, and do not depend on sizes', () => {
    fc.assert(
      fc.property(counts, ([a, b]) => {
        for (const distance of [jensenShannonDistance, hellingerDistance, totalVariation]) {
          expect(distance(a, b)).toBeGreaterThanOrEqual(0)
          expect(distance(a, b)).toBeLessThanOrEqual(1 + 1e-12)
          expect(distance(a, b)).toBeCloseTo(distance(b, a), 12)
          expect(distance(a, a)).toBeCloseTo(0, 7)
          const tenfold = a.map((count) => count * 10)
          expect(distance(tenfold, b)).toBeCloseTo(distance(a, b), 7)
        }
        expect(populationStabilityIndex(a, b)).toBeGreaterThanOrEqual(0)
        expect(populationStabilityIndex(a, a)).toBe(0)
      }),
    )
  })

  it('are 1 for disjoint buckets, and PSI stays finite there', () => {
    expect(jensenShannonDistance([5, 0], [0, 9])).toBeCloseTo(1, 12)
    expect(hellingerDistance([5, 0], [0, 9])).toBe(1)
    expect(totalVariation([5, 0], [0, 9])).toBe(1)
    expect(populationStabilityIndex([5, 0], [0, 9])).toBeCloseTo(2 * 0.9999 * Math.log(1e4), 9)
  })

  it('are NaN when a side is empty', () => {
    for (const distance of [jensenShannonDistance, hellingerDistance, totalVariation, populationStabilityIndex]) {
      expect(distance([0, 0], [1, 2])).toBeNaN()
      expect(distance([1, 2], [0, 0])).toBeNaN()
    }
  })
})
