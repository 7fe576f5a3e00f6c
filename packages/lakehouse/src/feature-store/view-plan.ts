import {
  addDays,
  type Dialect,
  date,
  EsteiraError,
  type Expression,
  type Feature,
  type FeatureView,
  literal,
  quoteName,
  visitExpression,
} from '@esteira/core'

export interface CompileOptions {
  readonly dialect: Dialect
  /** SQL text that stands for the silver table in a FROM clause. */
  readonly source: string
  /** Feature dates `YYYY-MM-DD`; all are computed in one pass over the source. */
  readonly featureDates: readonly string[]
  /**
   * Whether the engine computes a CTE once, however often it is named. Then narrow results are made apart and joined; else one
   * wide aggregation reads the events once. The values are the same. Default: true for DuckDB, false for Trino.
   */
  readonly keepsCtes?: boolean
}

export type MostFrequentFeature = Extract<Feature, { kind: 'mostFrequent' }>

/** A named part of the statement. */
export interface Cte {
  readonly name: string
  readonly sql: string
}

/** What the parts of a statement agree on. */
export interface ViewPlan {
  readonly view: FeatureView
  readonly dialect: Dialect
  readonly source: string
  readonly keepsCtes: boolean
  /** Sorted, each once. */
  readonly dates: readonly string[]
  /** Columns that name a row of the view: the entity, and the date where there are several. */
  readonly keys: readonly string[]
  /** Events older than this many days before a date count for nothing. */
  readonly longestDays: number
}

/** @throws EsteiraError ESTEIRA_USAGE without a date */
export function planView(view: FeatureView, options: CompileOptions): ViewPlan {
  const dates = [...new Set(options.featureDates)].sort()
  if (dates.length === 0) throw new EsteiraError('ESTEIRA_USAGE', `view ${view.name}: no feature date was given`)
  return {
    view,
    dialect: options.dialect,
    source: options.source,
    keepsCtes: options.keepsCtes ?? options.dialect === 'duckdb',
    dates,
    keys: dates.length === 1 ? ['entity'] : ['entity', 'feature_date'],
    longestDays: longestWindow(view),
  }
}

/** The feature date in a SELECT from `table`: a column, or the date itself where there is only one. */
export function featureDateIn(plan: ViewPlan, table?: string): Expression {
  const [only] = plan.dates
  if (only !== undefined && plan.dates.length === 1) return date(only)
  return { kind: 'column', name: 'feature_date', ...(table === undefined ? {} : { table }) }
}

/** `f."entity", f."feature_date"` */
export function keysOf(plan: ViewPlan, table: string): string {
  return plan.keys.map((key) => `${table}.${quoteName(key)}`).join(', ')
}

/** `LEFT JOIN x ON x."entity" = f."entity" AND …` */
export function joinOnKeys(plan: ViewPlan, table: string): string {
  return `LEFT JOIN ${table} ON ${plan.keys.map((key) => `${table}.${quoteName(key)} = f.${quoteName(key)}`).join(' AND ')}`
}

/** Midnight at the start of a day. */
export function midnight(day: string): Expression {
  return literal(`${day} 00:00:00`, 'timestamp')
}

/** The first moment that counts for a date. */
export function windowStart(plan: ViewPlan, day: string): Expression {
  return midnight(addDays(day, -plan.longestDays))
}

/** Names of the columns of one table that some feature of the view reads. */
export function columnsRead(view: FeatureView, table: string): Set<string> {
  const names = new Set<string>()
  for (const feature of Object.values(view.features)) {
    visitExpression(expressionOf(feature), (node) => {
      if (node.kind === 'column' && node.table === table) names.add(node.name)
    })
  }
  return names
}

export function expressionOf(feature: Feature): Expression {
  return feature.kind === 'expression' ? feature.value : feature.of
}

/** The longest window that any feature looks back, or the population's. */
function longestWindow(view: FeatureView): number {
  let longest = view.activeWithinDays
  for (const feature of Object.values(view.features)) {
    if (feature.kind === 'mostFrequent') longest = Math.max(longest, feature.withinDays)
    visitExpression(expressionOf(feature), (node) => {
      const window = windowOf(node)
      if (window !== undefined) longest = Math.max(longest, window.last)
    })
  }
  return longest
}

/** The days a condition on the age of events lets through, when the node is one. */
export function windowOf(node: Expression): { readonly first: number; readonly last: number } | undefined {
  if (node.kind !== 'between' || node.low.kind !== 'literal' || node.high.kind !== 'literal') return undefined
  if (node.of.kind !== 'column' || node.of.table !== 'event' || node.of.name !== 'age') return undefined
  return { first: Number(node.low.value), last: Number(node.high.value) }
}
