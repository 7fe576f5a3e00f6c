import type { Column } from '@esteira/core'
import {
  type CategoricalProfile,
  chiSquareContingency,
  countLevels,
  countNulls,
  jensenShannonDistance,
  type LevelCount,
  TOP_LEVELS,
} from '@esteira/statistics'
import type { Bins, CheckMeasurement } from './drift-report.js'
import type { MeasuredColumn } from './measure-numeric.js'
import { emptySide, measureShare, measureShareChange } from './measure-shares.js'

/** Levels a picture shows by name. */
const SHOWN_LEVELS = 8
const NEW_LEVEL_EXAMPLES = 5

type CategoricalSummary = Omit<CategoricalProfile, 'name' | 'type' | 'kind'>

/** All comparisons of a categorical column with its profile. */
export function measureCategorical(reference: CategoricalSummary, column: Column): MeasuredColumn {
  const { counts } = countLevels(column)
  const rows = column.values.length
  const nulls = countNulls(column)
  const unseen = unseenLevels(reference, counts)
  const only = reference.distinct === 1 ? reference.levels[0] : undefined
  return {
    checks: [
      only === undefined
        ? measureLevels(reference, counts)
        : measureShare(
            'constant',
            { hits: 0, rows: reference.rows - reference.nulls },
            { hits: rows - nulls - (counts.get(only.level) ?? 0), rows: rows - nulls },
          ),
      ...(only === undefined ? [measureNewLevels(reference, unseen, rows - nulls)] : []),
      measureShareChange('null_share', { hits: reference.nulls, rows: reference.rows }, { hits: nulls, rows }),
    ],
    reference: { rows: reference.rows, nulls: reference.nulls, invalid: 0, numbers: null },
    current: { rows, nulls, invalid: 0, numbers: null },
    bins: binsOf(reference, counts, unseen),
    newLevels: unseen.slice(0, NEW_LEVEL_EXAMPLES).map(({ level }) => level),
  }
}

/** Distance over the reference's most frequent levels; all other levels, known and new, share one bucket. */
function measureLevels(reference: CategoricalSummary, counts: ReadonlyMap<string, number>): CheckMeasurement {
  const top = reference.levels.slice(0, TOP_LEVELS)
  const before = withRest(
    top.map(({ count }) => count),
    reference.rows - reference.nulls,
  )
  const now = withRest(
    top.map(({ level }) => counts.get(level) ?? 0),
    total(counts),
  )
  const score = jensenShannonDistance(before, now)
  const measurable = Number.isFinite(score)
  const test = chiSquareContingency(before, now)
  return {
    kind: 'distribution',
    method: 'jensen_shannon',
    score: measurable ? score : null,
    test: 'chi_square',
    pValue: measurable ? test.pValue : null,
    referenceRows: reference.rows - reference.nulls,
    currentRows: total(counts),
    note: measurable ? roughTest(test.shareExpectedBelow5) : emptySide(reference.rows - reference.nulls),
  }
}

function roughTest(shareBelow5: number): string | null {
  return shareBelow5 > 0.2 ? 'more than 20 % of the expected counts are below 5: the p-value is rough' : null
}

/**
 * Rare levels of the same distribution may well be missing in the reference. The share of rows they make is estimated
 * by the share of levels seen exactly once (Good 1953); only more than that is a sign of change.
 */
function measureNewLevels(
  reference: CategoricalSummary,
  unseen: readonly LevelCount[],
  currentRows: number,
): CheckMeasurement {
  const referenceRows = reference.rows - reference.nulls
  const seenOnce = reference.levels.filter(({ count }) => count === 1).length
  const hits = unseen.reduce((sum, { count }) => sum + count, 0)
  const check = measureShare('new_levels', { hits: seenOnce, rows: referenceRows }, { hits, rows: currentRows })
  if (reference.otherCount > 0) {
    return { ...check, score: null, pValue: null, note: 'the reference has more levels than its profile lists' }
  }
  return hits / currentRows <= seenOnce / referenceRows ? { ...check, pValue: 1 } : check
}

function unseenLevels(reference: CategoricalSummary, counts: ReadonlyMap<string, number>): LevelCount[] {
  if (reference.otherCount > 0) return []
  const known = new Set(reference.levels.map(({ level }) => level))
  return [...counts]
    .filter(([level]) => !known.has(level))
    .map(([level, count]) => ({ level, count }))
    .sort((a, b) => b.count - a.count || (a.level < b.level ? -1 : 1))
}

function binsOf(
  reference: CategoricalSummary,
  counts: ReadonlyMap<string, number>,
  unseen: readonly LevelCount[],
): Bins {
  const shown = reference.levels.slice(0, SHOWN_LEVELS)
  const before = shown.map(({ count }) => count)
  const now = shown.map(({ level }) => counts.get(level) ?? 0)
  const newRows = unseen.reduce((sum, { count }) => sum + count, 0)
  const bars = shown.map(({ level }, i) => ({ label: level, before: before[i] ?? 0, now: now[i] ?? 0 }))
  const hidden = reference.distinct - shown.length
  if (hidden > 0) {
    bars.push({
      label: hidden === 1 ? '1 other level' : `${hidden} other levels`,
      before: rest(before, reference.rows - reference.nulls),
      now: rest(now, total(counts) - newRows),
    })
  }
  if (newRows > 0) bars.push({ label: 'new levels', before: 0, now: newRows })
  return {
    edges: null,
    labels: bars.map(({ label }) => label),
    reference: bars.map((bar) => bar.before),
    current: bars.map((bar) => bar.now),
  }
}

function withRest(counts: readonly number[], rows: number): number[] {
  return [...counts, rest(counts, rows)]
}

function rest(counts: readonly number[], rows: number): number {
  return rows - counts.reduce((sum, count) => sum + count, 0)
}

function total(counts: ReadonlyMap<string, number>): number {
  let sum = 0
  for (const count of counts.values()) sum += count
  return sum
}
