import {
  caseWhen,
  column,
  type Expression,
  integer,
  isNullExpression,
  literal,
  operation,
  renderExpression,
  renderOrdering,
  visitExpression,
} from '@esteira/core'
import { type Cte, featureDateIn, type ViewPlan } from './view-plan.js'

type Window = Extract<Expression, { kind: 'window' }>

/** Tables that part the rows of a date into fifths, and how they join the level below, `f`. */
export interface DateFifths {
  readonly ctes: readonly Cte[]
  readonly joins: readonly string[]
  /** The fifth of a row; other windows stay as they are. */
  readonly read: (node: Window) => Expression
}

/**
 * Fifths by rank over all rows of a date. Ranking whole rows is slow: only the values are ranked, and the four values at which
 * the next fifth begins tell the fifth of every row.
 */
export function dateFifths(plan: ViewPlan, level: number, expressions: readonly Expression[]): DateFifths {
  const found = new Map<string, { readonly cte: Cte; readonly fifth: Expression }>()
  const below = `level_${level - 1}`
  for (const expression of plan.keepsCtes ? expressions : []) {
    visitExpression(expression, (node) => {
      if (node.kind !== 'window' || node.name !== 'fifth' || found.has(JSON.stringify(node))) return
      const [by] = node.orderBy
      const isOverDate = JSON.stringify(node.partitionBy) === JSON.stringify([featureDateIn(plan, 'f')])
      if (by === undefined || by.descending === true || node.orderBy.length > 1 || !isOverDate) return
      const name = `fifths_${level}_${found.size}`
      found.set(JSON.stringify(node), {
        cte: { name, sql: beginningsSql(plan, below, by.by) },
        fifth: fifthOf(by.by, name),
      })
    })
  }
  const tables = [...found.values()]
  const join = (name: string) =>
    plan.dates.length === 1 ? `CROSS JOIN ${name}` : `JOIN ${name} ON ${name}."feature_date" = f."feature_date"`
  return {
    ctes: tables.map(({ cte }) => cte),
    joins: tables.map(({ cte }) => join(cte.name)),
    read: (node) => found.get(JSON.stringify(node))?.fifth ?? node,
  }
}

const LATER_FIFTHS = [2, 3, 4, 5]

/** The smallest value of each fifth but the first: `fifth_2` … `fifth_5`, null when no value reaches it. */
function beginningsSql(plan: ViewPlan, below: string, value: Expression): string {
  const [date, partition] = plan.dates.length === 1 ? ['', ''] : ['"feature_date", ', 'PARTITION BY "feature_date"']
  const order = renderOrdering({ by: column('value') }, plan.dialect)
  const columns = LATER_FIFTHS.map(
    (fifth) =>
      `min("value") FILTER (WHERE "rows" > 1 AND 5 * ("rank" - 1) >= ${fifth - 1} * ("rows" - 1)) AS "fifth_${fifth}"`,
  )
  return [
    `SELECT ${date}${columns.join(', ')} FROM (`,
    `  SELECT ${date}"value", rank() OVER (${partition} ORDER BY ${order}) AS "rank", count(*) OVER (${partition}) AS "rows"`,
    `  FROM (SELECT ${date}${renderExpression(value, plan.dialect)} AS "value" FROM ${below} AS f) AS v`,
    `) AS ranked${date === '' ? '' : ' GROUP BY "feature_date"'}`,
  ].join('\n')
}

function fifthOf(value: Expression, table: string): Expression {
  const begun = LATER_FIFTHS.toReversed().map((fifth) => ({
    if: operation(value, '>=', column(`fifth_${fifth}`, table)),
    value: integer(fifth),
  }))
  return caseWhen([{ if: isNullExpression(value), value: literal(null, 'integer') }, ...begun], integer(1))
}
