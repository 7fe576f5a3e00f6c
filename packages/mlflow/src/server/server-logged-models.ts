import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EsteiraError, type LoggedModel, type NewLoggedModel } from '@esteira/core'
import { checkMetrics } from '../limits.js'
import { type LoggedModelFields, loggedModelFields, timeMetrics } from '../logged-model.js'
import {
  loggedModelAnswer,
  loggedModelsAnswer,
  nothing,
  type RunAnswer,
  runAnswer,
  toRun,
  toTimedMetrics,
} from './answers.js'
import { toKeyValues } from './batches.js'
import { tagFilter } from './filter.js'
import { REQUEST_TAG } from './request-tag.js'
import { sendBatch } from './send-batch.js'
import { uploadFolder } from './server-artifacts.js'
import type { Transport } from './transport.js'

const MODELS = '/api/2.0/mlflow/logged-models'
const PARAMS_PER_CALL = 100

interface ModelToLog {
  readonly run: RunAnswer
  readonly model: NewLoggedModel
  readonly nowMs: number
  readonly requestId: string
}

/** Makes a pending logged model, links it with the run, uploads its files and marks it ready. */
export async function logModel(transport: Transport, toLog: ModelToLog): Promise<LoggedModel> {
  const { run, model, nowMs } = toLog
  const runId = run.info.run_id
  const fields = loggedModelFields(model, toRun(run))
  const metrics = timeMetrics(model.metrics ?? [], nowMs, toTimedMetrics(run))
  checkMetrics(metrics)
  const { modelId, artifactUri } = await createPending(transport, toLog, fields)
  const folder = await mkdtemp(join(tmpdir(), 'esteira-model-'))
  try {
    await linkToRun(transport, runId, modelId)
    await sendBatch(transport, runId, { params: [], tags: [], metrics }, modelId)
    await model.writeFolder(folder, { modelId, runId })
    await uploadFolder(transport, folder, artifactUri)
  } catch (error) {
    // The first failure is the one to tell of, also when the server cannot even take the mark.
    await setStatus(transport, modelId, 'LOGGED_MODEL_UPLOAD_FAILED').catch(() => {})
    throw error
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  await setStatus(transport, modelId, 'LOGGED_MODEL_READY') // commit point: before it no version can be made of it
  return { modelId, artifactUri }
}

/**
 * The artifact address of a logged model.
 * @throws ESTEIRA_MLFLOW when there is none, or its files are not complete.
 */
export async function requireReadyModel(transport: Transport, modelId: string): Promise<string> {
  const call = { method: 'GET', path: `${MODELS}/${encodeURIComponent(modelId)}` } as const
  const found = (await transport.find(loggedModelAnswer, call))?.model.info
  if (found !== undefined && (found.status === 'LOGGED_MODEL_READY' || found.status === 2)) return found.artifact_uri
  const state = found === undefined ? 'does not exist' : 'is not complete: its files were never all stored'
  throw new EsteiraError('ESTEIRA_MLFLOW', `logged model ${modelId} ${state}`, {
    hint: 'Log the model again; only a complete one can become a version.',
    details: { modelId },
  })
}

async function createPending(
  transport: Transport,
  { run, model, requestId }: ModelToLog,
  fields: LoggedModelFields,
): Promise<LoggedModel> {
  const params = toKeyValues(fields.params)
  const { experiment_id, run_id } = run.info
  const mark = { [REQUEST_TAG]: requestId }
  const json = {
    experiment_id,
    name: model.name,
    model_type: model.modelType,
    source_run_id: run_id,
    params: params.slice(0, PARAMS_PER_CALL),
    tags: toKeyValues({ ...fields.tags, ...mark }),
  }
  const made = await transport.create(loggedModelAnswer, { method: 'POST', path: MODELS, json }, async () => {
    const search = { experiment_ids: [experiment_id], filter: tagFilter(mark), max_results: 1 }
    const call = { method: 'POST', path: `${MODELS}/search`, json: search } as const
    const [found] = (await transport.call(loggedModelsAnswer, call)).models
    return found === undefined ? undefined : { model: found }
  })
  const { model_id: modelId, artifact_uri: artifactUri } = made.model.info
  for (let start = PARAMS_PER_CALL; start < params.length; start += PARAMS_PER_CALL) {
    await addParams(transport, modelId, params.slice(start, start + PARAMS_PER_CALL))
  }
  return { modelId, artifactUri }
}

async function addParams(transport: Transport, modelId: string, params: ReturnType<typeof toKeyValues>): Promise<void> {
  const path = `${MODELS}/${modelId}`
  const json = { model_id: modelId, params }
  await transport.create(nothing, { method: 'POST', path: `${path}/params`, json }, async () => {
    const { data } = (await transport.call(loggedModelAnswer, { method: 'GET', path })).model
    return data.params.some(({ key }) => key === params[0]?.key) ? {} : undefined
  })
}

/** The server refuses a second link of the same two, so it is looked for before it is made again. */
async function linkToRun(transport: Transport, runId: string, modelId: string): Promise<void> {
  const json = { run_id: runId, models: [{ model_id: modelId, step: 0 }] }
  await transport.create(nothing, { method: 'POST', path: '/api/2.0/mlflow/runs/outputs', json }, async () => {
    const query = { run_id: runId }
    const { run } = await transport.call(runAnswer, { method: 'GET', path: '/api/2.0/mlflow/runs/get', query })
    return run.outputs.model_outputs.some(({ model_id }) => model_id === modelId) ? {} : undefined
  })
}

async function setStatus(transport: Transport, modelId: string, status: string): Promise<void> {
  const json = { model_id: modelId, status }
  await transport.call(nothing, { method: 'PATCH', path: `${MODELS}/${modelId}`, json })
}
