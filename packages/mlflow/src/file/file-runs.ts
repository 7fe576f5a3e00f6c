import { EsteiraError, type NewRun, type Run } from '@esteira/core'
import { z } from 'zod'
import { appendToUri } from '../artifact-uri.js'
import { checkTags } from '../limits.js'
import type { Database } from './database.js'

const experimentRow = z.object({
  experiment_id: z.number(),
  name: z.string(),
  artifact_location: z.string(),
  lifecycle_stage: z.string(),
})
const runRow = z.object({
  run_uuid: z.string(),
  experiment_id: z.number(),
  name: z.string().nullable(),
  status: z.enum(['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED']),
  artifact_uri: z.string(),
  lifecycle_stage: z.string(),
})
const keyValueRow = z.object({ key: z.string(), value: z.string().nullable() })
const metricRow = z.object({ key: z.string(), value: z.number(), is_nan: z.number() })

const EXPERIMENT_COLUMNS = 'experiment_id, name, artifact_location, lifecycle_stage'
const RUN_COLUMNS = 'run_uuid, experiment_id, name, status, artifact_uri, lifecycle_stage'

export type ExperimentRow = z.infer<typeof experimentRow>
export type RunRow = z.infer<typeof runRow>

/** Id of the experiment; made, with its own artifact folder, when there is none of that name. */
export function ensureExperiment(database: Database, name: string, artifactRoot: string, nowMs: number): string {
  return database.transaction(() => {
    const found = database.first(experimentRow, `SELECT ${EXPERIMENT_COLUMNS} FROM experiments WHERE name = ?`, [name])
    if (found !== undefined) {
      checkExperimentActive(found)
      return String(found.experiment_id)
    }
    const next = database.first(
      z.object({ id: z.number() }),
      'SELECT coalesce(max(experiment_id), 0) + 1 AS id FROM experiments',
    )
    const id = next?.id ?? 1
    database.run(
      `INSERT INTO experiments (experiment_id, name, artifact_location, lifecycle_stage, creation_time, last_update_time)
       VALUES (?, ?, ?, 'active', ?, ?)`,
      [id, name, appendToUri(artifactRoot, String(id)), nowMs, nowMs],
    )
    return String(id)
  })
}

export function requireExperiment(database: Database, experimentId: string): ExperimentRow {
  const sql = `SELECT ${EXPERIMENT_COLUMNS} FROM experiments WHERE experiment_id = ?`
  const found = database.first(experimentRow, sql, [Number(experimentId)])
  if (found === undefined) {
    throw new EsteiraError('ESTEIRA_MLFLOW', `experiment ${experimentId} does not exist in ${database.file}`, {
      hint: 'List the experiments with: mlflow experiments search',
    })
  }
  checkExperimentActive(found)
  return found
}

function checkExperimentActive(experiment: ExperimentRow): void {
  if (experiment.lifecycle_stage === 'active') return
  const { experiment_id: id, name } = experiment
  throw new EsteiraError('ESTEIRA_MLFLOW', `experiment ${name} (id ${id}) was deleted`, {
    hint: `Bring it back with: mlflow experiments restore --experiment-id ${id}`,
  })
}

export interface RunIdentity {
  readonly runId: string
  readonly user: string
}

export function insertRun(database: Database, run: NewRun, identity: RunIdentity): Run {
  const tags = {
    ...(identity.user === '' ? {} : { 'mlflow.user': identity.user }),
    ...run.tags,
    'mlflow.runName': run.name,
  }
  checkTags(tags)
  return database.transaction(() => {
    const experiment = requireExperiment(database, run.experimentId)
    const artifactUri = appendToUri(experiment.artifact_location, identity.runId, 'artifacts')
    database.run(
      `INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, status, start_time,
         end_time, source_version, lifecycle_stage, artifact_uri, experiment_id, deleted_time)
       VALUES (?, ?, 'UNKNOWN', '', '', ?, 'RUNNING', ?, NULL, '', 'active', ?, ?, NULL)`,
      [
        identity.runId,
        run.name,
        tags['mlflow.user'] ?? '',
        run.startedAt.getTime(),
        artifactUri,
        experiment.experiment_id,
      ],
    )
    upsertTags(database, identity.runId, tags)
    return toRun(database, requireRun(database, identity.runId))
  })
}

export function upsertTags(database: Database, runId: string, tags: Readonly<Record<string, string>>): void {
  database.runMany(
    'INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
    Object.entries(tags).map(([key, value]) => [key, value, runId]),
  )
}

export function findRun(database: Database, runId: string): RunRow | undefined {
  return database.first(runRow, `SELECT ${RUN_COLUMNS} FROM runs WHERE run_uuid = ?`, [runId])
}

export function requireRun(database: Database, runId: string): RunRow {
  const run = findRun(database, runId)
  if (run === undefined) {
    throw new EsteiraError('ESTEIRA_MLFLOW', `run ${runId} does not exist in ${database.file}`, { details: { runId } })
  }
  return run
}

export function requireActiveRun(database: Database, runId: string): RunRow {
  const run = requireRun(database, runId)
  if (run.lifecycle_stage === 'active') return run
  throw new EsteiraError('ESTEIRA_MLFLOW', `run ${runId} was deleted; nothing can be logged to it`, {
    hint: `Bring it back with: mlflow runs restore --run-id ${runId}`,
    details: { runId },
  })
}

/** Active runs that have all these tag values, newest first. */
export function selectRuns(database: Database, experimentId: string, tags: Readonly<Record<string, string>>): Run[] {
  const wanted = Object.entries(tags)
  const conditions = wanted.map(
    () => 'AND EXISTS (SELECT 1 FROM tags t WHERE t.run_uuid = r.run_uuid AND t.key = ? AND t.value = ?)',
  )
  const rows = database.all(
    runRow,
    `SELECT ${RUN_COLUMNS} FROM runs r WHERE experiment_id = ? AND lifecycle_stage = 'active' ${conditions.join(' ')}
     ORDER BY start_time DESC, run_uuid`,
    [Number(experimentId), ...wanted.flat()],
  )
  return rows.map((row) => toRun(database, row))
}

export function toRun(database: Database, run: RunRow): Run {
  const params = database.all(keyValueRow, 'SELECT key, value FROM params WHERE run_uuid = ?', [run.run_uuid])
  const tags = database.all(keyValueRow, 'SELECT key, value FROM tags WHERE run_uuid = ?', [run.run_uuid])
  const metrics = database.all(metricRow, 'SELECT key, value, is_nan FROM latest_metrics WHERE run_uuid = ?', [
    run.run_uuid,
  ])
  return {
    runId: run.run_uuid,
    experimentId: String(run.experiment_id),
    name: run.name ?? '',
    status: run.status,
    artifactUri: run.artifact_uri,
    params: toRecord(params),
    metrics: Object.fromEntries(metrics.map((row) => [row.key, row.is_nan === 1 ? Number.NaN : row.value])),
    tags: toRecord(tags),
  }
}

function toRecord(rows: readonly z.infer<typeof keyValueRow>[]): Record<string, string> {
  return Object.fromEntries(rows.map((row) => [row.key, row.value ?? '']))
}
