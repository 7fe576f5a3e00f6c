import { type Column, EsteiraError, type Frame, isNull, toStrings } from '@esteira/core'

export interface ChosenFeatures {
  readonly features: Frame
  /** The `feature_date` of each row, where the table has one. */
  readonly dates?: readonly string[]
  /** Numbers that were text, and columns that were left out, each with its reason. */
  readonly notes: readonly string[]
}

/** Column that says at which date the features of a row were known. */
const DATE_COLUMN = 'feature_date'

/**
 * The columns of a ready table that can be learnt from. Text that holds only numbers becomes numbers, blanks null; the target,
 * identifiers, near-unique text, dates and columns of the table's own are left out.
 *
 * @throws EsteiraError ESTEIRA_SOURCE_TYPE when `feature_date` is no date, ESTEIRA_TARGET when no column is left
 */
export function chooseFeatures(
  frame: Frame,
  { target, entity }: { readonly target: string; readonly entity?: string },
): ChosenFeatures {
  const columns = new Map<string, Column>()
  const notes: string[] = []
  for (const [name, raw] of frame.columns) {
    if (name === target) continue
    const reason = reasonByName(name, entity)
    const { column, blanks } = reason === undefined ? textAsNumbers(raw) : { column: raw, blanks: 0 }
    const why = reason ?? reasonByValues(name, column)
    if (why !== undefined) notes.push(`${name} is left out: ${why}`)
    else columns.set(name, column)
    if (why === undefined && blanks > 0) notes.push(`${name}: numbers stored as text, ${blanks} blanks became nulls`)
  }
  if (columns.size === 0)
    throw new EsteiraError('ESTEIRA_TARGET', `no column is left to predict "${target}" from: ${notes.join('; ')}`, {
      details: { notes },
    })
  const at = frame.columns.get(DATE_COLUMN)
  return {
    features: { rowCount: frame.rowCount, columns },
    notes,
    ...(at !== undefined && { dates: readDates(at) }),
  }
}

function reasonByName(name: string, entity: string | undefined): string | undefined {
  if (name === DATE_COLUMN) return 'it splits the rows by time'
  if (name === entity) return 'it names the entity, an identifier'
  return name.startsWith('_') ? 'a column of the table itself, no feature' : undefined
}

function readDates(column: Column): string[] {
  return toStrings(column).map((text, row) => {
    const day = (text ?? '').slice(0, 10)
    if (/^\d{4}-\d\d-\d\d$/.test(day)) return day
    throw new EsteiraError(
      'ESTEIRA_SOURCE_TYPE',
      `${DATE_COLUMN}, row ${row + 1}: expected a date YYYY-MM-DD, found ${JSON.stringify((text ?? '').slice(0, 40))}`,
      { details: { column: DATE_COLUMN, row: row + 1 } },
    )
  })
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/

/** Text whose every non-blank value is a number becomes numbers; blanks are null. */
function textAsNumbers(column: Column): { readonly column: Column; readonly blanks: number } {
  if (column.type !== 'string') return { column, blanks: 0 }
  const values = new Float64Array(column.values.length)
  const nulls = new Uint8Array(values.length)
  let blanks = 0
  for (const [row, text] of column.values.entries()) {
    const trimmed = isNull(column, row) ? '' : text.trim()
    if (trimmed === '') {
      nulls[row] = 1
      blanks++
    } else if (NUMBER.test(trimmed)) values[row] = Number(trimmed)
    else return { column, blanks: 0 }
  }
  if (blanks === values.length) return { column, blanks: 0 }
  return { column: { type: 'double', values, ...(blanks > 0 && { nulls }) }, blanks }
}

/** Of fewer values nothing can be said about how unique they are. */
const FEW_VALUES = 20
const NEAR_UNIQUE = 0.5
/** Text named like an identifier is one when it has more levels than this. */
const MANY_LEVELS = 50

function reasonByValues(name: string, column: Column): string | undefined {
  if (column.type === 'date' || column.type === 'timestamp') return 'a date is no feature'
  if (column.type === 'boolean') return undefined
  const present = presentValues(column)
  if (present.length < FEW_VALUES) return undefined
  const distinct = new Set(present).size
  if (column.type === 'string') {
    if (present.every((text) => /^\d{4}-\d\d-\d\d([ T]|$)/.test(String(text)))) return 'a date is no feature'
    if (distinct > NEAR_UNIQUE * present.length)
      return `near-unique text (${distinct} values in ${present.length} rows), an identifier`
    return isIdName(name) && distinct > MANY_LEVELS ? `an identifier by its name (${distinct} values)` : undefined
  }
  const isDistinct = distinct === present.length && present.every((value) => Number.isInteger(Number(value)))
  return isDistinct && (isIdName(name) || isSequence(present))
    ? 'a different whole number in every row, an identifier'
    : undefined
}

function isIdName(name: string): boolean {
  return /(^|_)(id|uuid|guid|key)$/i.test(name) || /[a-z](Id|ID|Uuid|UUID|Guid|GUID|Key)$/.test(name)
}

function presentValues(column: Column): (string | number | bigint)[] {
  return Array.from<string | number | bigint>(column.values).filter((_, row) => !isNull(column, row))
}

/** Whole numbers without a gap: a row number. */
function isSequence(distinct: readonly (string | number | bigint)[]): boolean {
  const numbers = distinct.map(Number)
  const [low, high] = numbers.reduce(
    ([least, most], value) => [Math.min(least, value), Math.max(most, value)] as const,
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY] as const,
  )
  return high - low === numbers.length - 1
}
