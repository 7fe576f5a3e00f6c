import {
  addDays,
  EsteiraError,
  type Frame,
  isNull,
  type Lakehouse,
  quoteName,
  quoteText,
  type SliceCondition,
} from '@esteira/core'
import type { JoinScope } from './prepare-join.js'
import { type ResolvedView, resolveView } from './resolve-views.js'
import type { ViewRequest } from './training-set-request.js'

export interface LatestRequest extends Omit<ViewRequest, 'entity' | 'prefix'> {
  /** Keys of the entities, at most 1,000. */
  readonly entities: readonly (string | number | bigint)[]
  /** No feature row later than this day `YYYY-MM-DD`. Default: today. */
  readonly asOf?: string
  readonly signal?: AbortSignal
}

const MOST_ENTITIES = 1000
/** Days that are looked at first; each further look reaches four times as far back. */
const FIRST_DAYS = 31

/** See `FeatureStore.latest`. */
export async function latestFeatures(
  request: LatestRequest,
  scope: JoinScope & { readonly now: () => Date },
): Promise<Frame> {
  const { lakehouse } = scope
  const view = await resolveView(scope, request, { recompute: false })
  const keys = keysOf(request, view)
  const asOf = dayOf(request.asOf, scope.now())
  const version = view.snapshotId === undefined ? {} : { snapshotId: view.snapshotId }
  const oldest = view.ttlDays === undefined ? undefined : addDays(asOf, -view.ttlDays)
  for (let days = FIRST_DAYS; ; days *= 4) {
    const reach = addDays(asOf, -days)
    const from = oldest !== undefined && oldest > reach ? oldest : reach
    const where: SliceCondition[] = [
      { column: 'feature_date', op: '<=', value: asOf },
      { column: 'feature_date', op: '>=', value: from },
    ]
    const relation = await lakehouse.relation(view.table, version, where)
    const sql = latestSql(view, { relation, keys, from, asOf })
    const frame = await lakehouse.engine.query(sql, request.signal && { signal: request.signal })
    if (from === oldest || allFound(frame) || !(await isMoreBefore(lakehouse, view, from))) return frame
  }
}

function keysOf({ entities }: LatestRequest, { definition }: ResolvedView): string[] {
  if (entities.length === 0 || entities.length > MOST_ENTITIES) {
    throw new EsteiraError(
      'ESTEIRA_USAGE',
      `latest: expected 1 to ${MOST_ENTITIES} entities, found ${entities.length}`,
      {
        hint: 'For many entities make a training set: getTrainingSet({ spine, views, asOf }).',
      },
    )
  }
  const { column, type } = definition.from.entity
  return entities.map((entity) => {
    if (type === 'string' && typeof entity === 'string') return quoteText(entity)
    if (type === 'long' && typeof entity !== 'string' && /^-?\d+$/.test(String(entity)))
      return `CAST(${entity} AS BIGINT)`
    throw new EsteiraError(
      'ESTEIRA_USAGE',
      `latest: ${column} of view ${definition.name} is a ${type}, found ${JSON.stringify(String(entity).slice(0, 40))}`,
    )
  })
}

function dayOf(asOf: string | undefined, now: Date): string {
  if (asOf === undefined) return now.toISOString().slice(0, 10)
  if (/^\d{4}-\d\d-\d\d$/.test(asOf) && addDays(asOf, 0) === asOf) return asOf
  throw new EsteiraError('ESTEIRA_USAGE', `asOf: expected a day YYYY-MM-DD, found ${JSON.stringify(asOf)}`)
}

interface Look {
  readonly relation: string
  readonly keys: readonly string[]
  readonly from: string
  readonly asOf: string
}

function latestSql({ definition, version, features }: ResolvedView, { relation, keys, from, asOf }: Look): string {
  const entity = quoteName(definition.from.entity.column)
  const names = features.map(({ name }) => quoteName(name))
  const newest = [
    `SELECT t.${entity} AS "entity", t."feature_date", ${names.map((name) => `t.${name}`).join(', ')},`,
    `row_number() OVER (PARTITION BY t.${entity} ORDER BY t."feature_date" DESC, t."_created_at" DESC NULLS LAST) AS "place"`,
    `FROM ${relation} AS t WHERE t."_feature_version" = ${version} AND t.${entity} IN (${keys.join(', ')})`,
    `AND t."feature_date" BETWEEN DATE ${quoteText(from)} AND DATE ${quoteText(asOf)}`,
  ].join('\n')
  const asked = keys.map((key, position) => `(${position}, ${key})`).join(', ')
  return [
    `SELECT e."entity" AS ${entity}, n."feature_date", ${names.map((name) => `n.${name}`).join(', ')}`,
    `FROM (VALUES ${asked}) AS e("position", "entity")`,
    `LEFT JOIN (SELECT * FROM (${newest}) AS r WHERE r."place" = 1) AS n ON n."entity" = e."entity"`,
    'ORDER BY e."position"',
  ].join('\n')
}

function allFound(frame: Frame): boolean {
  const dates = frame.columns.get('feature_date')
  return (
    dates !== undefined && Array.from({ length: frame.rowCount }, (_, row) => row).every((row) => !isNull(dates, row))
  )
}

/** Whether the table has files with older rows: known from its metadata. */
async function isMoreBefore(lakehouse: Lakehouse, view: ResolvedView, day: string): Promise<boolean> {
  const version = view.snapshotId === undefined ? {} : { snapshotId: view.snapshotId }
  const where: SliceCondition[] = [{ column: 'feature_date', op: '<', value: day }]
  return (await lakehouse.plan(view.table, { version, where })).filesRead > 0
}
