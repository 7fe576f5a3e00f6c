import { countAtMost, countBelow, quantileOfSorted } from './quantiles.js'

/** Bars for a picture: `edges.length − 1` bins of equal width, `[low, high)`, the last one closed. */
export interface Histogram {
  readonly edges: readonly number[]
  readonly counts: readonly number[]
  /** Values outside the edges: the picture shows the middle 99 %, so one outlier does not flatten it. */
  readonly below: number
  readonly above: number
}

const BINS = 20

/**
 * Edges of at most 20 bins between the 0.5 % and 99.5 % quantiles. Columns of whole numbers get bins of whole width,
 * so that no bin holds more integers than its neighbour. Undefined when these quantiles are one value.
 */
export function histogramEdges(sorted: Float64Array): readonly number[] | undefined {
  const low = quantileOfSorted(sorted, 0.005)
  const high = quantileOfSorted(sorted, 0.995)
  if (sorted.every(Number.isInteger)) return wholeEdges(Math.floor(low), Math.ceil(high))
  return equalEdges(low, high)
}

function wholeEdges(low: number, high: number): readonly number[] | undefined {
  const width = Math.ceil((high - low + 1) / BINS)
  const bins = Math.ceil((high - low + 1) / width)
  return low < high ? risingOnly(Array.from({ length: bins + 1 }, (_, i) => low - 0.5 + i * width)) : undefined
}

function equalEdges(low: number, high: number): readonly number[] | undefined {
  if (!(low < high)) return undefined
  return risingOnly(Array.from({ length: BINS + 1 }, (_, i) => (i === BINS ? high : low + (i * (high - low)) / BINS)))
}

/** Neighbouring doubles can make edges collide; such a column has no picture. */
function risingOnly(edges: readonly number[]): readonly number[] | undefined {
  return edges.every((edge, i) => i === 0 || edge > (edges[i - 1] ?? edge)) ? edges : undefined
}

/** Counts of values sorted upwards per bin. */
export function histogramOf(sorted: Float64Array, edges: readonly number[]): Histogram {
  const last = edges.length - 1
  const before = edges.map((edge, i) => (i === last ? countAtMost(sorted, edge) : countBelow(sorted, edge)))
  const counts = before.slice(1).map((count, i) => count - (before[i] ?? 0))
  return { edges, counts, below: before[0] ?? 0, above: sorted.length - (before[last] ?? 0) }
}
