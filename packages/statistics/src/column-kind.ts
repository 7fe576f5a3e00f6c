import type { Column } from '@esteira/core'
import { LISTED_LEVELS } from './categorical-profile.js'
import { countLevels } from './level-counts.js'
import { countNulls } from './numeric-values.js'
import { TOP_LEVELS } from './reference-profile.js'

export const COLUMN_KINDS = ['numeric', 'categorical', 'excluded'] as const
export type ColumnKind = (typeof COLUMN_KINDS)[number]

export type KindDecision =
  | { readonly kind: 'numeric' | 'categorical' }
  | { readonly kind: 'excluded'; readonly reason: string }

/** Whole-number columns with at most this many values are codes, not quantities. */
const MOST_CODES = 10

/** A whole-number column is an identifier when every value is different, from this many rows on. */
const IDENTIFIER_ROWS = 1000

/**
 * How a column is compared when nobody said so: booleans and strings are categorical, whole numbers with at most ten
 * values too, other numbers numeric. Identifiers (nearly as many levels as rows, or more than 1,000 levels) and points in
 * time are left out: they differ in every batch.
 */
export function inferKind(column: Column): KindDecision {
  const used = column.values.length - countNulls(column)
  if (used === 0) return { kind: 'excluded', reason: 'the reference has no value in this column' }
  switch (column.type) {
    case 'double':
      return { kind: 'numeric' }
    case 'boolean':
      return { kind: 'categorical' }
    case 'int':
    case 'long':
      return inferWholeNumbers(column, used)
    case 'string':
      return inferText(column, used)
    case 'date':
    case 'timestamp':
      return { kind: 'excluded', reason: `a ${column.type} moves on with every batch` }
  }
}

function inferWholeNumbers(column: Column, used: number): KindDecision {
  if (!countLevels(column, MOST_CODES).capped) return { kind: 'categorical' }
  if (used < IDENTIFIER_ROWS || countLevels(column).counts.size < used) return { kind: 'numeric' }
  return { kind: 'excluded', reason: `identifier: all ${used} values differ` }
}

function inferText(column: Column, used: number): KindDecision {
  const { counts, capped } = countLevels(column, LISTED_LEVELS)
  if (capped) return { kind: 'excluded', reason: `identifier: more than ${LISTED_LEVELS} levels` }
  if (counts.size > TOP_LEVELS && counts.size > used / 2) {
    return { kind: 'excluded', reason: `identifier: ${counts.size} levels in ${used} rows` }
  }
  return { kind: 'categorical' }
}
