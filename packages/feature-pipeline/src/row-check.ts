import {
  type Dialect,
  type Expression,
  type FeatureView,
  quoteName,
  type RuleSeverity,
  renderExpression,
} from '@esteira/core'

/** A check that some rows may fail: how to count them and how to show them, as SQL over the staged rows. */
export interface RowCheck {
  readonly name: string
  readonly rule: string
  readonly column?: string
  readonly severity: RuleSeverity
  readonly expected: string
  /** Share of the rows that may fail. */
  readonly atMost: number
  /** True when the verdict speaks in shares even where no row may fail. */
  readonly inShares?: boolean
  /**
   * How many rows fail: an aggregate over the staged rows, counted together with all others, or a statement of its own where rows are
   * held against each other or another table, so that the memory of one such comparison is all that is needed at a time.
   */
  readonly count: { readonly aggregate: string } | { readonly select: string }
  /** A SELECT of the failing rows as {@link selectExample} makes it. */
  readonly failing: string
  /** The values of an example as text. */
  readonly describe: (values: readonly string[]) => string
}

export interface StagedRows {
  readonly view: FeatureView
  readonly dialect: Dialect
  /** FROM clause of the staged rows. */
  readonly staged: string
  readonly entity: Expression
  readonly featureDate: Expression
}

export type RowRule = Pick<RowCheck, 'name' | 'rule' | 'column' | 'expected'> & {
  /** True for a row that breaks the rule; a null does not. */
  readonly fails: Expression
  /** Columns that an example shows; named when there are several, or when asked for. */
  readonly shows: readonly string[]
  readonly named?: true
  readonly atMost?: number
  readonly severity?: RuleSeverity
  readonly inShares?: boolean
}

/** A condition on single rows as a check: all of them are counted in one pass. */
export function rowCheck(rows: StagedRows, rule: RowRule): RowCheck {
  const { fails, shows, named, atMost = 0, severity = 'error', ...rest } = rule
  const condition = renderExpression(fails, rows.dialect)
  return {
    ...rest,
    severity,
    atMost,
    count: { aggregate: `count(*) FILTER (WHERE ${condition})` },
    failing: selectFailing(rows, condition, shows),
    describe: named === true ? namedValues(shows) : (values) => values[0] ?? 'missing',
  }
}

/** `high = 1, low = 2`. */
export function namedValues(columns: readonly string[]): RowCheck['describe'] {
  return (values) => columns.map((column, index) => `${column} = ${values[index]}`).join(', ')
}

/** The rows that a condition holds for, as examples are told. */
export function selectFailing(rows: StagedRows, condition: string, columns: readonly string[]): string {
  return `${selectExample(rows, columns)} FROM ${rows.staged} AS s WHERE ${condition}`
}

/** Columns that an example shows at most. */
export const SHOWN_COLUMNS = 3

/**
 * `SELECT "day", "entity", "t0", "n0", "t1", …`: texts and numbers apart, so that the examples of all checks are one statement and no
 * engine writes a double in its own way.
 */
export function selectExample(rows: StagedRows, columns: readonly string[]): string {
  const slots = Array.from({ length: SHOWN_COLUMNS }, (_, slot) => {
    const column = columns[slot]
    if (column === undefined) return slotOf(slot, undefined, undefined)
    return isNumber(rows.view, column)
      ? slotOf(slot, undefined, quoteName(column))
      : slotOf(slot, quoteName(column), undefined)
  })
  const key = [rows.featureDate, rows.entity].map((of) => renderExpression(of, rows.dialect))
  return `SELECT CAST(${key[0]} AS VARCHAR) AS "day", CAST(${key[1]} AS VARCHAR) AS "entity", ${slots.join(', ')}`
}

/** One place for a value: a text or a number, null in the other. */
export function slotOf(slot: number, text: string | undefined, number: string | undefined): string {
  return `CAST(${text ?? 'NULL'} AS VARCHAR) AS "t${slot}", CAST(${number ?? 'NULL'} AS DOUBLE) AS "n${slot}"`
}

function isNumber(view: FeatureView, column: string): boolean {
  const { entity } = view.from
  if (column === entity.column) return entity.type === 'long'
  const type = view.features[column]?.type
  return type === undefined ? column === '_feature_version' : type !== 'varchar'
}
