import { logGamma } from './special-functions.js'

/**
 * Probability that at least `outside` of `m` new values fall outside the range of `n` earlier ones when all come from
 * one continuous distribution. The share covered by a range is Beta(n−1, 2), so the count is beta-binomial
 * (Wilks 1942). With ties the true probability is smaller.
 */
export function rangeExceedancePValue(outside: number, n: number, m: number): number {
  if (outside <= 0 || n < 2) return 1
  if (outside > m) return 0
  let term = Math.exp(logProbability(outside, n, m))
  let sum = 0
  // Ratio of neighbours of the beta-binomial: no logarithm per term, and the terms fall off fast.
  for (let k = outside; k <= m && term > sum * 1e-17; k++) {
    sum += term
    term *= ((m - k) / (k + 1)) * ((k + 2) / (m - k + n - 2))
  }
  return Math.min(1, sum)
}

function logProbability(k: number, n: number, m: number): number {
  const choose = logGamma(m + 1) - logGamma(k + 1) - logGamma(m - k + 1)
  return choose + logBeta(k + 2, m - k + n - 1) - logBeta(2, n - 1)
}

function logBeta(a: number, b: number): number {
  return logGamma(a) + logGamma(b) - logGamma(a + b)
}
