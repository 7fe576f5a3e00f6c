import {
  column,
  type Expression,
  type Ordering,
  renderExpression,
  renderOrdering,
  visitExpression,
} from '@esteira/core'
import { type Cte, featureDateIn, type ViewPlan } from './view-plan.js'

type Window = Extract<Expression, { kind: 'window' }>

/** Tables of ranks and sizes, and how they join the level below, `f`. */
export interface DateRanks {
  readonly ctes: readonly Cte[]
  readonly joins: readonly string[]
  /** The column that holds a rank or size; other windows stay as they are. */
  readonly read: (node: Window) => Expression
}

/**
 * Ranks and sizes over all rows of a date. Sorting whole rows for each rank is slow: a rank is looked up in a table of the
 * distinct values, each with the number of rows below it.
 */
export function dateRanks(plan: ViewPlan, level: number, expressions: readonly Expression[]): DateRanks {
  const found = new Map<string, { readonly cte: Cte; readonly join: string; readonly column: Expression }>()
  const below = `level_${level - 1}`
  if (plan.keepsCtes) {
    for (const expression of expressions) {
      visitExpression(expression, (node) => {
        if (node.kind !== 'window' || found.has(JSON.stringify(node))) return
        const name = `rank_${level}_${found.size}`
        const [by] = node.orderBy
        if (!isOverDate(plan, node)) return
        if (node.name === 'rank' && by !== undefined && node.orderBy.length === 1)
          found.set(JSON.stringify(node), rankTable(plan, { name, below, by }))
        else if (node.name === 'count') found.set(JSON.stringify(node), sizeTable(plan, { name, below }))
      })
    }
  }
  const tables = [...found.values()]
  return {
    ctes: tables.map(({ cte }) => cte),
    joins: tables.map(({ join }) => join),
    read: (node) => found.get(JSON.stringify(node))?.column ?? node,
  }
}

function isOverDate(plan: ViewPlan, { partitionBy }: Window): boolean {
  return JSON.stringify(partitionBy) === JSON.stringify([featureDateIn(plan, 'f')])
}

function rankTable(plan: ViewPlan, { name, below, by }: { name: string; below: string; by: Ordering }) {
  const { dialect } = plan
  const value = renderExpression(by.by, dialect)
  const order = renderOrdering({ ...by, by: column('value') }, dialect)
  const [date, partition] = plan.dates.length === 1 ? ['', ''] : ['"feature_date", ', 'PARTITION BY "feature_date" ']
  const sql = [
    `SELECT ${date}"value", CAST(sum("rows") OVER (${partition}ORDER BY ${order} ROWS UNBOUNDED PRECEDING) AS BIGINT) - "rows" + 1 AS "rank"`,
    `FROM (SELECT ${date}"value", count(*) AS "rows" FROM (SELECT ${date}${value} AS "value" FROM ${below} AS f) AS v GROUP BY ${date}"value") AS c`,
  ].join('\n')
  const join = `LEFT JOIN ${name} ON ${onDate(plan, name)}${name}."value" = ${value}`
  return { cte: { name, sql }, join, column: column('rank', name) }
}

function sizeTable(plan: ViewPlan, { name, below }: { name: string; below: string }) {
  if (plan.dates.length === 1) {
    const sql = `SELECT count(*) AS "rows" FROM ${below}`
    return { cte: { name, sql }, join: `CROSS JOIN ${name}`, column: column('rows', name) }
  }
  const sql = `SELECT "feature_date", count(*) AS "rows" FROM ${below} GROUP BY "feature_date"`
  const join = `JOIN ${name} ON ${name}."feature_date" = f."feature_date"`
  return { cte: { name, sql }, join, column: column('rows', name) }
}

function onDate(plan: ViewPlan, table: string): string {
  return plan.dates.length === 1 ? '' : `${table}."feature_date" = f."feature_date" AND `
}
