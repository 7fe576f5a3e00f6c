import {
  addDays,
  EsteiraError,
  type FeatureView,
  type Lakehouse,
  monthsBetween,
  type ObjectStore,
  tableNames,
  toRows,
} from '@esteira/core'
import { ensureFeatureVersion, type FeatureVersion } from '@esteira/lakehouse'
import { extractFeatures } from './extract-features.js'
import type { ReferenceTables } from './references.js'
import { validateFeatures } from './validate-features.js'

/** Which days of a range are feature dates. */
export const BACKFILL_STEPS = ['day', 'week', 'month'] as const
export type BackfillStep = (typeof BACKFILL_STEPS)[number]

export interface BackfillOptions {
  readonly view: FeatureView
  readonly lakehouse: Lakehouse
  readonly objects: ObjectStore
  /** Silver, read at one snapshot from the first date to the last. */
  readonly silverTable: string
  readonly silverSnapshotId: string
  readonly featureDates: readonly string[]
  /** Dates computed in one pass over silver. Default 12. */
  readonly chunk?: number
  /** Computes dates anew that are published already; else they are left as they are. */
  readonly replace?: boolean
  readonly references?: ReferenceTables
  readonly runId: string
  readonly now: () => Date
  readonly onProgress?: (progress: BackfillProgress) => void
  readonly signal?: AbortSignal
}

export interface BackfillProgress {
  readonly featureDate: string
  /** `published`, or why it was not: published before, or no event before the date. */
  readonly outcome: 'published' | 'there already' | 'no events'
  readonly rows: number
  /** Dates done, this one among them, of all. */
  readonly done: number
  readonly total: number
}

export interface BackfillResult {
  readonly version: FeatureVersion
  readonly published: readonly string[]
  readonly thereAlready: readonly string[]
  readonly withoutEvents: readonly string[]
  readonly rows: number
}

/** The feature dates from `from` to `to`, both included: every day, every seventh, or the first days of months. */
export function backfillDates(from: string, to: string, step: BackfillStep): string[] {
  if (from > to) throw new EsteiraError('ESTEIRA_USAGE', `backfill: --from ${from} is after --to ${to}`)
  const dates: string[] = []
  if (step === 'month') dates.push(...monthsBetween(from, to))
  else for (let day = from; day <= to; day = addDays(day, step === 'day' ? 1 : 7)) dates.push(day)
  if (dates.length > 0) return dates
  throw new EsteiraError('ESTEIRA_USAGE', `backfill: there is no first day of a month from ${from} to ${to}`, {
    hint: 'Take a longer range, or --every day or --every week.',
  })
}

/**
 * Computes and publishes the features of many dates: chunks of dates in one pass over silver each, checked like every
 * publication, one commit a date. Interrupted, it goes on where it ended: dates that are published are left alone. The commit id
 * is made of view, definition, date and silver's snapshot, so that two backfills at once commit a date once.
 *
 * @throws EsteiraError ESTEIRA_FEATURES_REFUSED for the first date that fails its checks; dates before it stay published
 */
export async function backfillFeatures(options: BackfillOptions): Promise<BackfillResult> {
  const { view, objects, now } = options
  const size = options.chunk ?? 12
  if (!Number.isSafeInteger(size) || size < 1) {
    throw new EsteiraError('ESTEIRA_USAGE', `backfill: --chunk: expected a whole number of dates from 1, found ${size}`)
  }
  const version = await ensureFeatureVersion(objects, view, now())
  const all = [...new Set(options.featureDates)].sort()
  const there = options.replace === true ? new Set<string>() : await publishedDates(options, version.version)
  const thereAlready = all.filter((day) => there.has(day))
  const missing = all.filter((day) => !there.has(day))
  const progress = new Progress(all.length, options.onProgress)
  for (const day of thereAlready) progress.tell(day, 'there already', 0)
  for (let first = 0; first < missing.length; first += size) {
    await backfillChunk({ ...options, version }, missing.slice(first, first + size), progress)
  }
  return { version, thereAlready, ...progress.result() }
}

