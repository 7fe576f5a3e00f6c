import {
  column,
  type Expression,
  type FeatureView,
  quoteName,
  renderExpression,
  replaceNodes,
  visitExpression,
} from '@esteira/core'
import { dateFifths } from './date-fifths.js'
import { datesSql, eventRowsSql, firstEventSql } from './event-rows.js'
import { featureLevels } from './feature-levels.js'
import { mostFrequentSql } from './most-frequent.js'
import {
  type CompileOptions,
  type Cte,
  expressionOf,
  featureDateIn,
  type MostFrequentFeature,
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
  const modes = Object.entries(view.features).flatMap(([name, feature], index) =>
    feature.kind === 'mostFrequent' ? [{ name, table: `mode_${index}`, feature }] : [],
  )
  const levels = featureLevels(view)
  const [aggregated = [], ...derived] = levels.map((features) =>
    [...features].map(([name, value]) => ({ name, value })),
  )
  const ctes = [
    ...(readsFirstEvent(view) ? [{ name: 'first_event', sql: firstEventSql(plan) }] : []),
    ...(plan.dates.length > 1 ? [{ name: 'dates', sql: datesSql(plan) }] : []),
    { name: 'events', sql: eventRowsSql(plan) },
    ...modes.map(({ table, feature }) => ({ name: table, sql: mostFrequentSql(plan, feature) })),
    ...aggregatedCtes(plan, aggregated, modes),
    ...derived.flatMap((features, index) => derivedCtes(plan, index + 1, features)),
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

interface Mode {
  readonly name: string
  readonly table: string
  readonly feature: MostFrequentFeature
}

/** The aggregates of every window, and the features made of nothing else. */
function aggregatedCtes(plan: ViewPlan, features: readonly NamedValue[], modes: readonly Mode[]): Cte[] {
  const aggregates = windowAggregates(
    plan,
    features.map(({ value }) => value),
    modes.map(({ table, feature }) => ({ name: table, withinDays: feature.withinDays })),
  )
  const columns = features.map(({ name, value }) => {
    const read = replaceNodes(value, (node) => (node.kind === 'aggregate' ? aggregates.read(node) : undefined))
    return `${renderExpression(onLevel(plan, read), plan.dialect)} AS ${featureColumn(name)}`
  })
  const frequent = modes.map(({ name, table }) => `f."${table}" AS ${featureColumn(name)}`)
  const keys = plan.keys.map((key) => `f.${quoteName(key)}`)
  const sql = [
    `SELECT ${[...keys, ...frequent, ...columns].join(', ')}`,
    `FROM ${aggregates.table} AS f`,
    ...firstEventJoin(features),
  ].join('\n')
  return [...aggregates.ctes, { name: 'level_0', sql }]
}

/** Features made of features of the level below. */
function derivedCtes(plan: ViewPlan, level: number, features: readonly NamedValue[]): Cte[] {
  const placed = features.map(({ name, value }) => ({ name, value: onLevel(plan, value) }))
  const fifths = dateFifths(
    plan,
    level,
    placed.map(({ value }) => value),
  )
  const columns = placed.map(({ name, value }) => {
    const read = replaceNodes(value, (node) => (node.kind === 'window' ? fifths.read(node) : undefined))
    return `${renderExpression(read, plan.dialect)} AS ${featureColumn(name)}`
  })
  const sql = [
    `SELECT ${['f.*', ...columns].join(', ')}`,
    `FROM level_${level - 1} AS f`,
    ...fifths.joins,
    ...firstEventJoin(features),
  ].join('\n')
  return [...fifths.ctes, { name: `level_${level}`, sql }]
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
