import { type Column, EsteiraError, type Frame } from '@esteira/core'
import { summarizeLevels } from './categorical-profile.js'
import { type ColumnKind, inferKind, type KindDecision } from './column-kind.js'
import { summarizeNumbers } from './numeric-profile.js'
import { countNulls, numericValues } from './numeric-values.js'
import { type ColumnProfile, REFERENCE_PROFILE_FORMAT, type ReferenceProfile } from './reference-profile.js'
import { checkScoredLabels } from './scored-labels.js'

export interface ReferenceProfileOptions {
  /** Columns to profile; all of the frame by default. */
  readonly columns?: readonly string[]
  /** How to compare a column, instead of what its type and values suggest. */
  readonly kinds?: Readonly<Record<string, ColumnKind>>
  /** The model's probability of the positive class per row, for prediction drift. */
  readonly probability?: Float64Array
  /** From this probability on a row counts as predicted positive. Default 0.5. */
  readonly threshold?: number
  readonly labels?: Uint8Array
}

/**
 * Statistics of the reference rows, one column at a time; the result holds no row and depends on no row order.
 *
 * @throws EsteiraError ESTEIRA_COLUMN_MISSING, ESTEIRA_USAGE (lengths differ, text declared numeric, values out of range)
 * @example
 * const profile = buildReferenceProfile(features, { labels, probability })
 * await store.put('reference_profile.json', serializeReferenceProfile(profile))
 */
export function buildReferenceProfile(frame: Frame, options: ReferenceProfileOptions = {}): ReferenceProfile {
  const { probability, labels, threshold = 0.5 } = options
  const names = options.columns ?? [...frame.columns.keys()]
  const columns = names.map((name) => profileColumn(name, columnNamed(frame, name), options.kinds?.[name]))
  if (probability !== undefined) checkLength('probability', probability.length, frame.rowCount)
  if (labels !== undefined) checkLength('labels', labels.length, frame.rowCount)
  if (probability !== undefined) checkScoredLabels(labels ?? new Uint8Array(probability.length), probability)
  return {
    format: REFERENCE_PROFILE_FORMAT,
    rows: frame.rowCount,
    columns,
    probability:
      probability === undefined || probability.length === 0
        ? null
        : summarizeNumbers(numericValues({ type: 'double', values: probability })),
    prediction:
      probability === undefined
        ? null
        : { threshold, rows: frame.rowCount, positives: count(probability, (value) => value >= threshold) },
    labels: labels === undefined ? null : { rows: labels.length, positives: count(labels, (label) => label === 1) },
  }
}

function profileColumn(name: string, column: Column, declared: ColumnKind | undefined): ColumnProfile {
  const decision = declared === undefined ? inferKind(column) : declaredKind(name, column, declared)
  const named = { name, type: column.type }
  const excluded = (reason: string): ColumnProfile => {
    return { ...named, kind: 'excluded', rows: column.values.length, nulls: countNulls(column), reason }
  }
  if (decision.kind === 'excluded') return excluded(decision.reason)
  if (decision.kind === 'categorical') return { ...named, kind: 'categorical', ...summarizeLevels(column) }
  const values = numericValues(column)
  if (values.sorted.length === 0) return excluded('the reference has no finite number in this column')
  return { ...named, kind: 'numeric', ...summarizeNumbers(values) }
}

function declaredKind(name: string, column: Column, kind: ColumnKind): KindDecision {
  if (kind === 'excluded') return { kind, reason: 'excluded by the project' }
  if (kind === 'numeric' && column.type === 'string') {
    throw new EsteiraError('ESTEIRA_USAGE', `column "${name}" is declared numeric but holds text`, {
      hint: 'Declare it categorical, or convert it to a number where the features are made.',
    })
  }
  const used = column.values.length - countNulls(column)
  return used === 0 ? { kind: 'excluded', reason: 'the reference has no value in this column' } : { kind }
}

function columnNamed(frame: Frame, name: string): Column {
  const column = frame.columns.get(name)
  if (column !== undefined) return column
  throw new EsteiraError('ESTEIRA_COLUMN_MISSING', `the reference has no column "${name}"`, {
    details: { column: name, columns: [...frame.columns.keys()] },
  })
}

function checkLength(what: string, found: number, expected: number): void {
  if (found === expected) return
  throw new EsteiraError('ESTEIRA_USAGE', `${what} has ${found} values, expected one for each of ${expected} rows`)
}

function count<T>(values: Iterable<T>, matches: (value: T) => boolean): number {
  let hits = 0
  for (const value of values) if (matches(value)) hits++
  return hits
}
