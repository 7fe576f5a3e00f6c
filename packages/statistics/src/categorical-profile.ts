import type { Column } from '@esteira/core'
import { countLevels } from './level-counts.js'
import { countNulls } from './numeric-values.js'
import type { CategoricalProfile, LevelCount } from './reference-profile.js'

/** Most levels a profile lists by name. */
export const LISTED_LEVELS = 1000

type CategoricalSummary = Omit<CategoricalProfile, 'name' | 'type' | 'kind'>

/** What a profile keeps of a categorical column. */
export function summarizeLevels(column: Column): CategoricalSummary {
  const levels = byFrequency(countLevels(column).counts)
  const listed = levels.slice(0, LISTED_LEVELS)
  const nulls = countNulls(column)
  const rows = column.values.length
  const listedRows = listed.reduce((sum, { count }) => sum + count, 0)
  return { rows, nulls, distinct: levels.length, levels: listed, otherCount: rows - nulls - listedRows }
}

/** Most frequent first; equal counts by code unit, which is the same in every locale. */
function byFrequency(counts: ReadonlyMap<string, number>): LevelCount[] {
  return [...counts]
    .map(([level, count]) => ({ level, count }))
    .sort((a, b) => b.count - a.count || (a.level < b.level ? -1 : 1))
}
