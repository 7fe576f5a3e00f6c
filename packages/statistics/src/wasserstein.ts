import { type StepDistribution, walkTogether } from './step-distribution.js'

/**
 * First Wasserstein distance: the area between two distribution functions, in units of the values. Exact for samples.
 * NaN when a side is empty.
 *
 * @example
 * wassersteinDistance(empiricalDistribution(a), empiricalDistribution(b)) / standardDeviationOfA
 */
export function wassersteinDistance(a: StepDistribution, b: StepDistribution): number {
  if (a.values.length === 0 || b.values.length === 0) return Number.NaN
  let area = 0
  walkTogether(a, b, (shareA, shareB, gap) => {
    area += Math.abs(shareA - shareB) * gap
  })
  return area
}
