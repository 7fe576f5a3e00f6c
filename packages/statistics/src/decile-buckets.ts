import { countAtMost, quantileOfSorted } from './quantiles.js'

/** The nine decile cut points of values sorted upwards, equal ones once. */
export function decileCutPoints(sorted: Float64Array): number[] {
  const cuts: number[] = []
  for (let i = 1; i <= 9; i++) {
    const cut = quantileOfSorted(sorted, i / 10)
    if (sorted.length > 0 && cut !== cuts.at(-1)) cuts.push(cut)
  }
  return cuts
}

/** Counts of values sorted upwards in the buckets `(−∞, c1], (c1, c2], …, (ck, ∞)`. */
export function bucketCounts(sorted: Float64Array, cutPoints: readonly number[]): number[] {
  const atMost = [...cutPoints.map((cut) => countAtMost(sorted, cut)), sorted.length]
  return atMost.map((count, i) => count - (atMost[i - 1] ?? 0))
}
