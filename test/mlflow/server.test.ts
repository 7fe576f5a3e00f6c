import { randomUUID } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type MlflowStore, openMlflowFile, openMlflowServer } from '@esteira/mlflow'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type MlflowServer, startMlflowServer } from '../services/mlflow-server.js'
import { describeMlflowStore, writeSmallModel } from './conformance.js'
import { type FaultyProxy, startFaultyProxy } from './faulty-proxy.js'

const context = { now: () => new Date(), newId: randomUUID, user: 'ana' }
const stores: MlflowStore[] = []
let folder: string
let server: MlflowServer
let local: MlflowStore

// The server runs on a file that was made here, so one server proves both: its REST and that it takes our file.
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'esteira-mlflow-server-'))
  const file = join(folder, 'mlflow.db')
  local = await openMlflowFile({ ...context, file, artifactsFolder: join(folder, 'local') })
  stores.push(local)
  server = await startMlflowServer({ file, artifactsFolder: join(folder, 'served') })
})
afterAll(async () => {
  for (const store of stores) await store.close()
  await server?.stop()
  await rm(folder, { recursive: true, force: true })
})

async function openServer(uri: string, waits: number[] = []): Promise<MlflowStore> {
  const sleep = async (milliseconds: number) => {
    waits.push(milliseconds)
  }
  const store = await openMlflowServer({ ...context, uri, sleep, timeoutMs: 20_000 })
  stores.push(store)
  return store
}

describeMlflowStore(
  'a real MLflow server',
  () => openServer(server.uri),
  async (run, path) => {
    const query = new URLSearchParams({ run_id: run.runId, path })
    return (await fetch(`${server.uri}/get-artifact?${query}`)).text()
  },
)

describeMlflowStore('a local file that a real MLflow server has open', async () => local)

describe('a server and the local file it runs on', () => {
  it('show each other their runs, versions and model files', async () => {
    const remote = await openServer(server.uri)
    const experimentId = await local.tracking.ensureExperiment('shared')
    expect(await remote.tracking.ensureExperiment('shared')).toBe(experimentId)
    const run = await local.tracking.createRun({ experimentId, name: 'a', startedAt: new Date(), tags: {} })
    await local.tracking.logBatch(run.runId, { metrics: [{ key: 'm', value: Number.NaN }], params: { p: '1' } })
    expect(await remote.tracking.getRun(run.runId)).toEqual(await local.tracking.getRun(run.runId))
    const model = { name: 'churn', modelType: 'xgboost', writeFolder: writeSmallModel }
    const { modelId, artifactUri } = await local.tracking.logModel(run.runId, model)
    await remote.registry.ensureModel('shared')
    const made = { name: 'shared', source: artifactUri, runId: run.runId, modelId }
    const version = await remote.registry.createVersion(made)
    await local.registry.setAlias('shared', 'production', version.version)
    expect((await remote.registry.versionByAlias('shared', 'production'))?.source).toBe(`models:/${modelId}`)
    expect(await remote.registry.versions('shared')).toEqual(await local.registry.versions('shared'))
    expect(await local.registry.modelFolder(version, folder)).toContain(modelId)
    expect(await remote.registry.modelFolder(version, join(folder, 'cache'))).toContain('cache')
  })
})

describe('a real MLflow server', () => {
  const ask = async (path: string): Promise<Record<string, unknown>> => {
    const response = await fetch(`${server.uri}/api/2.0/mlflow/${path}`)
    return (await response.json()) as Record<string, unknown>
  }

  it('has the datasets, the link to the model, and all of the model', async () => {
    const { tracking } = await openServer(server.uri)
    const experimentId = await tracking.ensureExperiment('raw')
    const { runId } = await tracking.createRun({ experimentId, name: 'raw', startedAt: new Date(5), tags: {} })
    const dataset = { name: 'churn', digest: 'abc', sourceType: 'esteira', source: '{}', schema: '[]', profile: '{}' }
    await tracking.logDatasets(runId, [{ ...dataset, context: 'training' }])
    const params = Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`p${index}`, `${index}`]))
    const { modelId } = await tracking.logModel(runId, {
      name: 'churn',
      modelType: 'xgboost',
      params,
      tags: { gate: 'passed' },
      metrics: [{ key: 'roc_auc', value: 0.75, step: 3 }],
      writeFolder: writeSmallModel,
    })
    const { run } = await ask(`runs/get?run_id=${runId}`)
    expect(run).toMatchObject({
      info: { start_time: 5, user_id: 'ana' },
      inputs: {
        dataset_inputs: [
          {
            tags: [{ key: 'mlflow.data.context', value: 'training' }],
            dataset: {
              name: 'churn',
              digest: 'abc',
              source_type: 'esteira',
              source: '{}',
              schema: '[]',
              profile: '{}',
            },
          },
        ],
      },
      outputs: { model_outputs: [{ model_id: modelId }] },
    })
    const { model } = await ask(`logged-models/${modelId}`)
    expect(model).toMatchObject({
      info: { name: 'churn', status: 'LOGGED_MODEL_READY', model_type: 'xgboost', source_run_id: runId },
      data: { metrics: [{ key: 'roc_auc', value: 0.75, step: 3, run_id: runId }] },
    })
    const found = (model as { data: { params: { key: string; value: string }[] } }).data.params
    expect(Object.fromEntries(found.map(({ key, value }) => [key, value]))).toEqual(params)
  })
})

