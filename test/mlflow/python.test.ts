import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type MlflowStore, openMlflowFile, readMlmodel, resolveModel, writeMlmodel } from '@esteira/mlflow'
import Libsql from 'libsql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runPython } from '../services/python.js'

const STARTED = new Date('2026-01-02T03:04:05.678Z')
const NOW = new Date('2026-01-02T04:00:00Z')

/** Python's client reads all of it, then logs a model of its own into the same file. */
const SCRIPT = `
import json, os, sys, warnings
warnings.filterwarnings('ignore')
import mlflow, pandas as pd, sqlalchemy
from alembic import command
from mlflow import MlflowClient
from mlflow.store.db.utils import _get_alembic_config
from mlflow.store.tracking.dbmodels.initial_models import Base
uri, run_id, reference = sys.argv[1:4]
mlflow.set_tracking_uri(uri)
client = MlflowClient()
run = client.get_run(run_id)
history = [[m.step, m.value, m.timestamp] for m in client.get_metric_history(run_id, 'loss')]
logged = client.get_logged_model(run.outputs.model_outputs[0].model_id)
version = client.get_model_version_by_alias('churn', 'production')
folder = mlflow.artifacts.download_artifacts(reference)
model = mlflow.pyfunc.load_model(reference)
try:
    model.predict(pd.DataFrame({'days': ['soon'], 'category': ['suv']}))
    refused = ''
except Exception as error:
    refused = str(error)
told = {
    'experiments': [[e.experiment_id, e.name] for e in client.search_experiments(order_by=['experiment_id'])],
    'info': [run.info.run_name, run.info.status, run.info.user_id, run.info.start_time, run.info.lifecycle_stage],
    'params': run.data.params, 'tags': run.data.tags, 'history': history,
    'metrics': {key: repr(value) for key, value in run.data.metrics.items()},
    'inputs': [[i.dataset.name, i.dataset.digest, i.dataset.source_type, i.dataset.source, i.dataset.schema, i.dataset.profile,
        {t.key: t.value for t in i.tags}] for i in run.inputs.dataset_inputs],
    'found': [r.info.run_id for r in client.search_runs(['1'], "params.depth = '4' and metrics.loss < 0.3 and tags.model_type = 'xgboost'")],
    'artifacts': [a.path for a in client.list_artifacts(run_id, 'reports')],
    'logged': [logged.name, str(logged.status), logged.model_type, logged.source_run_id, logged.params, logged.tags,
        {m.key: m.value for m in logged.metrics}],
    'version': [version.version, version.current_stage, version.aliases, version.source, version.run_id, version.description, version.tags],
    'stage': [v.version for v in client.get_latest_versions('churn', ['Production'])],
    'files': sorted(os.listdir(folder)),
    'signature': str(model.metadata.signature),
    'example': model.input_example.to_dict('list'),
    'ids': [model.metadata.model_id, model.metadata.run_id],
    'prediction': model.predict(pd.DataFrame({'days': [1.5], 'category': ['suv']})).tolist(),
    'refused': refused,
}
class Echo(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input: list[str]): return model_input
with mlflow.start_run(run_name='from python', experiment_id='1') as own:
    mlflow.log_metric('loss', float('nan'))
    mlflow.log_param('depth', 7)
    info = mlflow.pyfunc.log_model(name='echo', python_model=Echo(), registered_model_name='churn', pip_requirements=['mlflow'])
client.set_registered_model_alias('churn', 'champion', 2)
told['own'] = [own.info.run_id, info.model_id]
url = 'sqlite:///' + sys.argv[4]
engine = sqlalchemy.create_engine(url)
Base.metadata.create_all(engine)
config = _get_alembic_config(url)
with engine.begin() as connection:
    config.attributes['connection'] = connection
    command.upgrade(config, '6953534de441')
print(json.dumps(told))
`

const LOADER = `
class Model:
    def predict(self, data, params=None):
        return data['days'] * 2
def _load_pyfunc(path):
    return Model()
`

