import { type DatasetInput, EsteiraError } from '@esteira/core'
import { z } from 'zod'
import { checkDataset, checkMetrics, checkParams, type TimedMetric } from '../limits.js'
import type { Database } from './database.js'

/** Every value in `metrics`, the newest of each key (by step, then time, then value) in `latest_metrics`. */
export function insertMetrics(database: Database, runId: string, metrics: readonly TimedMetric[]): void {
  checkMetrics(metrics)
  database.runMany(
    `INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT DO NOTHING`,
    metrics.map((metric) => [metric.key, stored(metric), metric.timestampMs, runId, metric.step, isNan(metric)]),
  )
  database.runMany(
    `INSERT INTO latest_metrics (key, value, timestamp, step, is_nan, run_uuid) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET value = excluded.value, timestamp = excluded.timestamp, step = excluded.step,
       is_nan = excluded.is_nan
     WHERE (excluded.step, excluded.timestamp, excluded.value)
       > (latest_metrics.step, latest_metrics.timestamp, latest_metrics.value)`,
    [...newestOfEach(metrics)].map((metric) => [
      metric.key,
      stored(metric),
      metric.timestampMs,
      metric.step,
      isNan(metric),
      runId,
    ]),
  )
}

/** MLflow's SQL store has no infinities: it keeps the largest double in their place, and 0 with a mark for NaN. */
export function stored(metric: Pick<TimedMetric, 'value'>): number {
  if (Number.isNaN(metric.value)) return 0
  return Math.min(Math.max(metric.value, -Number.MAX_VALUE), Number.MAX_VALUE)
}

function isNan(metric: TimedMetric): number {
  return Number.isNaN(metric.value) ? 1 : 0
}

function newestOfEach(metrics: readonly TimedMetric[]): Iterable<TimedMetric> {
  const newest = new Map<string, TimedMetric>()
  for (const metric of metrics) {
    const known = newest.get(metric.key)
    if (known === undefined || isNewer(metric, known)) newest.set(metric.key, metric)
  }
  return newest.values()
}

function isNewer(a: TimedMetric, b: TimedMetric): boolean {
  if (a.step !== b.step) return a.step > b.step
  if (a.timestampMs !== b.timestampMs) return a.timestampMs > b.timestampMs
  return stored(a) > stored(b)
}

/** A param is written once; the same value again changes nothing, another value is refused. */
export function insertParams(database: Database, runId: string, params: Readonly<Record<string, string>>): void {
  checkParams(params)
  const known = new Map(
    database
      .all(z.object({ key: z.string(), value: z.string() }), 'SELECT key, value FROM params WHERE run_uuid = ?', [
        runId,
      ])
      .map((row) => [row.key, row.value]),
  )
  for (const [key, value] of Object.entries(params)) {
    const old = known.get(key)
    if (old !== undefined && old !== value) {
      throw new EsteiraError('ESTEIRA_MLFLOW', `param ${key} of run ${runId} is ${old} and cannot become ${value}`, {
        hint: 'A param is written once. Log the new value under another name, or in a new run.',
        details: { runId, key },
      })
    }
  }
  database.runMany(
    'INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?)',
    Object.entries(params)
      .filter(([key]) => !known.has(key))
      .map(([key, value]) => [key, value, runId]),
  )
}

/** A dataset is kept once per experiment (by name and digest) and linked to the run. */
export function insertDatasets(
  database: Database,
  run: { readonly runId: string; readonly experimentId: number },
  datasets: readonly DatasetInput[],
  newId: () => string,
): void {
  for (const dataset of datasets) {
    checkDataset(dataset)
    const datasetId = ensureDataset(database, run.experimentId, dataset, newId)
    const inputId = newId()
    const linked = database.run(
      `INSERT INTO inputs (input_uuid, source_type, source_id, destination_type, destination_id, step)
       VALUES (?, 'DATASET', ?, 'RUN', ?, 0) ON CONFLICT DO NOTHING`,
      [inputId, datasetId, run.runId],
    )
    if (linked === 0) continue
    database.run(`INSERT INTO input_tags (input_uuid, name, value) VALUES (?, 'mlflow.data.context', ?)`, [
      inputId,
      dataset.context,
    ])
  }
}

function ensureDataset(database: Database, experimentId: number, dataset: DatasetInput, newId: () => string): string {
  database.run(
    `INSERT INTO datasets (dataset_uuid, experiment_id, name, digest, dataset_source_type, dataset_source,
       dataset_schema, dataset_profile)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    [
      newId(),
      experimentId,
      dataset.name,
      dataset.digest,
      dataset.sourceType,
      dataset.source,
      dataset.schema ?? null,
      dataset.profile ?? null,
    ],
  )
  const row = database.first(
    z.object({ id: z.string() }),
    'SELECT dataset_uuid AS id FROM datasets WHERE experiment_id = ? AND name = ? AND digest = ?',
    [experimentId, dataset.name, dataset.digest],
  )
  if (row === undefined) throw new EsteiraError('ESTEIRA_INTERNAL', `dataset ${dataset.name} was not stored`)
  return row.id
}
