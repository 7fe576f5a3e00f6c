/** Counts per bucket, the same buckets in the same order on both sides. */
export type BucketCounts = readonly number[]

/** Shares below this are raised to it before a logarithm is taken. */
const PSI_FLOOR = 1e-4

/** Square root of the Jensen-Shannon divergence, base 2: 0 for equal shares, 1 for disjoint ones. NaN when a side is empty. */
export function jensenShannonDistance(reference: BucketCounts, current: BucketCounts): number {
  const p = shares(reference)
  const q = shares(current)
  let divergence = 0
  for (let i = 0; i < p.length; i++) {
    const a = p[i] ?? 0
    const b = q[i] ?? 0
    const middle = (a + b) / 2
    divergence += relativeEntropy(a, middle) + relativeEntropy(b, middle)
  }
  return Math.sqrt(Math.min(1, Math.max(0, divergence / 2)))
}

/** Population stability index Σ(p−q)·ln(p/q), shares floored at 1e-4. NaN when a side is empty. */
export function populationStabilityIndex(reference: BucketCounts, current: BucketCounts): number {
  const p = shares(reference)
  const q = shares(current)
  let sum = 0
  for (let i = 0; i < p.length; i++) {
    const a = Math.max(p[i] ?? 0, PSI_FLOOR)
    const b = Math.max(q[i] ?? 0, PSI_FLOOR)
    sum += (a - b) * Math.log(a / b)
  }
  return Number.isNaN((p[0] ?? 0) + (q[0] ?? 0)) ? Number.NaN : sum
}

/** Hellinger distance √(1 − Σ√(pq)): 0 for equal shares, 1 for disjoint ones. NaN when a side is empty. */
export function hellingerDistance(reference: BucketCounts, current: BucketCounts): number {
  const p = shares(reference)
  const q = shares(current)
  let overlap = 0
  for (let i = 0; i < p.length; i++) overlap += Math.sqrt((p[i] ?? 0) * (q[i] ?? 0))
  return Math.sqrt(1 - Math.min(1, Math.max(0, overlap)))
}

/** Total variation ½Σ|p−q|: the share of rows that would have to change bucket. NaN when a side is empty. */
export function totalVariation(reference: BucketCounts, current: BucketCounts): number {
  const p = shares(reference)
  const q = shares(current)
  let sum = 0
  for (let i = 0; i < p.length; i++) sum += Math.abs((p[i] ?? 0) - (q[i] ?? 0))
  return sum / 2
}

function relativeEntropy(share: number, middle: number): number {
  return share === 0 ? 0 : share * Math.log2(share / middle)
}

function shares(counts: BucketCounts): number[] {
  const total = counts.reduce((sum, count) => sum + count, 0)
  return counts.map((count) => count / total)
}