/** The dates that have rows of the version. */
async function publishedDates(
  { lakehouse, view, featureDates }: BackfillOptions,
  version: number,
): Promise<Set<string>> {
  const table = tableNames.features(view)
  if ((await lakehouse.table(table))?.snapshotId === undefined) return new Set()
  const relation = await lakehouse.relation(table, {}, [{ column: 'feature_date', op: 'in', value: featureDates }])
  const sql = `SELECT DISTINCT CAST("feature_date" AS VARCHAR) AS "day" FROM ${relation} AS t WHERE "_feature_version" = ${version}`
  return new Set(toRows(await lakehouse.engine.query(sql)).map(({ day }) => String(day)))
}

type ChunkOptions = BackfillOptions & { readonly version: FeatureVersion }

async function backfillChunk(options: ChunkOptions, dates: readonly string[], progress: Progress): Promise<void> {
  const { view, objects, runId, signal } = options
  const stagingKey = `staging/${runId}/${view.name}/${dates[0]}.parquet`
  const extracted = await extractFeatures({
    ...options,
    featureDates: dates,
    stagingKey,
    createdAt: options.now(),
  }).catch((cause: unknown) => {
    if (cause instanceof EsteiraError && cause.code === 'ESTEIRA_NO_DATA') return undefined
    throw cause
  })
  for (const day of dates) {
    if (signal?.aborted === true) {
      throw new EsteiraError(
        'ESTEIRA_INTERRUPTED',
        `the backfill of ${view.name} was stopped before ${day}; earlier dates are published`,
        {
          hint: 'Run the same command again: it goes on from there.',
        },
      )
    }
    if (extracted?.featureDates.includes(day) !== true) progress.tell(day, 'no events', 0)
    else
      progress.tell(
        day,
        'published',
        await publishDate(options, { day, stagingKey, newestEvents: extracted.newestEvents }),
      )
  }
  await objects.delete(stagingKey)
}

/** Publishes one date of a staged chunk. */
async function publishDate(
  options: ChunkOptions,
  chunk: { readonly day: string; readonly stagingKey: string; readonly newestEvents: Readonly<Record<string, string>> },
): Promise<number> {
  const { view, lakehouse, objects, version, runId, silverSnapshotId, signal } = options
  const { day } = chunk
  const stagingKey = `staging/${runId}/${view.name}/${day}-alone.parquet`
  const rows = `SELECT * FROM ${await lakehouse.parquet(chunk.stagingKey)} AS s WHERE "feature_date" = DATE '${day}'`
  await lakehouse.writeParquet(stagingKey, rows, signal && { signal })
  const published = await validateFeatures({
    ...options,
    stagingKey,
    featureDates: [day],
    featureVersion: version.version,
    newestEvents: chunk.newestEvents,
    reportKey: `reports/${runId}/validation-${day}.json`,
    commitId: `backfill/${view.name}/${version.hash}/${day}/${silverSnapshotId}`,
  })
  for (const key of [stagingKey, `${stagingKey}.checked`]) await objects.delete(key)
  return published.rowsPublished
}

class Progress {
  readonly #total: number
  readonly #tell: BackfillOptions['onProgress']
  readonly #dates: Record<BackfillProgress['outcome'], string[]> = {
    published: [],
    'there already': [],
    'no events': [],
  }
  #done = 0
  #rows = 0

  constructor(total: number, tell: BackfillOptions['onProgress']) {
    this.#total = total
    this.#tell = tell
  }

  tell(featureDate: string, outcome: BackfillProgress['outcome'], rows: number): void {
    this.#done += 1
    this.#rows += rows
    this.#dates[outcome].push(featureDate)
    this.#tell?.({ featureDate, outcome, rows, done: this.#done, total: this.#total })
  }

  result(): Pick<BackfillResult, 'published' | 'withoutEvents' | 'rows'> {
    return { published: this.#dates.published, withoutEvents: this.#dates['no events'], rows: this.#rows }
  }
}
