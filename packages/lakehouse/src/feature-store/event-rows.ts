import {
  between,
  call,
  cast,
  column,
  EsteiraError,
  type Expression,
  integer,
  not,
  operation,
  quoteName,
  renderExpression,
  replaceNodes,
} from '@esteira/core'
import { columnsRead, featureDateIn, midnight, type ViewPlan, windowStart } from './view-plan.js'

/** The events that count for each date: keys, `age` in days, and what some feature reads. One scan of the source. */
export function eventRowsSql(plan: ViewPlan): string {
  const { view, dialect, source, dates } = plan
  const render = (expression: Expression) => renderExpression(expression, dialect)
  const localTs = column('local_ts', 'e')
  const eventDate = call('toDate', localTs)
  const age = cast(call('daysBetween', eventDate, featureDateIn(plan, 'd')), 'integer')
  const isOpen = dates.length === 1
  const eventColumns = columnsRead(view, 'event')
  const hasModes = Object.values(view.features).some(({ kind }) => kind === 'mostFrequent')
  const columns = [
    `e.${quoteName(view.from.entity.column)} AS "entity"`,
    ...(isOpen ? [] : ['d."feature_date"']),
    `${render(age)} AS "age"`,
    ...(eventColumns.has('event_date') ? [`${render(eventDate)} AS "event_date"`] : []),
    ...(eventColumns.has('local_ts') || hasModes ? ['e."local_ts"'] : []),
    ...[...columnsRead(view, 'source')].map((name) => `e.${quoteName(name)} AS ${quoteName(`source_${name}`)}`),
  ]
  const from = windowStart(plan, dates[0] ?? '')
  const to = midnight(dates.at(-1) ?? '')
  // Plain comparisons with local_ts let both engines skip files and row groups.
  const conditions = [not(column('is_refund', 'e')), operation(localTs, '>=', from), operation(localTs, '<', to)]
  const join = isOpen ? [] : [`JOIN dates AS d ON ${render(between(age, integer(1), integer(plan.longestDays)))}`]
  return [
    `SELECT ${columns.join(', ')}`,
    `FROM ${source} AS e`,
    ...join,
    `WHERE ${conditions.map(render).join(' AND ')}`,
  ].join('\n')
}

/** The feature dates as rows. */
export function datesSql(plan: ViewPlan): string {
  const rows = plan.dates.map((day) => `(DATE '${day}')`)
  return `SELECT d."feature_date" FROM (VALUES ${rows.join(', ')}) AS d("feature_date")`
}

/** One row: the day of the source's first event. */
export function firstEventSql({ dialect, source }: ViewPlan): string {
  const first = call('toDate', column('first_ts', 's'))
  return [
    `SELECT ${renderExpression(first, dialect)} AS "first_event_date"`,
    `FROM (SELECT min("local_ts") AS "first_ts" FROM ${source} AS e WHERE NOT "is_refund") AS s`,
  ].join('\n')
}

/** An expression over events with the names that {@link eventRowsSql} gives. @throws EsteiraError ESTEIRA_PROJECT */
export function onEvents(plan: ViewPlan, expression: Expression): Expression {
  return replaceNodes(expression, (node) => {
    if (node.kind !== 'column') return undefined
    if (node.table === 'source') return column(`source_${node.name}`)
    if (node.table === 'event') return column(node.name)
    if (node.table === 'view' && node.name === 'feature_date') return featureDateIn(plan)
    throw new EsteiraError(
      'ESTEIRA_PROJECT',
      `views.${plan.view.name}: ${node.table ?? ''}.${node.name} cannot be used inside an aggregate over events`,
    )
  })
}