let folder: string
let store: MlflowStore
let runId: string
let modelId: string
let ourSchema: readonly string[]
let told: Record<string, unknown>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'esteira-mlflow-python-'))
  store = await openMlflowFile({
    file: join(folder, 'mlflow.db'),
    artifactsFolder: join(folder, 'art ifacts é'),
    now: () => NOW,
    newId: randomUUID,
    user: 'ana',
  })
  ourSchema = schemaOf(join(folder, 'mlflow.db'))
  await writeEverything()
  const migrated = join(folder, 'migrated.db')
  const output = await runPython(SCRIPT, [store.tracking.uri, runId, 'models:/churn@production', migrated])
  told = JSON.parse(output.trim().split('\n').at(-1) ?? '')
})
afterAll(async () => {
  await store?.close()
  await rm(folder, { recursive: true, force: true })
})

async function writeEverything(): Promise<void> {
  const { tracking, registry } = store
  const experimentId = await tracking.ensureExperiment('churn')
  const tags = { model_type: 'xgboost', 'mlflow.source.name': 'train_model.js', 'mlflow.source.type': 'LOCAL' }
  runId = (await tracking.createRun({ experimentId, name: 'churn 2026', startedAt: STARTED, tags })).runId
  const metrics = [4, 3, 2].map((value, step) => ({ key: 'loss', value: value / 10, step, timestamp: STARTED }))
  const odd = { nan: Number.NaN, up: Number.POSITIVE_INFINITY, down: Number.NEGATIVE_INFINITY }
  const oddMetrics = Object.entries(odd).map(([key, value]) => ({ key, value }))
  await tracking.logBatch(runId, { params: { depth: '4', empty: '' }, metrics: [...metrics, ...oddMetrics] })
  await tracking.logDatasets(runId, [
    {
      name: 'churn',
      digest: 'abc',
      sourceType: 'esteira',
      source: '{"table": "a"}',
      schema: '{"mlflow_colspec": []}',
      profile: '{"num_rows": 3}',
      context: 'training',
    },
    { name: 'churn', digest: 'def', sourceType: 'esteira', source: '{}', context: 'evaluation' },
  ])
  await mkdir(join(folder, 'reports'))
  await writeFile(join(folder, 'reports', 'ROC curve +1%.json'), '{}')
  await tracking.logArtifacts(runId, join(folder, 'reports'), 'reports')
  const model = await tracking.logModel(runId, {
    name: 'churn-model',
    modelType: 'xgboost',
    params: { rounds: '100' },
    tags: { gate: 'passed' },
    metrics: [
      { key: 'roc_auc', value: 0.75 },
      { key: 'loss', value: 0.2, step: 2 },
    ],
    writeFolder: writePythonModel,
  })
  modelId = model.modelId
  await registry.ensureModel('churn', 'who leaves')
  const version = { name: 'churn', source: model.artifactUri, runId, modelId, description: 'first', tags: { a: 'b' } }
  await registry.createVersion(version)
  await registry.setAlias('churn', 'production', 1)
  await registry.setStage('churn', 1, 'Production', { archiveExisting: true })
  await tracking.finishRun(runId, 'FINISHED')
}

async function writePythonModel(target: string, identity: { modelId: string; runId: string }): Promise<void> {
  await mkdir(join(target, 'code'))
  await writeFile(join(target, 'code', 'esteira_test_loader.py'), LOADER)
  await writeMlmodel(target, {
    ...identity,
    flavors: { python_function: { loader_module: 'esteira_test_loader', code: 'code', data: '.' } },
    signature: {
      inputs: [
        { name: 'days', type: 'double' },
        { name: 'category', type: 'string' },
      ],
      outputs: [{ type: 'double' }],
    },
    createdAt: STARTED,
    environment: { requirements: ['mlflow'] },
    inputExample: { columns: ['days', 'category'], rows: [[1.5, 'suv']] },
  })
}

