import { type Column, type ColumnType, EsteiraError, type Frame } from '@esteira/core'
import { type ColumnProfile, countNulls, type ReferenceProfile } from '@esteira/statistics'
import type { ColumnMeasurement } from './drift-report.js'
import { measureCategorical } from './measure-categorical.js'
import { type MeasuredColumn, measureNumeric } from './measure-numeric.js'

/** A batch to compare with a reference. */
export interface DriftInput {
  readonly reference: ReferenceProfile
  readonly current: Frame
  /** The model's probability per row of `current`. */
  readonly probability?: Float64Array
  /** The model's call per row, 0 or 1; by default the probability at the threshold of the reference. */
  readonly prediction?: Uint8Array
}

/** Numbers only; {@link decideDrift} says what they mean. */
export interface DriftMeasurement {
  readonly referenceRows: number
  readonly currentRows: number
  readonly columns: readonly ColumnMeasurement[]
  readonly predictions: readonly ColumnMeasurement[]
  readonly unexpectedColumns: readonly string[]
}

/**
 * Compares every column of the reference with the batch. A column that is missing, changed its type or cannot be read
 * is reported as such and does not stop the others.
 *
 * @throws EsteiraError ESTEIRA_USAGE when probability or prediction has not one value per row
 */
export function measureDrift(input: DriftInput): DriftMeasurement {
  const { reference, current } = input
  const known = new Set(reference.columns.map(({ name }) => name))
  return {
    referenceRows: reference.rows,
    currentRows: current.rowCount,
    columns: reference.columns.map((profile) => measureColumn(profile, current)),
    predictions: measurePredictions(input),
    unexpectedColumns: [...current.columns.keys()].filter((name) => !known.has(name)),
  }
}

function measureColumn(profile: ColumnProfile, current: Frame): ColumnMeasurement {
  const { name, kind, rows, nulls } = profile
  const invalid = profile.kind === 'numeric' ? profile.invalid : 0
  const unmeasured = {
    name,
    kind,
    reference: { rows, nulls, invalid, numbers: null },
    current: null,
    bins: null,
    newLevels: [],
    checks: [],
  }
  if (profile.kind === 'excluded') return { ...unmeasured, obstacle: { status: 'excluded', reason: profile.reason } }
  try {
    const column = comparableColumn(profile, current)
    return { ...unmeasured, obstacle: null, ...measureProfile(profile, column) }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { ...unmeasured, obstacle: { status: 'error', reason } }
  }
}

function measureProfile(profile: Exclude<ColumnProfile, { kind: 'excluded' }>, column: Column): MeasuredColumn {
  return profile.kind === 'numeric' ? measureNumeric(profile, column) : measureCategorical(profile, column)
}

function comparableColumn(profile: ColumnProfile, current: Frame): Column {
  const column = current.columns.get(profile.name)
  if (column === undefined) throw new RangeError('the column is missing in the current data')
  if (!comparable(profile, column.type) && countNulls(column) < column.values.length) {
    throw new TypeError(`the type changed from ${profile.type} to ${column.type}`)
  }
  if (column.values.length !== current.rowCount) {
    throw new RangeError(`the column has ${column.values.length} values in ${current.rowCount} rows`)
  }
  return column.type === 'string' && profile.kind === 'numeric' ? allNull(column) : column
}

/** Number types stand for each other; text and booleans only for themselves. */
function comparable(profile: ColumnProfile, type: ColumnType): boolean {
  return profile.kind === 'numeric' ? type !== 'string' : family(profile.type) === family(type)
}

function family(type: ColumnType): string {
  return type === 'int' || type === 'long' || type === 'double' ? 'number' : type
}

/** A column without a single value has no type of its own: readers often call it text. */
function allNull(column: Column): Column {
  return {
    type: 'double',
    values: new Float64Array(column.values.length),
    nulls: new Uint8Array(column.values.length).fill(1),
  }
}

function measurePredictions({ reference, current, probability, prediction }: DriftInput): ColumnMeasurement[] {
  checkLength('probability', probability, current.rowCount)
  checkLength('prediction', prediction, current.rowCount)
  const named = { obstacle: null } as const
  const measured: ColumnMeasurement[] = []
  if (reference.probability !== null && probability !== undefined) {
    const values = measureNumeric(reference.probability, { type: 'double', values: probability })
    measured.push({ ...named, name: 'probability', kind: 'numeric', ...values })
  }
  if (reference.prediction !== null && (prediction ?? probability) !== undefined) {
    const { rows, positives, threshold } = reference.prediction
    const calls = prediction ?? Uint8Array.from(probability ?? [], (value) => (value >= threshold ? 1 : 0))
    const levels = [
      { level: 'true', count: positives },
      { level: 'false', count: rows - positives },
    ].filter(({ count }) => count > 0)
    const profile = { rows, nulls: 0, distinct: levels.length, levels, otherCount: 0 }
    measured.push({
      ...named,
      name: 'prediction',
      kind: 'categorical',
      ...measureCategorical(profile, { type: 'boolean', values: calls }),
    })
  }
  return measured
}

function checkLength(what: string, values: ArrayLike<number> | undefined, rows: number): void {
  if (values === undefined || values.length === rows) return
  throw new EsteiraError('ESTEIRA_USAGE', `${what} has ${values.length} values, expected one for each of ${rows} rows`)
}
