import {
  EsteiraError,
  type FeatureView,
  type Lakehouse,
  type ObjectStore,
  type SourceDefinition,
  type TableRead,
  toRows,
} from '@esteira/core'
import { compileFeatureView } from './compile-feature-view.js'
import { planTrainingSet } from './plan-training-set.js'
import { daySql, type PointInTimePlan, type ViewInPlan } from './point-in-time-plan.js'
import type { ScratchTables } from './point-in-time-tables.js'
import { columnsOf, type ResolvedSpine, resolveSpine } from './resolve-spine.js'
import { asViewRequest, type ResolvedView, resolveView } from './resolve-views.js'
import type { TrainingSetRequest } from './training-set-request.js'

/** Rows of a source as they were known at a moment, and the table they were made of. */
export interface KnownSource {
  /** SQL text that stands for silver rows in a FROM clause. */
  readonly relation: string
  readonly read: TableRead
}

/** Gives the silver rows of a source as they were known at a moment: made of what was ingested up to it. */
export type SourceKnownAt = (source: SourceDefinition, at: Date) => Promise<KnownSource>

export interface JoinScope {
  readonly lakehouse: Lakehouse
  readonly objects: ObjectStore
  readonly sourceKnownAt?: SourceKnownAt
}

/** Everything a join needs, found and checked. */
export interface PreparedJoin {
  readonly plan: PointInTimePlan
  /** As it was asked for, before its rows were made. */
  readonly spine: ResolvedSpine
  readonly views: readonly ViewToRead[]
}

/** A view of the join with the table that its rows come from. */
export interface ViewToRead extends ResolvedView {
  readonly read: TableRead
}

/** Finds rows, views and snapshots of a request and makes the plan of the join. */
export async function prepareJoin(
  request: TrainingSetRequest,
  scope: JoinScope,
  work: { readonly tables: ScratchTables; readonly scratchKey: string },
): Promise<PreparedJoin> {
  const recompute = recomputation(request, scope)
  const at = { recompute: recompute !== undefined, ...(request.knownAt && { knownAt: request.knownAt }) }
  const resolved: ResolvedView[] = []
  for (const view of request.views) resolved.push(await resolveView(scope, asViewRequest(view), at))
  const spine = await resolveSpine(request, {
    ...scope,
    scratchKey: `${work.scratchKey}/spine.parquet`,
    ...(recompute !== undefined && { eventsKnownAt: ({ from }) => recompute(from) }),
  })
  // The rows are made once: everything after this reads them, some of it several times.
  const made = { ...spine, relation: await work.tables.make('spine', `SELECT * FROM ${spine.relation} AS s`) }
  const { plan, views: planned } = await planTrainingSet(scope.lakehouse, request, made, resolved)
  const inPlan: ViewInPlan[] = []
  const views: ViewToRead[] = []
  for (const [index, view] of planned.entries()) {
    const of = resolved[index]
    if (of === undefined) continue
    const rows =
      recompute === undefined
        ? await publishedRows(scope.lakehouse, of, view.until)
        : await recomputedRows({ index, view, definition: of.definition, spine: made.relation }, recompute, {
            ...scope,
            ...work,
          })
    inPlan.push({ ...view, relation: rows.relation })
    views.push({ ...of, read: rows.read })
  }
  return { plan: { ...plan, views: inPlan }, spine, views }
}

type Recompute = (source: SourceDefinition) => Promise<KnownSource>

function recomputation({ recompute, knownAt }: TrainingSetRequest, scope: JoinScope): Recompute | undefined {
  if (recompute !== true) return undefined
  const { sourceKnownAt } = scope
  if (knownAt === undefined) {
    throw new EsteiraError('ESTEIRA_USAGE', 'recompute: expected knownAt, the moment up to which source rows count', {
      hint: "Give both: knownAt: new Date('2026-01-01T00:00:00Z'), recompute: true.",
    })
  }
  if (sourceKnownAt === undefined) {
    throw new EsteiraError('ESTEIRA_USAGE', 'recompute: this feature store was opened without sourceKnownAt', {
      hint: 'Open it with a project, as openWorkspace does, or give openFeatureStore a function sourceKnownAt.',
    })
  }
  return (source) => sourceKnownAt(source, knownAt)
}

async function publishedRows(lakehouse: Lakehouse, view: ResolvedView, until: string): Promise<KnownSource> {
  const version = view.snapshotId === undefined ? {} : { snapshotId: view.snapshotId }
  const relation = await lakehouse.relation(view.table, version, [{ column: 'feature_date', op: '<=', value: until }])
  const there = new Set((await columnsOf(lakehouse, relation)).map(({ name }) => name))
  const missing = view.features.find(({ name }) => !there.has(name))
  if (missing === undefined) return { relation, read: { table: view.table, snapshotId: view.snapshotId ?? null } }
  throw new EsteiraError(
    'ESTEIRA_NO_DATA',
    `${view.table} has no column ${missing.name} at snapshot ${view.snapshotId ?? 'none'}: version ${view.version} of the view was published later`,
    { hint: 'Ask for an earlier version of the view, or for a later moment.', details: { view: view.definition.name } },
  )
}

interface ViewToRecompute {
  readonly index: number
  readonly view: Omit<ViewInPlan, 'relation'>
  readonly definition: FeatureView
  readonly spine: string
}

/** As many days as one statement computes. */
const MOST_DAYS = 400

/** The features at the days of the spine, computed from the rows of the source as they were known. */
async function recomputedRows(
  { index, view, definition, spine }: ViewToRecompute,
  recompute: Recompute,
  { lakehouse, tables }: { readonly lakehouse: Lakehouse; readonly tables: ScratchTables },
): Promise<KnownSource> {
  const day = daySql(view.day, 's')
  const sql = `SELECT DISTINCT CAST(${day} AS VARCHAR) AS "day" FROM ${spine} AS s WHERE ${day} IS NOT NULL ORDER BY 1`
  const featureDates = toRows(await lakehouse.engine.query(sql)).map((row) => String(row['day']))
  if (featureDates.length > MOST_DAYS) {
    throw new EsteiraError(
      'ESTEIRA_USAGE',
      `recompute: the spine asks for ${featureDates.length} days; at most ${MOST_DAYS} are computed at once`,
      { hint: 'Round the times of the spine to weeks or months, or split it.' },
    )
  }
  const { relation, read } = await recompute(definition.from)
  const { dialect } = lakehouse.engine
  const source = await tables.make(`source_${index}`, `SELECT * FROM ${relation} AS s`)
  const features = compileFeatureView(definition, { dialect, source, featureDates })
  const rows = await tables.make(
    `features_${index}`,
    `SELECT f.*, CAST(${view.version} AS INTEGER) AS "_feature_version", CAST(NULL AS TIMESTAMP) AS "_created_at" FROM (${features}) AS f`,
  )
  await tables.drop(source)
  return { relation: rows, read }
}