/** Tables, columns, keys and indexes of a file, as SQLite tells them; sorted, as MLflow orders some of them by chance. */
function schemaOf(file: string): string[] {
  const database = new Libsql(file)
  const rows = database.prepare('SELECT sql FROM sqlite_master WHERE sql IS NOT NULL').all([])
  database.close()
  const plain = (row: unknown) =>
    JSON.stringify(row)
      .replace(/\\[nt"]|\s/g, '')
      .split(',')
      .sort()
      .join(',')
  return rows.map(plain).sort()
}

describe("Python's client", () => {
  it('reads the run as it was logged', () => {
    expect(told['experiments']).toEqual([
      ['0', 'Default'],
      ['1', 'churn'],
    ])
    expect(told['info']).toEqual(['churn 2026', 'FINISHED', 'ana', STARTED.getTime(), 'active'])
    expect(told['params']).toEqual({ depth: '4', empty: '' })
    expect(told['tags']).toEqual({
      model_type: 'xgboost',
      'mlflow.source.name': 'train_model.js',
      'mlflow.source.type': 'LOCAL',
      'mlflow.runName': 'churn 2026',
      'mlflow.user': 'ana',
    })
    expect(told['metrics']).toEqual({
      loss: '0.2',
      nan: 'nan',
      up: '1.7976931348623157e+308',
      down: '-1.7976931348623157e+308',
      roc_auc: '0.75',
    })
    expect(told['found']).toEqual([runId])
  })

  it('reads the history of a metric, without a double for the metric of the model', () => {
    const time = STARTED.getTime()
    expect(told['history']).toEqual([
      [0, 0.4, time],
      [1, 0.3, time],
      [2, 0.2, time],
    ])
  })

  it('reads the datasets of the run', () => {
    const context = (value: string) => ({ 'mlflow.data.context': value })
    expect(told['inputs']).toEqual([
      ['churn', 'abc', 'esteira', '{"table": "a"}', '{"mlflow_colspec": []}', '{"num_rows": 3}', context('training')],
      ['churn', 'def', 'esteira', '{}', null, null, context('evaluation')],
    ])
  })

  it('reads the logged model with its params, tags and metrics, and the artifacts', () => {
    expect(told['artifacts']).toEqual(['reports/ROC curve +1%.json'])
    expect(told['logged']).toEqual([
      'churn-model',
      'READY',
      'xgboost',
      runId,
      { depth: '4', empty: '', rounds: '100' },
      {
        gate: 'passed',
        'mlflow.user': 'ana',
        'mlflow.source.name': 'train_model.js',
        'mlflow.source.type': 'LOCAL',
        'mlflow.modelVersions': '[{"name":"churn","version":1}]',
      },
      { roc_auc: 0.75, loss: 0.2 },
    ])
  })

  it('reads the version by alias and by stage and downloads its files', () => {
    const source = `models:/${modelId}`
    expect(told['version']).toEqual([1, 'Production', ['production'], source, runId, 'first', { a: 'b' }])
    expect(told['stage']).toEqual([1])
    expect(told['files']).toEqual(expect.arrayContaining(['MLmodel', 'code', 'conda.yaml', 'input_example.json']))
  })

  it('loads the model, keeps to its signature and takes its example', () => {
    expect(told['prediction']).toEqual([3])
    expect(told['refused']).toContain('days')
    expect(told['signature']).toContain("['days': double (required), 'category': string (required)]")
    expect(told['example']).toEqual({ days: [1.5], category: ['suv'] })
    expect(told['ids']).toEqual([modelId, runId])
  })
})

describe('a file that Python upgraded and wrote', () => {
  const own = () => told['own'] as readonly [string, string]

  it('gives the run and the version that Python logged', async () => {
    expect(await store.tracking.getRun(own()[0])).toMatchObject({
      name: 'from python',
      status: 'FINISHED',
      params: { depth: '7' },
      metrics: { loss: Number.NaN },
    })
    const version = await resolveModel(store.registry, 'churn@champion')
    expect(version).toMatchObject({ version: 2, runId: own()[0], source: `models:/${own()[1]}` })
    const mlmodel = await readMlmodel(await store.registry.modelFolder(version, folder))
    expect(mlmodel).toMatchObject({ modelId: own()[1], runId: own()[0] })
    expect(mlmodel.flavors['python_function']).toMatchObject({ loader_module: 'mlflow.pyfunc.model' })
    expect(Math.abs((mlmodel.createdAt?.getTime() ?? 0) - Date.now())).toBeLessThan(3_600_000)
  })

  it('had the very schema that the migrations of MLflow make', () => {
    expect(ourSchema).toEqual(schemaOf(join(folder, 'migrated.db')))
    expect(ourSchema.length).toBeGreaterThan(30)
  })
})
