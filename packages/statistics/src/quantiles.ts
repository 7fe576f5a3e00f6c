/**
 * Quantile of values sorted upwards, linear between neighbours (numpy's default method, bit for bit).
 * NaN for no values.
 */
export function quantileOfSorted(sorted: Float64Array, share: number): number {
  const position = share * (sorted.length - 1)
  const below = Math.floor(position)
  const low = sorted[below] ?? Number.NaN
  const high = sorted[below + 1] ?? low
  const weight = position - below
  if (weight === 0 || low === high) return low
  return weight < 0.5 ? low + (high - low) * weight : high - (high - low) * (1 - weight)
}

/** Number of values `<= bound` among values sorted upwards. */
export function countAtMost(sorted: Float64Array, bound: number): number {
  let from = 0
  let to = sorted.length
  while (from < to) {
    const middle = (from + to) >>> 1
    if ((sorted[middle] ?? 0) <= bound) from = middle + 1
    else to = middle
  }
  return from
}

/** Number of values `< bound` among values sorted upwards. */
export function countBelow(sorted: Float64Array, bound: number): number {
  let from = 0
  let to = sorted.length
  while (from < to) {
    const middle = (from + to) >>> 1
    if ((sorted[middle] ?? 0) < bound) from = middle + 1
    else to = middle
  }
  return from
}
