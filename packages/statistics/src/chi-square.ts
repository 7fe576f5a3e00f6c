import type { BucketCounts } from './bucket-distances.js'
import { chiSquareTail } from './special-functions.js'

export interface ChiSquareTest {
  readonly statistic: number
  readonly degreesOfFreedom: number
  /** 1 at zero degrees of freedom: one bucket cannot differ. */
  readonly pValue: number
  /** Share of the 2·k expected counts below 5; above 0.2 the p-value is rough (Cochran). */
  readonly shareExpectedBelow5: number
}

/** Chi-square test of a 2×k contingency table, without Yates's correction; buckets empty on both sides are left out. */
export function chiSquareContingency(reference: BucketCounts, current: BucketCounts): ChiSquareTest {
  const n = reference.reduce((sum, count) => sum + count, 0)
  const m = current.reduce((sum, count) => sum + count, 0)
  let statistic = 0
  let buckets = 0
  let small = 0
  for (let i = 0; i < reference.length; i++) {
    const a = reference[i] ?? 0
    const b = current[i] ?? 0
    if (a + b === 0 || n === 0 || m === 0) continue
    const expectedA = ((a + b) * n) / (n + m)
    const expectedB = ((a + b) * m) / (n + m)
    statistic += (a - expectedA) ** 2 / expectedA + (b - expectedB) ** 2 / expectedB
    buckets++
    small += (expectedA < 5 ? 1 : 0) + (expectedB < 5 ? 1 : 0)
  }
  const degreesOfFreedom = Math.max(0, buckets - 1)
  return {
    statistic,
    degreesOfFreedom,
    pValue: chiSquareTail(statistic, degreesOfFreedom),
    shareExpectedBelow5: buckets === 0 ? 0 : small / (2 * buckets),
  }
}
