import {
  type Dialect,
  EsteiraError,
  type Lakehouse,
  type ObjectStore,
  quoteName,
  type TableRead,
  toRows,
} from '@esteira/core'
import { athenaSelectToDuckDb } from '../sql-text/athena-select.js'
import { atRiskPopulation } from './at-risk-population.js'
import { frameDigest } from './frame-digest.js'
import { snapshotAt } from './resolve-views.js'
import type { ChurnLabels, TrainingSetRequest } from './training-set-request.js'

/** The rows that features are put to. */
export interface ResolvedSpine {
  /** SQL text that stands for them in a FROM clause. */
  readonly relation: string
  /** The same for people, in Athena's dialect. */
  readonly text: string
  readonly time?: string
  /** Columns with the engine's own words for their types. */
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  readonly tables: readonly TableRead[]
  /** What it was made of, for the manifest: plain JSON without places. */
  readonly about: Readonly<Record<string, unknown>>
}

export interface SpineOptions {
  readonly lakehouse: Lakehouse
  readonly objects: ObjectStore
  /** Key for the columns of a frame. */
  readonly scratchKey: string
  /** Events of a label as they were known at a moment; absent where tables are read at snapshots. */
  readonly eventsKnownAt?: (labels: ChurnLabels) => Promise<{ readonly relation: string; readonly read: TableRead }>
}

/**
 * Finds the rows of a request and their columns.
 *
 * @throws EsteiraError ESTEIRA_USAGE without rows or with both kinds, ESTEIRA_SQL, ESTEIRA_TABLE_MISSING
 */
export async function resolveSpine(request: TrainingSetRequest, options: SpineOptions): Promise<ResolvedSpine> {
  const { spine, labels } = request
  if ((spine === undefined) === (labels === undefined)) {
    throw new EsteiraError('ESTEIRA_USAGE', 'a training set needs rows: expected one of spine and labels', {
      hint: "Give spine: { query: 'SELECT customer_id, event_time FROM …', time: 'event_time' }, or labels of a project.",
    })
  }
  if (labels !== undefined) return labelSpine(labels, request, options)
  if (spine !== undefined && 'query' in spine) return querySpine(spine, request, options)
  if (spine === undefined) throw new EsteiraError('ESTEIRA_INTERNAL', 'no spine')
  await options.lakehouse.writeFrames(options.scratchKey, [spine.frame])
  return describe(options, {
    relation: await options.lakehouse.parquet(options.scratchKey),
    text: '"rows in memory"',
    ...(spine.time !== undefined && { time: spine.time }),
    tables: [],
    about: { kind: 'frame', rows: spine.frame.rowCount, sha256: frameDigest(spine.frame) },
  })
}

async function querySpine(
  { query, time }: { readonly query: string; readonly time?: string },
  request: TrainingSetRequest,
  options: SpineOptions,
): Promise<ResolvedSpine> {
  const { lakehouse } = options
  const tables: TableRead[] = []
  const sql = await athenaSelectToDuckDb({
    sql: query,
    resolveTable: async (name, asked) => {
      const isPlain = asked === undefined && !name.includes('$')
      const snapshotId = isPlain ? await snapshotAt(lakehouse, name, request.knownAt) : asked?.snapshotId
      tables.push({ table: name, snapshotId: snapshotId ?? null })
      return lakehouse.relation(name, snapshotId === undefined ? (asked ?? {}) : { snapshotId })
    },
  })
  return describe(options, {
    relation: `(${sql})`,
    text: `(${query.trim().replace(/;$/, '')})`,
    ...(time !== undefined && { time }),
    tables,
    about: { kind: 'query', query: query.trim(), tables },
  })
}

async function labelSpine(
  labels: ChurnLabels,
  request: TrainingSetRequest,
  options: SpineOptions,
): Promise<ResolvedSpine> {
  const { lakehouse, eventsKnownAt } = options
  const { label, from, events, dates } = labels
  const entity = from.entity.column
  const known = await eventsKnownAt?.(labels)
  const snapshotId =
    labels.snapshotId ?? (known === undefined ? await snapshotAt(lakehouse, events, request.knownAt) : undefined)
  const relation = known?.relation ?? (await lakehouse.relation(events, snapshotId === undefined ? {} : { snapshotId }))
  const read = known?.read ?? { table: events, snapshotId: snapshotId ?? null }
  const select = (source: string, dialect: Dialect) => {
    const rows = atRiskPopulation({
      dialect,
      source,
      entity,
      featureDates: dates,
      horizonDays: label.horizonDays,
    })
    return `(SELECT p."feature_date", p."entity" AS ${quoteName(entity)}, 1 - p."stayed" AS ${quoteName(label.name)} FROM (${rows}) AS p)`
  }
  return describe(options, {
    relation: select(relation, lakehouse.engine.dialect),
    text: select(versionedName(read), 'trino'),
    time: 'feature_date',
    tables: [read],
    about: { kind: 'labels', label, dates, events },
  })
}

/** `"silver"."orders" FOR VERSION AS OF 42`, as Athena reads it. */
export function versionedName({ table, snapshotId }: TableRead): string {
  const name = table.split('.').map(quoteName).join('.')
  return snapshotId === null ? name : `${name} FOR VERSION AS OF ${snapshotId}`
}

async function describe({ lakehouse }: SpineOptions, spine: Omit<ResolvedSpine, 'columns'>): Promise<ResolvedSpine> {
  return { ...spine, columns: await columnsOf(lakehouse, spine.relation) }
}

/** Columns of a relation with their types in the engine's words, without reading rows. */
export async function columnsOf(
  lakehouse: Lakehouse,
  relation: string,
): Promise<{ readonly name: string; readonly type: string }[]> {
  const none = `(SELECT * FROM ${relation} AS s LIMIT 0) AS n`
  const names = [...(await lakehouse.engine.query(`SELECT * FROM ${none}`)).columns.keys()]
  const types = names.map((name, index) => `typeof(max(n.${quoteName(name)})) AS "c${index}"`)
  const [row] = toRows(await lakehouse.engine.query(`SELECT ${types.join(', ')} FROM ${none}`))
  return names.map((name, index) => ({ name, type: String(row?.[`c${index}`] ?? '').toLowerCase() }))
}
