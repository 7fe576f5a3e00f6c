import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { DatasetInput, LoggedModel, NewLoggedModel, NewRun, Run, RunBatch, Tracking } from '@esteira/core'
import { z } from 'zod'
import { checkArtifactPath, copyFolder, fileError } from '../artifact-folder.js'
import { toFileUri, toLocalPath } from '../artifact-uri.js'
import { checkTags, type TimedMetric } from '../limits.js'
import { loggedModelFields, timeMetrics } from '../logged-model.js'
import type { Database } from './database.js'
import { insertDatasets, insertMetrics, insertParams } from './file-batch.js'
import {
  insertModelMetrics,
  insertPendingModel,
  LOGGED_MODEL_STATUS,
  setLoggedModelStatus,
} from './file-logged-models.js'
import {
  ensureExperiment,
  findRun,
  insertRun,
  requireActiveRun,
  requireRun,
  selectRuns,
  toRun,
  upsertTags,
} from './file-runs.js'

export interface FileTrackingOptions {
  readonly artifactsFolder: string
  readonly now: () => Date
  readonly newId: () => string
  readonly user: string
}

/** Runs in MLflow's SQLite file; each call is one transaction. */
export class FileTracking implements Tracking {
  readonly uri: string
  readonly #database: Database
  readonly #options: FileTrackingOptions

  constructor(database: Database, options: FileTrackingOptions) {
    this.#database = database
    this.#options = options
    this.uri = `sqlite:///${database.file}`
  }

  async ensureExperiment(name: string): Promise<string> {
    return ensureExperiment(this.#database, name, toFileUri(this.#options.artifactsFolder), this.#nowMs())
  }

  async createRun(run: NewRun): Promise<Run> {
    return insertRun(this.#database, run, { runId: this.#newHex(), user: this.#options.user })
  }

  async getRun(runId: string): Promise<Run | undefined> {
    const run = findRun(this.#database, runId)
    return run === undefined ? undefined : toRun(this.#database, run)
  }

  async findRuns(experimentId: string, tags: Readonly<Record<string, string>>): Promise<readonly Run[]> {
    return selectRuns(this.#database, experimentId, tags)
  }

  async logBatch(runId: string, batch: RunBatch): Promise<void> {
    const tags = batch.tags ?? {}
    checkTags(tags)
    this.#database.transaction(() => {
      requireActiveRun(this.#database, runId)
      insertParams(this.#database, runId, batch.params ?? {})
      insertMetrics(this.#database, runId, timeMetrics(batch.metrics ?? [], this.#nowMs()))
      upsertTags(this.#database, runId, tags)
    })
  }

  async logDatasets(runId: string, datasets: readonly DatasetInput[]): Promise<void> {
    this.#database.transaction(() => {
      const run = requireActiveRun(this.#database, runId)
      insertDatasets(this.#database, { runId, experimentId: run.experiment_id }, datasets, () => this.#newHex())
    })
  }

  async finishRun(runId: string, status: 'FINISHED' | 'FAILED' | 'KILLED'): Promise<void> {
    this.#database.transaction(() => {
      requireActiveRun(this.#database, runId)
      const values = [status, this.#nowMs(), runId]
      this.#database.run('UPDATE runs SET status = ?, end_time = ? WHERE run_uuid = ?', values)
    })
  }

  async logArtifacts(runId: string, localFolder: string, path?: string): Promise<void> {
    const root = toLocalPath(requireActiveRun(this.#database, runId).artifact_uri)
    await copyFolder(localFolder, path === undefined ? root : join(root, checkArtifactPath(path)))
  }

  async logModel(runId: string, model: NewLoggedModel): Promise<LoggedModel> {
    const modelId = `m-${this.#newHex()}`
    const artifactUri = this.#database.transaction(() => {
      const run = requireActiveRun(this.#database, runId)
      const fields = loggedModelFields(model, toRun(this.#database, run))
      const metrics = timeMetrics(model.metrics ?? [], this.#nowMs(), this.#latestMetrics(runId))
      const pending = {
        modelId,
        name: model.name,
        modelType: model.modelType,
        fields,
        nowMs: this.#nowMs(),
        inputId: this.#newHex(),
      }
      const uri = insertPendingModel(this.#database, run, pending)
      insertMetrics(this.#database, runId, metrics)
      insertModelMetrics(this.#database, run, modelId, metrics)
      return uri
    })
    try {
      const folder = toLocalPath(artifactUri)
      await mkdir(folder, { recursive: true })
      await model.writeFolder(folder, { modelId, runId })
    } catch (error) {
      this.#finishModel(modelId, LOGGED_MODEL_STATUS.uploadFailed, error)
      throw fileError(error, artifactUri)
    }
    this.#finishModel(modelId, LOGGED_MODEL_STATUS.ready) // commit point: before it no version can be made of it
    return { modelId, artifactUri }
  }

  async close(): Promise<void> {
    this.#database.close()
  }

  #finishModel(modelId: string, status: number, error?: unknown): void {
    const message = error instanceof Error ? error.message.slice(0, 1000) : null
    this.#database.transaction(() => setLoggedModelStatus(this.#database, modelId, status, this.#nowMs(), message))
  }

  #latestMetrics(runId: string): TimedMetric[] {
    requireRun(this.#database, runId)
    const row = z.object({ key: z.string(), value: z.number(), timestamp: z.number(), step: z.number() })
    return this.#database
      .all(row, 'SELECT key, value, timestamp, step FROM latest_metrics WHERE run_uuid = ? AND is_nan = 0', [runId])
      .map(({ key, value, timestamp, step }) => ({ key, value, timestampMs: timestamp, step }))
  }

  #nowMs(): number {
    return this.#options.now().getTime()
  }

  #newHex(): string {
    return this.#options.newId().replaceAll('-', '')
  }
}
