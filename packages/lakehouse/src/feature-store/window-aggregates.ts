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

/** Everything that is made of events, as columns of one table. */
export interface WindowAggregates {
  readonly ctes: readonly Cte[]
  /** The table with a row for every row of the view. */
  readonly table: string
  /** The column of that table, named `f`, that holds an aggregate. */
  readonly read: (node: Aggregate) => Expression
}

/** A table of most frequent values, found in the events of some days. */
export interface ModeTable {
  readonly name: string
  readonly withinDays: number
}

/** A window with fewer aggregates than this is not worth a table of its own. */
const WORTH_A_TABLE = 3

/**
 * The aggregates of all windows in one table. A short window holds few events and few entities, so its aggregates are made from
 * its own events only, in place of filters over all events; each window's table joins to the next longer one, so that few rows
 * are joined often. Most frequent values join where they are rows for, as columns of their table's name.
 */
export function windowAggregates(
  plan: ViewPlan,
  expressions: readonly Expression[],
  modes: readonly ModeTable[],
): WindowAggregates {
  const { longestDays } = plan
  const all = collectAggregates(expressions, longestDays)
  const tableDays = [...windowsApart(plan, all), longestDays]
  const placeOf = (days: number) => tableDays.find((each) => each >= days) ?? longestDays
  const isApart = ({ days }: WindowedAggregate) => days < longestDays && tableDays.includes(days)
  const names = new Map([...all.keys()].map((key, index) => [key, `a${index}`]))
  const ctes: Cte[] = []
  let carried: string[] = []
  for (const days of tableDays) {
    const own = [...all].filter(([, each]) => (isApart(each) ? each.days : longestDays) === days)
    const aggregates = own.map(([key, each]) => `${renderAggregate(plan, each, days)} AS "${names.get(key)}"`)
    const joined = modes.filter(({ withinDays }) => placeOf(withinDays) === days).map(({ name }) => name)
    const shorter = ctes.at(-1)?.name
    const columns = [
      ...carried.map((name) => `${shorter}."${name}"`),
      ...joined.map((name) => `${name}."value" AS "${name}"`),
    ]
    const joins = [...(shorter === undefined ? [] : [shorter]), ...joined].map((table) => joinOnKeys(plan, table))
    const sql = [
      `SELECT ${['f.*', ...columns].join(', ')} FROM (`,
      windowSql(plan, days, aggregates),
      ') AS f',
      ...joins,
    ].join('\n')
    ctes.push({ name: `last_${days}_days`, sql })
    carried = [...carried, ...own.map(([key]) => names.get(key) ?? ''), ...joined]
  }
  return {
    ctes,
    table: `last_${longestDays}_days`,
    read(node) {
      const windowed = withWindow(node, longestDays)
      const value = column(names.get(keyOf(windowed)) ?? '', 'f')
      // An entity without events in a window has no row there: it counted none.
      const isCount = node.name === 'count' || node.name === 'countDistinct'
      return isCount && isApart(windowed) ? call('coalesce', value, literal(0, 'bigint')) : value
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

/** Windows that get a table of their own, the shortest first. */
function windowsApart({ keepsCtes, longestDays }: ViewPlan, all: ReadonlyMap<string, WindowedAggregate>): number[] {
  if (!keepsCtes) return []
  const counts = new Map<number, number>()
  for (const { days } of all.values()) counts.set(days, (counts.get(days) ?? 0) + 1)
  const worth = [...counts].filter(([days, count]) => days < longestDays && count >= WORTH_A_TABLE)
  return worth.map(([days]) => days).sort((a, b) => a - b)
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
