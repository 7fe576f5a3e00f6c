import { bucketCounts, decileCutPoints } from './decile-buckets.js'
import { histogramEdges, histogramOf } from './histogram.js'
import type { NumericValues } from './numeric-values.js'
import type { NumericSummary } from './reference-profile.js'
import { type StepDistribution, stepsOfSorted } from './step-distribution.js'

/** Most steps a profile keeps of a distribution function. */
const STEPS = 1000

/** What a profile keeps of a numeric column that has at least one usable value. */
export function summarizeNumbers({ sorted, nulls, invalid }: NumericValues): NumericSummary {
  const min = sorted[0] ?? 0
  const max = sorted[sorted.length - 1] ?? 0
  const cutPoints = decileCutPoints(sorted)
  const edges = histogramEdges(sorted)
  const steps = stepsOfSorted(sorted)
  return {
    rows: sorted.length + nulls + invalid,
    nulls,
    invalid,
    distinct: steps.values.length,
    min,
    max,
    ...moments(sorted, min, max),
    cutPoints,
    bucketCounts: bucketCounts(sorted, cutPoints),
    distribution: steps.values.length <= STEPS ? exactSteps(steps, sorted.length) : equalSteps(sorted),
    histogram: edges === undefined ? null : histogramOf(sorted, edges),
  }
}

/** Measured in units of the range, so that neither huge nor tiny units overflow or vanish when squared. */
function moments(sorted: Float64Array, min: number, max: number): { readonly mean: number; readonly std: number } {
  const range = max - min
  if (range === 0) return { mean: min, std: 0 }
  let sum = 0
  for (const value of sorted) sum += (value - min) / range
  const centre = sum / sorted.length
  let squares = 0
  for (const value of sorted) squares += ((value - min) / range - centre) ** 2
  return { mean: min + centre * range, std: Math.sqrt(squares / sorted.length) * range }
}

function exactSteps({ values, cumulative }: StepDistribution, rows: number): NumericSummary['distribution'] {
  const counts: number[] = []
  let before = 0
  for (const share of cumulative) {
    const atMost = Math.round(share * rows)
    counts.push(atMost - before)
    before = atMost
  }
  return { exact: true, values: [...values], counts }
}

/**
 * A thousand steps of one thousandth each, at the values of rank ⌈(i + ½)·n/1000⌉: the distribution function of the
 * steps differs from the true one by at most 0.0005, with or without ties.
 */
function equalSteps(sorted: Float64Array): NumericSummary['distribution'] {
  const values: number[] = []
  const counts: number[] = []
  for (let i = 0; i < STEPS; i++) {
    const value = sorted[Math.ceil(((i + 0.5) * sorted.length) / STEPS) - 1] ?? 0
    if (value === values.at(-1)) counts.push((counts.pop() ?? 0) + 1)
    else {
      values.push(value)
      counts.push(1)
    }
  }
  return { exact: false, values, counts }
}

/** The distribution function a profile keeps, for distances and tests. */
export function distributionOf({ distribution }: Pick<NumericSummary, 'distribution'>): StepDistribution {
  const total = distribution.counts.reduce((sum, count) => sum + count, 0)
  const cumulative = new Float64Array(distribution.counts.length)
  let atMost = 0
  distribution.counts.forEach((count, i) => {
    atMost += count
    cumulative[i] = atMost / total
  })
  return { values: Float64Array.from(distribution.values), cumulative }
}
