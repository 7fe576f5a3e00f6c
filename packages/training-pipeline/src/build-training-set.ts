import {
  addDays,
  type ChurnLabel,
  columnOf,
  EsteiraError,
  type FeatureView,
  type Frame,
  hashFile,
  type Lakehouse,
  type ObjectStore,
  quoteName,
  quoteText,
  recencyFeature,
  toFloat64,
  toStrings,
} from '@esteira/core'
import { z } from 'zod'
import { checkFreshness } from './check-freshness.js'
import { type PurgedSplit, partsByDate, purgedSplit } from './split.js'
import type { TrainingSet } from './training-set.js'

export interface BuildOptions {
  readonly lakehouse: Lakehouse
  readonly objects: ObjectStore
  readonly view: FeatureView
  readonly label: ChurnLabel
  readonly featureTable: string
  readonly featureSnapshotId: string
  readonly featureVersion: number
  readonly silverTable: string
  readonly silverSnapshotId: string
  /** Feature dates to use; those whose label is not mature at `runDay` are left out. */
  readonly featureDates: readonly string[]
  readonly runDay: string
  /** Key of a scratch object; the set itself is kept under its digest. */
  readonly scratchKey: string
  readonly signal?: AbortSignal
}

const splitSchema = z.object({
  test: z.string(),
  validation: z.string().optional(),
  train: z.array(z.string()),
  finalFit: z.array(z.string()),
  horizonDays: z.number(),
  note: z.string().optional(),
})

/** What is kept beside a stored training set; `digest` names it. */
export const trainingSetManifest = z.object({
  digest: z.string(),
  dataKey: z.string(),
  rowCount: z.number(),
  label: z.string(),
  entity: z.string(),
  features: z.array(z.string()),
  recency: z.string().optional(),
  split: splitSchema,
  origin: z.record(z.string(), z.unknown()),
})
export type TrainingSetManifest = z.output<typeof trainingSetManifest>

/**
 * Joins features to labels at fixed snapshots and stores the rows as Parquet under the sha256 of their bytes: the same
 * snapshots give the same digest, and the set stays readable after the snapshots expire.
 *
 * Population at D: entities with an event in `[D - H, D)`. Label: 1 when there is none in `[D, D + H)`.
 *
 * @throws EsteiraError ESTEIRA_NO_DATA when no date is mature or no row is left, ESTEIRA_SOURCE_STALE when silver ends too early
 */
export async function buildTrainingSet(options: BuildOptions): Promise<TrainingSetManifest> {
  const { lakehouse, objects, view, label, runDay } = options
  await checkFreshness({ ...options, freshWithinDays: view.from.freshWithinDays })
  const dates = options.featureDates.filter((day) => addDays(day, label.horizonDays) <= runDay)
  const split = purgedSplit(dates, label.horizonDays)
  const sql = await trainingRowsSql(options, dates)
  const written = await lakehouse.writeParquet(options.scratchKey, sql, options.signal && { signal: options.signal })
  if (written.rowCount === 0) {
    throw new EsteiraError('ESTEIRA_NO_DATA', `${view.name}: no entity is at risk at ${dates.join(', ')}`, {
      hint: `At risk is who had an event in the ${label.horizonDays} days before the date.`,
    })
  }
  const path = await objects.localPath(options.scratchKey)
  const digest = await hashFile(path)
  const dataKey = `training-sets/${digest}/data.parquet`
  if (!(await objects.list(`training-sets/${digest}/`)).some(({ key }) => key === dataKey))
    await objects.upload(dataKey, path)
  await objects.delete(options.scratchKey)
  const recency = recencyFeature(view)
  const manifest: TrainingSetManifest = {
    digest,
    dataKey,
    rowCount: written.rowCount,
    label: label.name,
    entity: view.from.entity.column,
    features: Object.keys(view.features),
    ...(recency !== undefined && { recency }),
    split: withoutReadonly(split),
    origin: {
      tables: [
        { table: options.featureTable, snapshotId: options.featureSnapshotId },
        { table: options.silverTable, snapshotId: options.silverSnapshotId },
      ],
      featureVersion: options.featureVersion,
      featureDates: dates,
      horizonDays: label.horizonDays,
    },
  }
  await objects.put(`training-sets/${digest}/manifest.json`, JSON.stringify(manifest, null, 2))
  return manifest
}

