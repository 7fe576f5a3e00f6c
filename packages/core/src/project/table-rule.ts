import { z } from 'zod'
import { EsteiraError } from '../errors.js'
import type { Expression } from '../sql/expression.js'
import { type RuleOptions, type RuleSeverity, readRuleOptions, ruleOptionShape } from './rule-options.js'
import type { SourceColumnRef } from './source.js'

/** Where a rule looks for values: a column of the silver table of a source, or of any table by its name. */
export type ReferencedColumn =
  | { readonly source: string; readonly column: string }
  | { readonly table: string; readonly column: string }

interface Named {
  /** Name of the check in the report. */
  readonly name: string
  readonly severity: RuleSeverity
}

interface Tolerant extends Named {
  /** Share of the rows that may break the rule. */
  readonly atMost: number
}

/** A rule about whole rows or the whole batch, as data. Made by {@link tableRule}. */
export type TableRule =
  | (Tolerant & { readonly kind: 'holds'; readonly condition: Expression })
  | (Tolerant & { readonly kind: 'unique'; readonly values: readonly Expression[] })
  | (Tolerant & { readonly kind: 'references'; readonly value: Expression; readonly to: ReferencedColumn })
  | (Named & { readonly kind: 'rows'; readonly moreThan: number })
  | (Named & { readonly kind: 'rowCount'; readonly last: number; readonly below: number; readonly above: number })
  | (Named & { readonly kind: 'fresh'; readonly withinDays: number })

export interface TableRuleOptions extends RuleOptions {
  /** Name of the check in the report, of lower-case letters, digits and `_`. */
  readonly name?: string
}

export interface RowCountOptions extends Omit<TableRuleOptions, 'atMost'> {
  /** How many published dates are looked at. Default 5. */
  readonly last?: number
  /** Share by which a date may have fewer rows than their median. Default 0.5. */
  readonly below?: number
  /** Share by which a date may have more. Default 1. */
  readonly above?: number
}

const named = { name: z.string().optional(), severity: ruleOptionShape.severity }
const tolerant = { ...named, atMost: ruleOptionShape.atMost }
const whole = z.int().min(0)

/**
 * Rules about whole rows and the whole batch, beside the zod types of single columns. They run as SQL over the staged rows
 * before anything is published.
 *
 * @example
 * tableRules: (row, { entity }) => [
 *   tableRule.holds('max_is_max', operation(row.max_value_30d, '>=', row.avg_value_30d), { atMost: 0.01 }),
 *   tableRule.references(entity, customers.customer_id),
 *   tableRule.rowCount({ last: 5, below: 0.5, above: 1 }),
 *   tableRule.fresh({ withinDays: 3, severity: 'warning' }),
 * ]
 */
export const tableRule = {
  /** A condition that each row must hold. As in a CHECK of SQL, a condition that is null holds. */
  holds(name: string, condition: Expression, options: RuleOptions = {}): TableRule {
    const { atMost = 0, severity = 'error' } = readRuleOptions(`tableRules.${name}`, ruleOptionShape, options)
    return { kind: 'holds', name, condition, atMost, severity }
  },
  /** No two rows of a date have the same values, nulls left out. Entity and date are always checked. */
  unique(values: readonly Expression[], options: TableRuleOptions = {}): TableRule {
    const found = readRuleOptions('tableRules.unique', tolerant, options)
    const { name = ['unique', ...values.map(wordOf)].join('_'), atMost = 0, severity = 'error' } = found
    return { kind: 'unique', name, values, atMost, severity }
  },
  /** Each value, where there is one, stands in a column of another table: `transactions.customer_id`, or a table by name. */
  references(
    value: Expression,
    to: SourceColumnRef | { readonly table: string; readonly column: string },
    options: TableRuleOptions = {},
  ): TableRule {
    const found = readRuleOptions('tableRules.references', tolerant, options)
    const { name = `references_${wordOf(value)}`, atMost = 0, severity = 'error' } = found
    return { kind: 'references', name, value, to: referencedColumn(name, to), atMost, severity }
  },
  /** Each date has more rows than this. `moreRowsThan` of the view is the same as an error. */
  moreRowsThan(moreThan: number, options: Omit<TableRuleOptions, 'atMost'> = {}): TableRule {
    const found = readRuleOptions('tableRules.moreRowsThan', { ...named, moreThan: whole }, { ...options, moreThan })
    const { name = `more_rows_than_${moreThan}`, severity = 'error' } = found
    return { kind: 'rows', name, moreThan: found.moreThan, severity }
  },
  /**
   * Each date has about as many rows as the last published dates before it (those after it, when it is the oldest): the
   * median of `last` dates, at most `below` fewer and `above` more. Holds while nothing is published.
   */
  rowCount(options: RowCountOptions = {}): TableRule {
    const shape = {
      ...named,
      last: whole.min(1).optional(),
      below: z.number().min(0).max(1).optional(),
      above: z.number().min(0).optional(),
    }
    const found = readRuleOptions('tableRules.rowCount', shape, options)
    const { name = 'row_count', last = 5, below = 0.5, above = 1, severity = 'error' } = found
    return { kind: 'rowCount', name, last, below, above, severity }
  },
  /** The source has an event in this many days before each date: an earlier warning than the source's `freshWithinDays`. */
  fresh(options: { readonly withinDays: number } & Omit<TableRuleOptions, 'atMost'>): TableRule {
    const found = readRuleOptions('tableRules.fresh', { ...named, withinDays: whole.min(1) }, options)
    const { withinDays, name = `fresh_${withinDays}d`, severity = 'error' } = found
    return { kind: 'fresh', name, withinDays, severity }
  },
}

/** `customer_id` of a column; of anything else there is no short word. */
function wordOf(value: Expression): string {
  return value.kind === 'column' ? value.name : value.kind.toLowerCase()
}

function referencedColumn(name: string, to: unknown): ReferencedColumn {
  const ofSource = z.looseObject({ source: z.looseObject({ name: z.string() }), column: z.string() }).safeParse(to)
  if (ofSource.success) return { source: ofSource.data.source.name, column: ofSource.data.column }
  const ofTable = z.strictObject({ table: z.string().regex(/^\w+\.\w+$/), column: z.string() }).safeParse(to)
  if (ofTable.success) return ofTable.data
  throw new EsteiraError(
    'ESTEIRA_PROJECT',
    `tableRules.${name}: expected a column of a source or { table, column } with a table named <database>.<table>`,
    { hint: 'Examples: transactions.customer_id, { table: "reference.categories", column: "name" }.' },
  )
}
