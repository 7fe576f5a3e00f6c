import type { Column } from '@esteira/core'
import {
  countAtMost,
  countBelow,
  distributionOf,
  histogramOf,
  ksPValue,
  ksStatistic,
  type NumericSummary,
  type NumericValues,
  numericValues,
  quantileOfSorted,
  rangeExceedancePValue,
  stepsOfSorted,
  wassersteinDistance,
} from '@esteira/statistics'
import type { Bins, CheckMeasurement, ColumnMeasurement, ColumnSide } from './drift-report.js'
import { emptySide, measureShare, measureShareChange } from './measure-shares.js'

const QUANTILES = [0.05, 0.25, 0.5, 0.75, 0.95] as const

export type MeasuredColumn = Pick<ColumnMeasurement, 'checks' | 'reference' | 'current' | 'bins' | 'newLevels'>

/** All comparisons of a numeric column with its profile. */
export function measureNumeric(reference: NumericSummary, column: Column): MeasuredColumn {
  const values = numericValues(column)
  const rows = column.values.length
  const usable = reference.rows - reference.nulls - reference.invalid
  return {
    checks: [
      reference.distinct === 1
        ? measureConstant(reference.min, usable, values.sorted)
        : measureDistribution(reference, usable, values.sorted),
      ...(reference.distinct === 1 ? [] : [measureOutOfRange(reference, usable, values.sorted)]),
      measureShareChange('null_share', { hits: reference.nulls, rows: reference.rows }, { hits: values.nulls, rows }),
      measureShareChange(
        'invalid_share',
        { hits: reference.invalid, rows: reference.rows },
        { hits: values.invalid, rows },
      ),
    ],
    reference: referenceSide(reference),
    current: currentSide(values, rows),
    bins: binsOf(reference, usable, values.sorted),
    newLevels: [],
  }
}

function measureDistribution(reference: NumericSummary, usable: number, sorted: Float64Array): CheckMeasurement {
  const profile = distributionOf(reference)
  const current = stepsOfSorted(sorted)
  const score = wassersteinDistance(profile, current) / reference.std
  const measurable = Number.isFinite(score)
  const unmeasurable = sorted.length === 0 ? emptySide(usable) : 'the spread of the values is too small or too large'
  return {
    kind: 'distribution',
    method: 'wasserstein',
    score: measurable ? score : null,
    test: 'kolmogorov_smirnov',
    pValue: measurable ? ksPValue(ksStatistic(profile, current), usable, sorted.length) : null,
    referenceRows: usable,
    currentRows: sorted.length,
    note: measurable ? null : unmeasurable,
  }
}

function measureConstant(value: number, usable: number, sorted: Float64Array): CheckMeasurement {
  const same = countAtMost(sorted, value) - countBelow(sorted, value)
  return measureShare('constant', { hits: 0, rows: usable }, { hits: sorted.length - same, rows: sorted.length })
}

function measureOutOfRange({ min, max }: NumericSummary, usable: number, sorted: Float64Array): CheckMeasurement {
  const outside = countBelow(sorted, min) + sorted.length - countAtMost(sorted, max)
  const measurable = sorted.length > 0
  return {
    kind: 'out_of_range',
    method: 'share',
    score: measurable ? outside / sorted.length : null,
    test: 'range_exceedance',
    pValue: measurable ? rangeExceedancePValue(outside, usable, sorted.length) : null,
    referenceRows: usable,
    currentRows: sorted.length,
    note: measurable ? null : emptySide(usable),
  }
}

function referenceSide(reference: NumericSummary): ColumnSide {
  const { values, cumulative } = distributionOf(reference)
  const quantiles = QUANTILES.map((share) => values[cumulative.findIndex((atMost) => atMost >= share)] ?? reference.max)
  const { rows, nulls, invalid, mean } = reference
  return { rows, nulls, invalid, numbers: { quantiles, mean } }
}

function currentSide({ sorted, nulls, invalid }: NumericValues, rows: number): ColumnSide {
  if (sorted.length === 0) return { rows, nulls, invalid, numbers: null }
  const quantiles = QUANTILES.map((share) => quantileOfSorted(sorted, share))
  let mean = 0
  for (const value of sorted) mean += value / sorted.length
  return { rows, nulls, invalid, numbers: { quantiles, mean } }
}

function binsOf({ histogram, min, max, distinct }: NumericSummary, usable: number, sorted: Float64Array): Bins | null {
  if (histogram !== null) {
    const current = histogramOf(sorted, histogram.edges)
    return {
      edges: histogram.edges,
      labels: null,
      reference: [histogram.below, ...histogram.counts, histogram.above],
      current: [current.below, ...current.counts, current.above],
    }
  }
  if (distinct > 1) return null
  const same = countAtMost(sorted, max) - countBelow(sorted, min)
  return {
    edges: null,
    labels: [String(min), 'other values'],
    reference: [usable, 0],
    current: [same, sorted.length - same],
  }
}
