import {
  column,
  type Expression,
  type FeatureView,
  quoteName,
  renderExpression,
  replaceNodes,
  visitExpression,
} from '@esteira/core'
import { dateRanks } from './date-ranks.js'
import { datesSql, eventRowsSql, firstEventSql } from './event-rows.js'
import { featureLevels } from './feature-levels.js'
import { mostFrequentSql } from './most-frequent.js'
import {
  type CompileOptions,
  type Cte,
  expressionOf,
  featureDateIn,
  joinOnKeys,
  planView,
  type ViewPlan,
} from './view-plan.js'
import { windowAggregates } from './window-aggregates.js'

/**
 * One SELECT that computes a feature view for all the dates: entity, `feature_date` and the features, a row for every entity
 * with an event in the `activeWithinDays` days before the date. Only events before a date enter its rows.
 *
 * The statement is a chain of CTEs: `events` (with `age` in days before the date), the aggregates of each window, `level_0`
 * (features made of aggregates), then one level for each step of features made from features.
 *
 * @throws EsteiraError ESTEIRA_USAGE without a date, ESTEIRA_PROJECT when features are made of themselves or of unknown ones
 */
export function compileFeatureView(view: FeatureView, options: CompileOptions): string {
  const plan = planView(view, options)
  const modes = Object.entries(view.features).flatMap(([name, feature]) =>
    feature.kind === 'mostFrequent' ? [{ name, feature }] : [],
  )
  const levels = featureLevels(view)
  const [aggregated = [], ...derived] = levels.map((features) =>
    [...features].map(([name, value]) => ({ name, value })),
  )
  const ctes = [
    ...(readsFirstEvent(view) ? [{ name: 'first_event', sql: firstEventSql(plan) }] : []),
    ...(plan.dates.length > 1 ? [{ name: 'dates', sql: datesSql(plan) }] : []),
    { name: 'events', sql: eventRowsSql(plan) },
    ...aggregatedCtes(plan, aggregated),
    ...modes.map(({ feature }, index) => ({ name: `mode_${index}`, sql: mostFrequentSql(plan, feature) })),
    ...derived.flatMap((features, index) =>
      derivedCtes(plan, { level: index + 1, features, modes: index === 0 ? modes.map(({ name }) => name) : [] }),
    ),
  ]
  const columns = Object.entries(view.features).map(
    ([name, { type }]) => `CAST(f.${featureColumn(name)} AS ${type.toUpperCase()}) AS ${quoteName(name)}`,
  )
  const day = renderExpression(featureDateIn(plan, 'f'), plan.dialect)
  return [
    `WITH ${ctes.map(({ name, sql }) => `${name} AS (\n${sql}\n)`).join(',\n')}`,
    `SELECT f."entity" AS ${quoteName(view.from.entity.column)}, ${day} AS "feature_date", ${columns.join(', ')}`,
    `FROM level_${levels.length - 1} AS f`,
  ].join('\n')
}

interface NamedValue {
  readonly name: string
  readonly value: Expression
}

/** The aggregates of every window, and the features made of nothing else. */
function aggregatedCtes(plan: ViewPlan, features: readonly NamedValue[]): Cte[] {
  const aggregates = windowAggregates(
    plan,
    features.map(({ value }) => value),
  )
  const columns = features.map(({ name, value }) => {
    const read = replaceNodes(value, (node) => (node.kind === 'aggregate' ? aggregates.read(node) : undefined))
    return `${renderExpression(onLevel(plan, read), plan.dialect)} AS ${featureColumn(name)}`
  })
  const keys = plan.keys.map((key) => `f.${quoteName(key)}`)
  const sql = [`SELECT ${[...keys, ...columns].join(', ')}`, aggregates.from, ...firstEventJoin(features)].join('\n')
  return [...aggregates.ctes, { name: 'level_0', sql }]
}

interface DerivedLevel {
  readonly level: number
  readonly features: readonly NamedValue[]
  /** Features that are most frequent values: they join at the first of these levels. */
  readonly modes: readonly string[]
}

/** Features made of features of the level below, and what joins there. */
function derivedCtes(plan: ViewPlan, { level, features, modes }: DerivedLevel): Cte[] {
  const placed = features.map(({ name, value }) => ({ name, value: onLevel(plan, value) }))
  const ranks = dateRanks(
    plan,
    level,
    placed.map(({ value }) => value),
  )
  const columns = placed.map(({ name, value }) => {
    const read = replaceNodes(value, (node) => (node.kind === 'window' ? ranks.read(node) : undefined))
    return `${renderExpression(read, plan.dialect)} AS ${featureColumn(name)}`
  })
  const joined = modes.map((name, index) => `mode_${index}."value" AS ${featureColumn(name)}`)
  const sql = [
    `SELECT ${['f.*', ...joined, ...columns].join(', ')}`,
    `FROM level_${level - 1} AS f`,
    ...modes.map((_, index) => joinOnKeys(plan, `mode_${index}`)),
    ...ranks.joins,
    ...firstEventJoin(features),
  ].join('\n')
  return [...ranks.ctes, { name: `level_${level}`, sql }]
}

function featureColumn(name: string): string {
  return quoteName(`feature_${name}`)
}

/** An expression over the rows of the level below, `f`. */
function onLevel(plan: ViewPlan, expression: Expression): Expression {
  return replaceNodes(expression, (node) => {
    if (node.kind !== 'column') return undefined
    if (node.table === 'feature') return column(`feature_${node.name}`, 'f')
    if (node.table !== 'view') return node
    return node.name === 'feature_date' ? featureDateIn(plan, 'f') : column(node.name, 'first_event')
  })
}

function firstEventJoin(features: readonly NamedValue[]): string[] {
  return features.some(({ value }) => isFirstEventRead(value)) ? ['CROSS JOIN first_event'] : []
}

function readsFirstEvent(view: FeatureView): boolean {
  return Object.values(view.features).some((feature) => isFirstEventRead(expressionOf(feature)))
}

function isFirstEventRead(expression: Expression): boolean {
  let isRead = false
  visitExpression(expression, (node) => {
    if (node.kind === 'column' && node.table === 'view' && node.name === 'first_event_date') isRead = true
  })
  return isRead
}