function withoutReadonly(split: PurgedSplit): z.output<typeof splitSchema> {
  return { ...split, train: [...split.train], finalFit: [...split.finalFit] }
}

async function trainingRowsSql(options: BuildOptions, dates: readonly string[]): Promise<string> {
  const { lakehouse, view, label } = options
  const features = await lakehouse.relation(options.featureTable, { snapshotId: options.featureSnapshotId })
  const events = await lakehouse.relation(options.silverTable, { snapshotId: options.silverSnapshotId })
  const entity = quoteName(view.from.entity.column)
  const days = dates.map((day) => `(DATE ${quoteText(day)})`).join(', ')
  const age = `date_diff('day', CAST(e."local_ts" AS DATE), d."feature_date")`
  const horizon = label.horizonDays
  const seen = [
    `SELECT e.${entity} AS "entity", d."feature_date", max(CASE WHEN ${age} >= 1 THEN 1 ELSE 0 END) AS "before", max(CASE WHEN ${age} <= 0 THEN 1 ELSE 0 END) AS "after"`,
    `FROM ${events} AS e JOIN (VALUES ${days}) AS d("feature_date") ON ${age} BETWEEN ${1 - horizon} AND ${horizon}`,
    `WHERE NOT e."is_refund" GROUP BY e.${entity}, d."feature_date"`,
  ].join(' ')
  const columns = Object.keys(view.features).map((name) => `f.${quoteName(name)}`)
  return [
    `SELECT f.${entity}, f."feature_date", ${columns.join(', ')}, CAST(1 - s."after" AS INTEGER) AS ${quoteName(label.name)}`,
    `FROM ${features} AS f JOIN (${seen}) AS s ON s."entity" = f.${entity} AND s."feature_date" = f."feature_date"`,
    `WHERE s."before" = 1 AND f."_feature_version" = ${options.featureVersion}`,
    `ORDER BY f."feature_date", f.${entity}`,
  ].join('\n')
}

/**
 * Reads a stored training set by its digest.
 *
 * @throws EsteiraError ESTEIRA_NO_DATA when there is none under the digest
 */
export async function readTrainingSet(
  lakehouse: Lakehouse,
  objects: ObjectStore,
  digest: string,
): Promise<TrainingSet> {
  const body = await objects.get(`training-sets/${digest}/manifest.json`)
  if (body === undefined) {
    throw new EsteiraError('ESTEIRA_NO_DATA', `there is no training set ${digest}`, {
      hint: 'Run the step prepare_training_data again.',
    })
  }
  const manifest = trainingSetManifest.parse(JSON.parse(new TextDecoder().decode(body)))
  const frame = await lakehouse.engine.query(`SELECT * FROM ${await lakehouse.parquet(manifest.dataKey)} AS t`)
  const { test, validation, note, ...split } = manifest.split
  return {
    features: selectColumns(frame, manifest.features),
    labels: Uint8Array.from(toFloat64(columnOf(frame, manifest.label))),
    labelName: manifest.label,
    parts: partsByDate(
      { ...split, test, ...(validation !== undefined && { validation }) },
      { dates: texts(frame, 'feature_date'), entities: texts(frame, manifest.entity) },
    ),
    digest,
    notes: note === undefined ? [] : [note],
    ...(manifest.recency !== undefined && { recency: manifest.recency }),
    testDate: test,
    origin: manifest.origin,
  }
}

function texts(frame: Frame, name: string): string[] {
  return toStrings(columnOf(frame, name)).map((text) => text ?? '')
}

/** The named columns, in that order. */
export function selectColumns(frame: Frame, names: readonly string[]): Frame {
  return { rowCount: frame.rowCount, columns: new Map(names.map((name) => [name, columnOf(frame, name)])) }
}
