import { EsteiraError } from '@esteira/core'
import { z } from 'zod'
import { appendToUri } from '../artifact-uri.js'
import type { TimedMetric } from '../limits.js'
import type { LoggedModelFields } from '../logged-model.js'
import type { Database } from './database.js'
import { stored } from './file-batch.js'
import { type RunRow, requireExperiment } from './file-runs.js'

/** MLflow's numbers for the state of a logged model. */
export const LOGGED_MODEL_STATUS = { pending: 1, ready: 2, uploadFailed: 3 } as const

const loggedModelRow = z.object({
  model_id: z.string(),
  artifact_location: z.string(),
  status: z.number(),
  source_run_id: z.string().nullable(),
})
export type LoggedModelRow = z.infer<typeof loggedModelRow>

export interface PendingModel {
  readonly modelId: string
  readonly name: string
  readonly modelType: string
  readonly fields: LoggedModelFields
  readonly nowMs: number
  /** Of the row that links the run with its output. */
  readonly inputId: string
}

/** A pending logged model, linked to its run as an output; gives its artifact address. */
export function insertPendingModel(database: Database, run: RunRow, model: PendingModel): string {
  const experiment = requireExperiment(database, String(run.experiment_id))
  const artifactUri = appendToUri(experiment.artifact_location, 'models', model.modelId, 'artifacts')
  database.run(
    `INSERT INTO logged_models (model_id, experiment_id, name, artifact_location, creation_timestamp_ms,
       last_updated_timestamp_ms, status, lifecycle_stage, model_type, source_run_id)
     VALUES (?, ?, ?, ?, ?, ?, ?, 'active', ?, ?)`,
    [
      model.modelId,
      run.experiment_id,
      model.name,
      artifactUri,
      model.nowMs,
      model.nowMs,
      LOGGED_MODEL_STATUS.pending,
      model.modelType,
      run.run_uuid,
    ],
  )
  const { params, tags } = model.fields
  database.runMany(
    'INSERT INTO logged_model_params (model_id, experiment_id, param_key, param_value) VALUES (?, ?, ?, ?)',
    Object.entries(params).map(([key, value]) => [model.modelId, run.experiment_id, key, value]),
  )
  for (const [key, value] of Object.entries(tags)) setLoggedModelTag(database, model.modelId, key, value)
  database.run(
    `INSERT INTO inputs (input_uuid, source_type, source_id, destination_type, destination_id, step)
     VALUES (?, 'RUN_OUTPUT', ?, 'MODEL_OUTPUT', ?, 0)`,
    [model.inputId, run.run_uuid, model.modelId],
  )
  return artifactUri
}

export function insertModelMetrics(
  database: Database,
  run: RunRow,
  modelId: string,
  metrics: readonly TimedMetric[],
): void {
  database.runMany(
    `INSERT INTO logged_model_metrics (model_id, metric_name, metric_timestamp_ms, metric_step, metric_value,
       experiment_id, run_id)
     VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    metrics.map((metric) => [
      modelId,
      metric.key,
      metric.timestampMs,
      metric.step,
      stored(metric),
      run.experiment_id,
      run.run_uuid,
    ]),
  )
}

export function setLoggedModelStatus(
  database: Database,
  modelId: string,
  status: number,
  nowMs: number,
  message: string | null = null,
): void {
  database.run(
    'UPDATE logged_models SET status = ?, status_message = ?, last_updated_timestamp_ms = ? WHERE model_id = ?',
    [status, message, nowMs, modelId],
  )
}

export function findLoggedModel(database: Database, modelId: string): LoggedModelRow | undefined {
  return database.first(
    loggedModelRow,
    `SELECT model_id, artifact_location, status, source_run_id FROM logged_models
     WHERE model_id = ? AND lifecycle_stage = 'active'`,
    [modelId],
  )
}

/** @throws ESTEIRA_MLFLOW when there is none, or its files are not complete. */
export function requireReadyModel(database: Database, modelId: string): LoggedModelRow {
  const model = findLoggedModel(database, modelId)
  if (model?.status === LOGGED_MODEL_STATUS.ready) return model
  const state = model === undefined ? 'does not exist' : 'is not complete: its files were never all stored'
  throw new EsteiraError('ESTEIRA_MLFLOW', `logged model ${modelId} ${state}`, {
    hint: 'Log the model again; only a complete one can become a version.',
    details: { modelId },
  })
}

/** Notes a new version on the model it came from, where MLflow's pages look for it. */
export function addModelVersionTag(database: Database, modelId: string, name: string, version: number): void {
  const row = database.first(
    z.object({ value: z.string() }),
    `SELECT tag_value AS value FROM logged_model_tags WHERE model_id = ? AND tag_key = 'mlflow.modelVersions'`,
    [modelId],
  )
  const known = row === undefined ? [] : z.array(z.unknown()).catch([]).parse(JSON.parse(row.value))
  setLoggedModelTag(database, modelId, 'mlflow.modelVersions', JSON.stringify([...known, { name, version }]))
}

function setLoggedModelTag(database: Database, modelId: string, key: string, value: string): void {
  database.run(
    `INSERT INTO logged_model_tags (model_id, experiment_id, tag_key, tag_value)
     SELECT model_id, experiment_id, ?, ? FROM logged_models WHERE model_id = ?
     ON CONFLICT DO UPDATE SET tag_value = excluded.tag_value`,
    [key, value, modelId],
  )
}
