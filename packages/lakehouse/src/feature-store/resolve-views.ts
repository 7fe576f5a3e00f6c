import {
  columnOf,
  EsteiraError,
  type FeatureView,
  featureHash,
  type Lakehouse,
  nearest,
  type ObjectStore,
  tableNames,
  toStrings,
} from '@esteira/core'
import { type RegisteredVersion, registeredVersions } from './feature-registry.js'
import type { TrainingSetRequest, ViewRequest } from './training-set-request.js'

/** A view of a request, with everything the join must know of it. */
export interface ResolvedView {
  readonly definition: FeatureView
  readonly version: number
  readonly table: string
  /** The state of the feature table that is read; undefined where nothing was published then. */
  readonly snapshotId: string | undefined
  readonly features: readonly { readonly name: string; readonly as: string }[]
  readonly ttlDays?: number
  /** Column of the spine that names the entity. */
  readonly entity: string
}

export function asViewRequest(view: TrainingSetRequest['views'][number]): ViewRequest {
  if (typeof view === 'string') return { view }
  return 'view' in view ? view : { view }
}

/**
 * Finds the version, the features and the snapshot of a view that was asked for.
 *
 * @throws EsteiraError ESTEIRA_NO_DATA when the definition was never registered, ESTEIRA_TABLE_MISSING without a table or a
 * snapshot at that time, ESTEIRA_COLUMN_MISSING for an unknown feature, ESTEIRA_USAGE for a time to live that is none
 */
export async function resolveView(
  { lakehouse, objects }: { readonly lakehouse: Lakehouse; readonly objects: ObjectStore },
  request: ViewRequest,
  at: { readonly knownAt?: Date; readonly recompute: boolean },
): Promise<ResolvedView> {
  const published = (versions: readonly RegisteredVersion[]) => publishedOf(lakehouse, versions, request, at)
  const registered =
    at.recompute && typeof request.view !== 'string' ? undefined : await versionOf(objects, request, published)
  const definition =
    typeof request.view === 'string' || registered === undefined ? registered?.definition : request.view
  const view = definition ?? request.view
  if (typeof view === 'string') throw new EsteiraError('ESTEIRA_INTERNAL', `view ${view} has no definition`)
  const ttlDays = request.ttlDays ?? view.ttlDays
  if (ttlDays !== undefined && !(Number.isSafeInteger(ttlDays) && ttlDays >= 0)) {
    throw new EsteiraError(
      'ESTEIRA_USAGE',
      `views.${view.name}.ttlDays: expected whole days, 0 or more, found ${JSON.stringify(ttlDays)}`,
    )
  }
  const table = tableNames.features(view)
  return {
    definition: view,
    version: registered?.version ?? 0,
    table,
    snapshotId: at.recompute ? undefined : await snapshotOf(lakehouse, table, request.snapshotId, at.knownAt),
    features: featuresOf(view, request),
    ...(ttlDays !== undefined && { ttlDays }),
    entity: request.entity ?? view.from.entity.column,
  }
}

async function versionOf(
  objects: ObjectStore,
  request: ViewRequest,
  published: (versions: readonly RegisteredVersion[]) => Promise<readonly RegisteredVersion[]>,
): Promise<RegisteredVersion> {
  const { view } = request
  const name = typeof view === 'string' ? view : view.name
  const versions = await published(await registeredVersions(objects, name))
  const hash = typeof view === 'string' ? undefined : featureHash(view)
  const found = versions.findLast(
    (each) => (hash === undefined || each.hash === hash) && (request.version ?? each.version) === each.version,
  )
  if (found !== undefined) return found
  const asked = request.version === undefined ? 'this definition' : `version ${request.version}`
  const known = versions.map(({ version }) => version).join(', ') || 'none'
  throw new EsteiraError('ESTEIRA_NO_DATA', `view ${name}: ${asked} was never published; there are versions ${known}`, {
    hint: 'Publish it first: npx esteira features backfill --project DIR --from DAY --to DAY. What there is: npx esteira features list',
    details: { view: name },
  })
}

/**
 * The versions that a view asked for by its name can mean: those with rows in the state that is read. A version whose batch
 * was refused, or that was published later than what is known, has none.
 */
async function publishedOf(
  lakehouse: Lakehouse,
  versions: readonly RegisteredVersion[],
  request: ViewRequest,
  { knownAt, recompute }: { readonly knownAt?: Date; readonly recompute: boolean },
): Promise<readonly RegisteredVersion[]> {
  const { view, version } = request
  if (typeof view !== 'string' || version !== undefined || versions.length < 2 || recompute) return versions
  const [first] = versions
  if (first === undefined) return versions
  const table = tableNames.features(first.definition)
  const snapshotId = await snapshotOf(lakehouse, table, request.snapshotId, knownAt)
  if (snapshotId === undefined) return versions
  const relation = await lakehouse.relation(table, { snapshotId })
  const found = await lakehouse.engine.query(`SELECT DISTINCT "_feature_version" AS "version" FROM ${relation}`)
  const there = toStrings(columnOf(found, 'version'))
  const published = versions.filter((each) => there.includes(String(each.version)))
  return published.length === 0 ? versions : published
}

async function snapshotOf(
  lakehouse: Lakehouse,
  table: string,
  snapshotId: string | undefined,
  knownAt: Date | undefined,
): Promise<string | undefined> {
  if (snapshotId !== undefined) return snapshotId
  if ((await lakehouse.table(table)) === undefined) {
    throw new EsteiraError(
      'ESTEIRA_TABLE_MISSING',
      `there is no table ${table}: no features of the view are published`,
      {
        hint: 'Publish them first: npx esteira features backfill --project DIR --from DAY --to DAY',
        details: { table },
      },
    )
  }
  return snapshotAt(lakehouse, table, knownAt)
}

/** The snapshot a table stands at now, or stood at a moment. @throws EsteiraError ESTEIRA_TABLE_MISSING */
export async function snapshotAt(
  lakehouse: Lakehouse,
  table: string,
  knownAt: Date | undefined,
): Promise<string | undefined> {
  if (knownAt === undefined) return (await lakehouse.table(table))?.snapshotId
  try {
    return (await lakehouse.plan(table, { version: { asOf: knownAt } })).snapshotId
  } catch (cause) {
    if (!(cause instanceof EsteiraError) || cause.code !== 'ESTEIRA_TABLE_MISSING') throw cause
    throw new EsteiraError(
      'ESTEIRA_TABLE_MISSING',
      `${table} cannot be read as it was known at ${knownAt.toISOString()}: it has no snapshot of that time`,
      {
        hint: 'Either nothing was published by then, or the snapshot has expired. With recompute: true the features are computed anew from source rows ingested up to that moment.',
        details: { table, knownAt: knownAt.toISOString() },
        cause,
      },
    )
  }
}

function featuresOf(view: FeatureView, request: ViewRequest): ResolvedView['features'] {
  const all = Object.keys(view.features)
  const names = request.features ?? all
  const unknown = names.find((name) => !all.includes(name))
  if (unknown !== undefined) {
    const near = nearest(unknown, all)
    throw new EsteiraError('ESTEIRA_COLUMN_MISSING', `view ${view.name} has no feature "${unknown}"`, {
      hint: near === undefined ? `The features: ${all.join(', ')}.` : `Did you mean "${near}"?`,
    })
  }
  if (names.length === 0) throw new EsteiraError('ESTEIRA_USAGE', `views.${view.name}.features: no feature was named`)
  return [...new Set(names)].map((name) => ({ name, as: `${request.prefix ?? ''}${name}` }))
}
