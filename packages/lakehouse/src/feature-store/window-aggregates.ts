import {
  aggregate,
  allOf,
  call,
  column,
  type Expression,
  integer,
  literal,
  operation,
  renderExpression,
  visitExpression,
} from '@esteira/core'
import { onEvents } from './event-rows.js'
import { type Cte, joinOnKeys, keysOf, type ViewPlan, windowOf } from './view-plan.js'

type Aggregate = Extract<Expression, { kind: 'aggregate' }>

/** An aggregate, the days it looks back, and what else it asks of events. */
interface WindowedAggregate {
  readonly node: Aggregate
  readonly days: number
  readonly conditions: readonly Expression[]
}

/** The tables that hold every aggregate of the view, joined; the rows of the view are `f`. */
export interface WindowAggregates {
  readonly ctes: readonly Cte[]
  readonly from: string
  /** The column that holds an aggregate. */
  readonly read: (node: Aggregate) => Expression
}

/** A window with fewer aggregates than this is not worth a table of its own. */
const WORTH_A_TABLE = 3

/**
 * Everything that aggregates events. A short window holds few events and few entities, so its aggregates are made from its own
 * events only and joined to those of the longest window, in place of filters over all events.
 */
export function windowAggregates(plan: ViewPlan, expressions: readonly Expression[]): WindowAggregates {
  const { longestDays } = plan
  const all = collectAggregates(expressions, longestDays)
  const apart = windowsApart(plan, all)
  const names = new Map([...all.keys()].map((key, index) => [key, `a${index}`]))
  const tableDaysOf = ({ days }: WindowedAggregate) => (apart.includes(days) ? days : longestDays)
  const ctes = [longestDays, ...apart].map((days) => {
    const own = [...all].filter(([, each]) => tableDaysOf(each) === days)
    const columns = own.map(([key, each]) => `${renderAggregate(plan, each, days)} AS "${names.get(key)}"`)
    return { name: tableOf(days), sql: windowSql(plan, days, columns) }
  })
  return {
    ctes,
    from: [`FROM ${tableOf(longestDays)} AS f`, ...apart.map((days) => joinOnKeys(plan, tableOf(days)))].join('\n'),
    read(node) {
      const windowed = withWindow(node, longestDays)
      const days = tableDaysOf(windowed)
      const value = column(names.get(keyOf(windowed)) ?? '', days === longestDays ? 'f' : tableOf(days))
      // An entity without events in a window has no row there: it counted none.
      const isCount = node.name === 'count' || node.name === 'countDistinct'
      return isCount && days !== longestDays ? call('coalesce', value, literal(0, 'bigint')) : value
    },
  }
}

function collectAggregates(expressions: readonly Expression[], longestDays: number): Map<string, WindowedAggregate> {
  const all = new Map<string, WindowedAggregate>()
  for (const expression of expressions) {
    visitExpression(expression, (node) => {
      if (node.kind !== 'aggregate') return
      const windowed = withWindow(node, longestDays)
      all.set(keyOf(windowed), windowed)
    })
  }
  return all
}

function withWindow(node: Aggregate, longestDays: number): WindowedAggregate {
  const conditions = node.where === undefined ? [] : conjunctsOf(node.where)
  const window = conditions.find((condition) => windowOf(condition)?.first === 1)
  const days = (window && windowOf(window)?.last) ?? longestDays
  return { node, days, conditions: conditions.filter((condition) => condition !== window) }
}

function conjunctsOf(condition: Expression): Expression[] {
  if (condition.kind === 'operation' && condition.operator === 'and')
    return [...conjunctsOf(condition.left), ...conjunctsOf(condition.right)]
  return [condition]
}

/** The same aggregate written twice is computed once. */
function keyOf({ node, days, conditions }: WindowedAggregate): string {
  return JSON.stringify([node.name, node.of, days, conditions])
}

/** Windows that get a table of their own, the longest first. */
function windowsApart({ keepsCtes, longestDays }: ViewPlan, all: ReadonlyMap<string, WindowedAggregate>): number[] {
  if (!keepsCtes) return []
  const counts = new Map<number, number>()
  for (const { days } of all.values()) counts.set(days, (counts.get(days) ?? 0) + 1)
  const worth = [...counts].filter(([days, count]) => days < longestDays && count >= WORTH_A_TABLE)
  return worth.map(([days]) => days).sort((a, b) => b - a)
}

function windowSql(plan: ViewPlan, days: number, columns: readonly string[]): string {
  const { longestDays, view, dialect } = plan
  const isActive = operation(aggregate('min', column('age', 'e')), '<=', integer(view.activeWithinDays))
  return [
    `SELECT ${[keysOf(plan, 'e'), ...columns].join(', ')}`,
    'FROM events AS e',
    ...(days < longestDays ? [`WHERE e."age" <= ${days}`] : []),
    `GROUP BY ${keysOf(plan, 'e')}`,
    ...(days > view.activeWithinDays ? [`HAVING ${renderExpression(isActive, dialect)}`] : []),
  ].join('\n')
}

function renderAggregate(plan: ViewPlan, windowed: WindowedAggregate, tableDays: number): string {
  const { node, days } = windowed
  const inWindow = days < tableDays ? [operation(column('age', 'event'), '<=', integer(days))] : []
  const conditions = [...inWindow, ...windowed.conditions]
  const where = conditions.length === 0 ? undefined : onEvents(plan, allOf(...conditions))
  const of = node.of === undefined ? undefined : onEvents(plan, node.of)
  return renderExpression(aggregate(node.name, of, where), plan.dialect)
}

function tableOf(days: number): string {
  return `last_${days}_days`
}
