import { quoteName, quoteText } from '@esteira/core'

/** Rows of (entity, time) joined to the newest feature rows of several views: the plan that every engine's text is made of. */
export interface PointInTimePlan {
  /** SQL text that stands for the spine in a FROM clause. */
  readonly spine: string
  /** Columns of the spine, in order; all of them stay. */
  readonly spineColumns: readonly string[]
  readonly views: readonly ViewInPlan[]
  /** `drop` leaves out rows for which some view has no usable row. */
  readonly missing: 'keep' | 'drop'
}

export interface ViewInPlan {
  readonly name: string
  /** SQL text that stands for the feature table in a FROM clause. */
  readonly relation: string
  readonly version: number
  /** Column of the feature table that names the entity, and the one of the spine. */
  readonly entity: { readonly column: string; readonly spine: string }
  readonly day: DayOf
  readonly features: readonly { readonly name: string; readonly as: string }[]
  /** A row more days older than this counts for nothing; 0: only the row of the day itself. */
  readonly ttlDays?: number
  /** Newest day that any row of the spine asks for: what is later need not be read. */
  readonly until: string
}

/** How a row's day is made: the day of its time, never after `asOf`. */
export interface DayOf {
  /** Column of the spine; absent when all rows ask for the day `asOf`. */
  readonly column?: string
  /** IANA zone whose wall clock says the day of an instant; absent for dates and wall-clock times. */
  readonly zone?: string
  readonly asOf?: string
}

/** The column of the result that says which feature row was found: its date, also when it is too old to be used. */
export function dateColumnOf(view: string): string {
  return `_${view}_feature_date`
}

/** The day a row of the spine asks for; null where it has no time. */
export function daySql({ column, zone, asOf }: DayOf, alias: string): string {
  const cap = asOf === undefined ? undefined : `DATE ${quoteText(asOf)}`
  if (column === undefined) return cap ?? 'CAST(NULL AS DATE)'
  const time = `${alias}.${quoteName(column)}`
  const day = `CAST(${zone === undefined ? time : `${time} AT TIME ZONE ${quoteText(zone)}`} AS DATE)`
  return cap === undefined ? day : `CASE WHEN ${day} > ${cap} THEN ${cap} ELSE ${day} END`
}

/** The rows of one version of a view, with short names: `entity`, `feature_date`, `created_at`, `x0`, `x1`, … */
export function featureRowsSql(view: ViewInPlan): string {
  const features = view.features.map(({ name }, index) => `t.${quoteName(name)} AS "x${index}"`)
  const columns = [
    `t.${quoteName(view.entity.column)} AS "entity"`,
    't."feature_date"',
    't."_created_at" AS "created_at"',
    ...features,
  ]
  return [
    `SELECT ${columns.join(', ')} FROM ${view.relation} AS t`,
    `WHERE t."_feature_version" = ${view.version} AND t."feature_date" <= DATE ${quoteText(view.until)}`,
  ].join(' ')
}

/** `x0, x1, …` of an alias. */
export function valuesOf(view: ViewInPlan, alias: string): string[] {
  return view.features.map((_, index) => `${alias}."x${index}"`)
}

/**
 * Which of several rows of one entity and date counts: the one created last. Rows created at once are ordered by their values,
 * so that every engine takes the same.
 */
export function newestFirst(view: ViewInPlan, alias: string): string {
  const values = valuesOf(view, alias).map((value) => `${value} ASC NULLS LAST`)
  return [`${alias}."created_at" DESC NULLS LAST`, ...values].join(', ')
}

/** What the result holds: the spine, then for each view the date that was found and its features. Sorted, so that equal rows give equal files. */
export function selectJoined(plan: PointInTimePlan, rowsOf: RowsOf): string {
  const columns = plan.spineColumns.map((name) => `s.${quoteName(name)}`)
  const found = plan.views.flatMap((view, index) => [
    `v${index}."feature_date" AS ${quoteName(dateColumnOf(view.name))}`,
    ...view.features.map(({ as }, at) => `${usableValue(view, index, at)} AS ${quoteName(as)}`),
  ])
  const isComplete = plan.views.map(isUsable).join(' AND ')
  return [
    `SELECT ${[...columns, ...found].join(', ')}`,
    ...joinedRows(plan, rowsOf),
    ...(plan.missing === 'drop' ? [`WHERE ${isComplete}`] : []),
    `ORDER BY ${columns.map((column) => `${column} ASC NULLS LAST`).join(', ')}`,
  ].join('\n')
}

/** One row: the `rows` of the spine, and of each view how many were `found<n>` and how many of those `usable<n>`. */
export function countJoined(plan: PointInTimePlan, rowsOf: RowsOf): string {
  const counts = plan.views.flatMap((view, index) => [
    `count(v${index}."feature_date") AS "found${index}"`,
    `count(*) FILTER (WHERE ${isUsable(view, index)}) AS "usable${index}"`,
  ])
  return [`SELECT count(*) AS "rows", ${counts.join(', ')}`, ...joinedRows(plan, rowsOf)].join('\n')
}

/** Name of the table or CTE that holds the rows of a view by `entity` and `day`. */
export type RowsOf = (index: number) => string

function joinedRows(plan: PointInTimePlan, rowsOf: RowsOf): string[] {
  const joins = plan.views.map((view, index) => {
    const alias = `v${index}`
    const sameEntity = `${alias}."entity" = s.${quoteName(view.entity.spine)}`
    return `LEFT JOIN ${rowsOf(index)} AS ${alias} ON ${sameEntity} AND ${alias}."day" = ${daySql(view.day, 's')}`
  })
  return [`FROM ${plan.spine} AS s`, ...joins]
}

function isUsable({ ttlDays, day }: ViewInPlan, index: number): string {
  const date = `v${index}."feature_date"`
  return ttlDays === undefined ? `${date} IS NOT NULL` : `date_diff('day', ${date}, ${daySql(day, 's')}) <= ${ttlDays}`
}

function usableValue(view: ViewInPlan, index: number, at: number): string {
  const value = `v${index}."x${at}"`
  return view.ttlDays === undefined ? value : `CASE WHEN ${isUsable(view, index)} THEN ${value} END`
}
