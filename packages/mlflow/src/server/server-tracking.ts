import {
  type DatasetInput,
  EsteiraError,
  type LoggedModel,
  type NewLoggedModel,
  type NewRun,
  type Run,
  type RunBatch,
  type Tracking,
} from '@esteira/core'
import { checkArtifactPath } from '../artifact-folder.js'
import { appendToUri } from '../artifact-uri.js'
import { checkDataset, checkMetrics, checkParams, checkTags } from '../limits.js'
import { timeMetrics } from '../logged-model.js'
import { errorCodeOf } from './answer.js'
import { experimentAnswer, nothing, type RunAnswer, runAnswer, runsAnswer, toRun } from './answers.js'
import { toKeyValues } from './batches.js'
import { tagFilter } from './filter.js'
import { REQUEST_TAG } from './request-tag.js'
import { sendBatch } from './send-batch.js'
import { uploadFolder } from './server-artifacts.js'
import { logModel } from './server-logged-models.js'
import type { Transport } from './transport.js'

const RUNS = '/api/2.0/mlflow/runs'
const EXPERIMENTS = '/api/2.0/mlflow/experiments'
const PAGE_SIZE = 1000

export interface ServerTrackingOptions {
  readonly now: () => Date
  readonly newId: () => string
  readonly user: string
}

/** Runs on an MLflow server. */
export class ServerTracking implements Tracking {
  readonly uri: string
  readonly #transport: Transport
  readonly #options: ServerTrackingOptions

  constructor(transport: Transport, options: ServerTrackingOptions) {
    this.#transport = transport
    this.#options = options
    this.uri = transport.uri
  }

  async ensureExperiment(name: string): Promise<string> {
    const found = await this.#findExperiment(name)
    if (found !== undefined) return found
    try {
      await this.#transport.call(nothing, { method: 'POST', path: `${EXPERIMENTS}/create`, json: { name } })
    } catch (error) {
      // Another client was faster, or the answer to an earlier try got lost.
      if (errorCodeOf(error) !== 'RESOURCE_ALREADY_EXISTS') throw error
    }
    const made = await this.#findExperiment(name)
    if (made !== undefined) return made
    throw new EsteiraError('ESTEIRA_MLFLOW', `MLflow at ${this.uri} does not show the experiment ${name} it made`)
  }

  async createRun(run: NewRun): Promise<Run> {
    const { user, newId } = this.#options
    const tags = { ...(user === '' ? {} : { 'mlflow.user': user }), ...run.tags, 'mlflow.runName': run.name }
    checkTags(tags)
    const mark = { [REQUEST_TAG]: newId() }
    const made = await this.#transport.create(
      runAnswer,
      {
        method: 'POST',
        path: `${RUNS}/create`,
        json: {
          experiment_id: run.experimentId,
          run_name: run.name,
          user_id: tags['mlflow.user'] ?? '',
          start_time: run.startedAt.getTime(),
          tags: toKeyValues({ ...tags, ...mark }),
        },
      },
      async () => {
        const [found] = await this.#searchRuns(run.experimentId, mark)
        return found === undefined ? undefined : { run: found }
      },
    )
    return toRun(made.run)
  }

  async getRun(runId: string): Promise<Run | undefined> {
    const query = { run_id: runId }
    const found = await this.#transport.find(runAnswer, { method: 'GET', path: `${RUNS}/get`, query })
    return found === undefined ? undefined : toRun(found.run)
  }

  async findRuns(experimentId: string, tags: Readonly<Record<string, string>>): Promise<readonly Run[]> {
    return (await this.#searchRuns(experimentId, tags)).map(toRun)
  }

  async logBatch(runId: string, batch: RunBatch): Promise<void> {
    const { params = {}, tags = {} } = batch
    const metrics = timeMetrics(batch.metrics ?? [], this.#options.now().getTime())
    checkParams(params)
    checkTags(tags)
    checkMetrics(metrics)
    await sendBatch(this.#transport, runId, { params: toKeyValues(params), tags: toKeyValues(tags), metrics })
  }

  async logDatasets(runId: string, datasets: readonly DatasetInput[]): Promise<void> {
    for (const dataset of datasets) checkDataset(dataset)
    const inputs = datasets.map(({ context, sourceType, ...dataset }) => ({
      tags: [{ key: 'mlflow.data.context', value: context }],
      dataset: { ...dataset, source_type: sourceType },
    }))
    if (inputs.length === 0) return
    const json = { run_id: runId, datasets: inputs }
    await this.#transport.call(nothing, { method: 'POST', path: `${RUNS}/log-inputs`, json })
  }

  async finishRun(runId: string, status: 'FINISHED' | 'FAILED' | 'KILLED'): Promise<void> {
    const json = { run_id: runId, status, end_time: this.#options.now().getTime() }
    await this.#transport.call(nothing, { method: 'POST', path: `${RUNS}/update`, json })
  }

  async logArtifacts(runId: string, localFolder: string, path?: string): Promise<void> {
    const { artifact_uri: root } = (await this.#requireRun(runId)).info
    const uri =
      path === undefined ? root : appendToUri(root, ...checkArtifactPath(path).split('/').map(encodeURIComponent))
    await uploadFolder(this.#transport, localFolder, uri)
  }

  async logModel(runId: string, model: NewLoggedModel): Promise<LoggedModel> {
    const { now, newId } = this.#options
    const run = await this.#requireRun(runId)
    return logModel(this.#transport, { run, model, nowMs: now().getTime(), requestId: newId() })
  }

  async close(): Promise<void> {
    await this.#transport.close()
  }

  async #findExperiment(name: string): Promise<string | undefined> {
    const query = { experiment_name: name }
    const call = { method: 'GET', path: `${EXPERIMENTS}/get-by-name`, query } as const
    const found = (await this.#transport.find(experimentAnswer, call))?.experiment
    if (found === undefined || found.lifecycle_stage === 'active') return found?.experiment_id
    throw new EsteiraError('ESTEIRA_MLFLOW', `experiment ${name} (id ${found.experiment_id}) was deleted`, {
      hint: `Bring it back with: mlflow experiments restore --experiment-id ${found.experiment_id}`,
    })
  }

  async #requireRun(runId: string): Promise<RunAnswer> {
    const query = { run_id: runId }
    return (await this.#transport.call(runAnswer, { method: 'GET', path: `${RUNS}/get`, query })).run
  }

  async #searchRuns(experimentId: string, tags: Readonly<Record<string, string>>): Promise<RunAnswer[]> {
    const found: RunAnswer[] = []
    let pageToken: string | undefined
    do {
      const json = {
        experiment_ids: [experimentId],
        filter: tagFilter(tags),
        run_view_type: 'ACTIVE_ONLY',
        max_results: PAGE_SIZE,
        order_by: ['attributes.start_time DESC'],
        ...(pageToken === undefined ? {} : { page_token: pageToken }),
      }
      const page = await this.#transport.call(runsAnswer, { method: 'POST', path: `${RUNS}/search`, json })
      found.push(...page.runs)
      pageToken = page.next_page_token
    } while (pageToken !== undefined && pageToken !== '')
    return found
  }
}
