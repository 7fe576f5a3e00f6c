import {
  addDays,
  type ChurnLabel,
  columnOf,
  EsteiraError,
  type FeatureView,
  type Frame,
  type Lakehouse,
  type ObjectStore,
  recencyFeature,
  toFloat64,
  toStrings,
} from '@esteira/core'
import { openFeatureStore, type StoredTrainingSet } from '@esteira/lakehouse'
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
  name: z.string(),
  dataKey: z.string(),
  rowCount: z.number(),
  label: z.string(),
  entity: z.string(),
  features: z.array(z.string()),
  recency: z.string().optional(),
  split: splitSchema,
  /** Feature dates that were asked for and have no row: the history begins later. */
  emptyDates: z.array(z.string()).optional(),
  /** Feature dates whose labels reach past the newest row of the source. */
  unknownDates: z.array(z.string()).optional(),
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
  const { newest } = await checkFreshness({ ...options, freshWithinDays: view.from.freshWithinDays })
  const mature = options.featureDates.filter((day) => addDays(day, label.horizonDays) <= runDay).sort()
  // Where the data end before the run date, the last labels are not known yet: nobody has a row there.
  const dates = mature.filter((day) => addDays(day, label.horizonDays) <= addDays(newest, 1))
  const unknownDates = mature.filter((day) => !dates.includes(day))
  if (dates.length === 0) throw noMatureDate(options)
  if (view.activeWithinDays < label.horizonDays) throw populationTooSmall(options)
  const stored = await joinFeatures(options, dates)
  const { digest, dataKey, rowCount } = stored
  const filled = await datesWithRows(lakehouse, dataKey)
  const empty = dates.filter((day) => !filled.includes(day))
  if (rowCount === 0 || filled.at(-1) !== dates.at(-1)) throw noRows(options, empty)
  const split = purgedSplit(filled, label.horizonDays)
  const recency = recencyFeature(view)
  const manifest: TrainingSetManifest = {
    digest,
    name: view.name,
    dataKey,
    rowCount,
    label: label.name,
    entity: view.from.entity.column,
    features: Object.keys(view.features),
    ...(recency !== undefined && { recency }),
    split: withoutReadonly(split),
    ...(empty.length > 0 && { emptyDates: empty }),
    ...(unknownDates.length > 0 && { unknownDates }),
    origin: {
      tables: [
        { table: options.featureTable, snapshotId: options.featureSnapshotId },
        { table: options.silverTable, snapshotId: options.silverSnapshotId },
      ],
      featureVersion: options.featureVersion,
      featureDates: filled,
      horizonDays: label.horizonDays,
      atRisk: stored.spineRows,
      withoutFeatures: stored.rowsDropped,
    },
  }
  await objects.put(splitKey(digest), JSON.stringify(manifest, null, 2))
  return manifest
}

/** Feature dates of a stored file, oldest first. */
async function datesWithRows(lakehouse: Lakehouse, key: string): Promise<string[]> {
  const sql = `SELECT DISTINCT "feature_date" FROM ${await lakehouse.parquet(key)} AS t ORDER BY "feature_date"`
  return texts(await lakehouse.engine.query(sql), 'feature_date')
}

function noMatureDate({ view, label, featureDates, runDay }: BuildOptions): EsteiraError {
  return new EsteiraError(
    'ESTEIRA_NO_DATA',
    `${view.name}: no feature date has a mature label at ${runDay}; asked for ${featureDates.join(', ') || 'none'}`,
    {
      hint: `A label is known ${label.horizonDays} days after its date: take dates of ${addDays(runDay, -label.horizonDays)} or earlier.`,
    },
  )
}

function noRows({ view, label, featureTable }: BuildOptions, empty: readonly string[]): EsteiraError {
  return new EsteiraError(
    'ESTEIRA_NO_DATA',
    `${view.name}: no entity is at risk, or no features are published, at ${empty.join(', ')}`,
    {
      hint: `At risk is who had an event in the ${label.horizonDays} days before the date. What is published: npx esteira sql "SELECT feature_date, count(*) FROM ${featureTable} GROUP BY 1 ORDER BY 1"`,
    },
  )
}

function populationTooSmall({ view, label }: BuildOptions): EsteiraError {
  return new EsteiraError(
    'ESTEIRA_PROJECT',
    `${view.name} holds entities of the last ${view.activeWithinDays} days; the label ${label.name} needs those of ${label.horizonDays}`,
    { hint: `Set activeWithinDays of the view to ${label.horizonDays} or more, or inactiveDays of the label to less.` },
  )
}

function withoutReadonly(split: PurgedSplit): z.output<typeof splitSchema> {
  return { ...split, train: [...split.train], finalFit: [...split.finalFit] }
}

/** Who is at risk at each date, with the label and the features of exactly that date. */
function joinFeatures(options: BuildOptions, dates: readonly string[]): Promise<StoredTrainingSet> {
  const { lakehouse, objects, view, label, signal } = options
  const features = openFeatureStore({
    lakehouse,
    objects,
    newId: () => options.scratchKey,
    now: () => new Date(`${options.runDay}T00:00:00Z`),
  })
  return features.getTrainingSet({
    name: view.name,
    labels: { label, from: view.from, events: options.silverTable, dates, snapshotId: options.silverSnapshotId },
    // Features of an older date would be a model that is asked other questions than it learnt.
    views: [{ view, version: options.featureVersion, snapshotId: options.featureSnapshotId, ttlDays: 0 }],
    missing: 'drop',
    ...(signal && { signal }),
  })
}

/** Beside the rows and their origin, what training makes of them. */
function splitKey(digest: string): string {
  return `training-sets/${digest}/split.json`
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
  const body = await objects.get(splitKey(digest))
  if (body === undefined) {
    throw new EsteiraError('ESTEIRA_NO_DATA', `there is no training set ${digest}`, {
      hint: 'Run the step prepare_training_data again.',
    })
  }
  const manifest = trainingSetManifest.parse(JSON.parse(new TextDecoder().decode(body)))
  const frame = await lakehouse.engine.query(`SELECT * FROM ${await lakehouse.parquet(manifest.dataKey)} AS t`)
  const { test, validation, note, ...split } = manifest.split
  return {
    name: manifest.name,
    features: selectColumns(frame, manifest.features),
    labels: Uint8Array.from(toFloat64(columnOf(frame, manifest.label))),
    labelName: manifest.label,
    parts: partsByDate(
      { ...split, test, ...(validation !== undefined && { validation }) },
      { dates: texts(frame, 'feature_date'), entities: texts(frame, manifest.entity) },
    ),
    digest,
    notes: [
      ...(note === undefined ? [] : [note]),
      ...(manifest.emptyDates === undefined ? [] : [`no rows at ${manifest.emptyDates.join(', ')}: left out`]),
      ...(manifest.unknownDates === undefined
        ? []
        : [`labels of ${manifest.unknownDates.join(', ')} reach past the newest row of the source: left out`]),
    ],
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