describe('a server behind a bad network', () => {
  let proxy: FaultyProxy
  let store: MlflowStore
  let experimentId: string
  const waits: number[] = []

  beforeAll(async () => {
    proxy = await startFaultyProxy(server.uri)
    store = await openServer(proxy.uri, waits)
    experimentId = await store.tracking.ensureExperiment('bad network')
  })
  beforeEach(() => proxy.forget())
  afterAll(() => proxy.stop())

  const newRun = (mark: string) =>
    store.tracking.createRun({ experimentId, name: mark, startedAt: new Date(), tags: { mark } })

  it('makes one run when the answer to its creation is lost', async () => {
    proxy.loseAnswers('/runs/create', 1)
    const run = await newRun('lost answer')
    const found = await store.tracking.findRuns(experimentId, { mark: 'lost answer' })
    expect(found.map(({ runId }) => runId)).toEqual([run.runId])
    expect(proxy.seen('/runs/create')).toBe(1)
  })

  it('makes one logged model, one link and one version when each answer is lost', async () => {
    const { runId } = await newRun('model')
    proxy.loseAnswers('/logged-models', 1)
    proxy.loseAnswers('/runs/outputs', 1)
    proxy.loseAnswers('/model-versions/create', 1)
    proxy.loseAnswers('/registered-models/create', 1)
    const model = { name: 'churn', modelType: 'xgboost', writeFolder: writeSmallModel }
    const { modelId, artifactUri } = await store.tracking.logModel(runId, model)
    await store.registry.ensureModel('lost')
    const version = await store.registry.createVersion({ name: 'lost', source: artifactUri, runId, modelId })
    expect((await store.registry.versions('lost')).map((one) => one.version)).toEqual([version.version])
    expect(await store.registry.modelFolder(version, join(folder, 'cache'))).toContain('lost-1-')
  })

  it('logs a batch once when its answer is lost and the server then is busy', async () => {
    const { runId } = await newRun('batch')
    proxy.loseAnswers('/runs/log-batch', 1)
    proxy.answer('/runs/log-batch', { status: 503, headers: { 'retry-after': '7' }, body: 'busy' })
    waits.length = 0
    await store.tracking.logBatch(runId, { metrics: [{ key: 'm', value: 1 }], params: { p: '1' } })
    expect(waits).toContain(7000)
    expect(await store.tracking.getRun(runId)).toMatchObject({ metrics: { m: 1 }, params: { p: '1' } })
  })

  it('uploads and downloads a file again that broke half way', async () => {
    const { runId } = await newRun('files')
    proxy.loseAnswers('/mlflow-artifacts/artifacts', 1)
    const model = { name: 'churn', modelType: 'xgboost', writeFolder: writeSmallModel }
    const { modelId, artifactUri } = await store.tracking.logModel(runId, model)
    await store.registry.ensureModel('files')
    const version = await store.registry.createVersion({ name: 'files', source: artifactUri, runId, modelId })
    proxy.cutAnswers('/artifacts/MLmodel', 1)
    const cut = await store.registry.modelFolder(version, join(folder, 'cut'))
    const whole = await store.registry.modelFolder(version, join(folder, 'whole'))
    expect(await readAll(cut)).toEqual(await readAll(whole))
  })

  it('marks a model as failed when its files cannot be uploaded', async () => {
    const { runId } = await newRun('no upload')
    proxy.answer('/mlflow-artifacts/artifacts', { status: 507, body: 'disk full' }, 20)
    let modelId = ''
    const model = store.tracking.logModel(runId, {
      name: 'churn',
      modelType: 'xgboost',
      writeFolder: async (target, identity) => {
        modelId = identity.modelId
        await writeSmallModel(target, identity)
      },
    })
    await expect(model).rejects.toMatchObject({ code: 'ESTEIRA_MLFLOW', message: expect.stringContaining('disk full') })
    proxy.forget()
    await store.registry.ensureModel('failed')
    const version = store.registry.createVersion({ name: 'failed', source: `models:/${modelId}`, runId, modelId })
    await expect(version).rejects.toMatchObject({ message: expect.stringContaining('is not complete') })
  })
})

async function readAll(path: string): Promise<Record<string, string>> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const contents = await Promise.all(files.map((file) => readFile(file, 'base64')))
  return Object.fromEntries(files.map((file, index) => [file.slice(path.length), contents[index] ?? '']))
}
