import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { METRICS, quoteText, toRows } from '@esteira/core'
import { loadModelFolder } from '@esteira/models'
import { openWorkspace } from 'esteira'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { documentOf, esteira, root } from '../services/esteira-command.js'
import { runPython } from '../services/python.js'

const RUN_DATE = '2026-01-01'
const PROJECT = join(root, 'projects/churn')

/** Scores a Parquet file of raw features by `models:/churn@production`, and looks the run up. */
const SCRIPT = `
import json, sys, warnings
warnings.filterwarnings('ignore')
import mlflow, pandas as pd
from mlflow import MlflowClient
uri, path = sys.argv[1:3]
mlflow.set_tracking_uri(uri)
model = mlflow.pyfunc.load_model('models:/churn@production')
frame = pd.read_parquet(path)
names = model.metadata.signature.inputs.input_names()
told = {'dtypes': {name: str(frame[name].dtype) for name in names}, 'signature': model.metadata.signature.inputs.to_dict()}
whole = [name for name in names if frame[name].dtype.kind == 'i']
def score(rows):
    scored = model.predict(rows)
    return [scored['prediction'].tolist(), scored['probability'].tolist()]
told['raw'] = score(frame)
told['only'] = score(frame[names])
told['floats'] = score(frame.astype({name: 'float64' for name in whole}))
told['longs'] = score(frame.astype({name: 'int64' for name in whole}))
told['one'] = score(frame.head(1))
def refused(rows):
    try:
        model.predict(rows)
        return ''
    except Exception as error:
        return str(error)
told['missing'] = refused(frame.drop(columns=['churn_score']))
told['text'] = refused(frame.assign(days_since_last_transaction='soon'))
client = MlflowClient()
version = client.get_model_version_by_alias('churn', 'production')
run = client.get_run(version.run_id)
logged = client.get_logged_model(run.outputs.model_outputs[0].model_id)
told['version'] = [version.version, version.current_stage, version.aliases, version.tags, version.source]
told['run'] = {'name': run.info.run_name, 'status': run.info.status, 'params': run.data.params, 'metrics': run.data.metrics, 'tags': run.data.tags}
told['inputs'] = [[each.dataset.name, each.dataset.source_type, json.loads(each.dataset.source), [tag.value for tag in each.tags]] for each in run.inputs.dataset_inputs]
told['logged'] = [logged.name, str(logged.status), logged.model_type, logged.source_run_id, logged.model_id]
told['stage'] = [each.version for each in client.get_latest_versions('churn', ['Production'])]
told['experiment'] = client.get_experiment(run.info.experiment_id).name
told['history'] = len(client.get_metric_history(version.run_id, 'round_val_log_loss'))
print(json.dumps(told))
`

type Scores = readonly [readonly number[], readonly number[]]
interface Told {
  readonly dtypes: Readonly<Record<string, string>>
  readonly signature: readonly { readonly name: string; readonly type: string; readonly required: boolean }[]
  readonly raw: Scores
  readonly only: Scores
  readonly floats: Scores
  readonly longs: Scores
  readonly one: Scores
  readonly missing: string
  readonly text: string
  readonly version: readonly [number, string, readonly string[], Readonly<Record<string, string>>, string]
  readonly run: {
    readonly name: string
    readonly status: string
    readonly params: Readonly<Record<string, string>>
    readonly metrics: Readonly<Record<string, number>>
    readonly tags: Readonly<Record<string, string>>
  }
  readonly inputs: readonly unknown[]
  readonly logged: readonly unknown[]
  readonly stage: readonly number[]
  readonly experiment: string
  readonly history: number
}

let home: string
let told: Told
/** What the table predictions.churn holds, and what our library gives for rows made strange. */
let ours: { readonly scored: Scores; readonly strange: Scores }
let strange: Told

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'esteira-model-'))
  const env = { ESTEIRA_HOME: home, MLFLOW_TRACKING_URI: undefined }
  const source = join(home, 'bookings.csv')
  await esteira(['generate', '--project', PROJECT, '--rows', '20000', '--out', home, '--until', RUN_DATE], { env })
  for (const workflow of ['training', 'inference']) {
    const args = ['run', workflow, '--project', PROJECT, '--source', source, '--run-date', RUN_DATE, '--json']
    const ended = await esteira(args, { env })
    if (documentOf<{ status: string }>(ended).status !== 'succeeded') throw new Error(ended.stderr)
  }
  const uri = `sqlite:///${join(home, 'mlflow.db')}`
  ours = await scoreHere()
  told = JSON.parse(await runPython(SCRIPT, [uri, join(home, 'scored.parquet')]))
  strange = JSON.parse(await runPython(SCRIPT, [uri, join(home, 'strange.parquet')]))
})
afterAll(() => rm(home, { recursive: true, force: true }))

/** Writes the scored features, as published and made strange, and gives our scores of both. */
async function scoreHere(): Promise<typeof ours> {
  const lab = await openWorkspace(PROJECT, { home })
  try {
    const lakehouse = await lab.workspace.lakehouse()
    const { registry } = await lab.workspace.mlflow()
    const [features, predictions] = await Promise.all(
      ['feature_store.customer_features', 'predictions.churn'].map((name) => lakehouse.relation(name)),
    )
    const query = (sql: string) => lakehouse.engine.query(sql)
    const write = (sql: string, name: string) =>
      query(`COPY (${sql} ORDER BY customer_id) TO ${quoteText(join(home, name))} (FORMAT parquet)`)
    const joined = `SELECT f.*, p.prediction, p.probability FROM ${features} f JOIN ${predictions} p USING (customer_id) WHERE f.feature_date = DATE '${RUN_DATE}'`
    await write(joined, 'scored.parquet')
    await write(
      `SELECT * REPLACE (
         CASE hash(customer_id) % 3 WHEN 0 THEN 'spaceship' WHEN 1 THEN NULL ELSE preferred_category END AS preferred_category,
         CASE WHEN hash(customer_id) % 5 = 0 THEN NULL ELSE total_transactions_90d END AS total_transactions_90d,
         CASE WHEN hash(customer_id) % 7 = 0 THEN NULL ELSE days_since_last_transaction END AS days_since_last_transaction,
         CASE hash(customer_id) % 11 WHEN 0 THEN 'infinity'::DOUBLE WHEN 1 THEN 'nan'::DOUBLE ELSE total_value_365d END AS total_value_365d
       ) FROM (${joined})`,
      'strange.parquet',
    )
    const version = await registry.versionByAlias('churn', 'production')
    if (version === undefined) throw new Error('no version is live')
    const model = await loadModelFolder(await registry.modelFolder(version, join(home, 'cache')))
    const rows = await query(
      `SELECT * FROM read_parquet(${quoteText(join(home, 'strange.parquet'))}) ORDER BY customer_id`,
    )
    const { prediction, probability } = model.predict(rows)
    model.close()
    const scored = toRows(await query(`SELECT prediction, probability FROM (${joined}) ORDER BY customer_id`))
    return {
      scored: [scored.map((row) => Number(row['prediction'])), scored.map((row) => Number(row['probability']))],
      strange: [[...prediction], [...probability]],
    }
  } finally {
    await lab.close()
  }
}

function expectSame([predictions, probabilities]: Scores, [prediction, probability]: Scores): void {
  expect(predictions).toEqual(prediction)
  expect(probabilities.length).toBe(probability.length)
  const worst = Math.max(...probabilities.map((value, row) => Math.abs(value - (probability[row] ?? Number.NaN))))
  expect(worst).toBeLessThanOrEqual(1e-6)
}

describe('models:/churn@production in Python', () => {
  it('gives every scored customer the prediction and probability of the predictions table', () => {
    expect(ours.scored[0].length).toBeGreaterThan(200)
    expect(new Set(ours.scored[0])).toEqual(new Set([0, 1]))
    expectSame(told.raw, ours.scored)
    expectSame(told.only, ours.scored)
    expectSame(told.one, [ours.scored[0].slice(0, 1), ours.scored[1].slice(0, 1)])
  })

  it('takes whole numbers as pandas holds them: int32, int64, and float64 where one is missing', () => {
    expect(told.dtypes).toMatchObject({ total_transactions_90d: 'int64', days_since_last_transaction: 'int32' })
    expect(strange.dtypes).toMatchObject({ total_transactions_90d: 'float64', days_since_last_transaction: 'float64' })
    expectSame(told.floats, ours.scored)
    expectSame(told.longs, ours.scored)
  })

  it('gives the same for nulls, infinities and categories that no training row had', () => {
    expectSame(strange.raw, ours.strange)
    expect(ours.strange[1]).not.toEqual(ours.scored[1])
  })

  it('refuses a missing column and text for a number, by the name of the column', () => {
    expect(told.missing).toContain('churn_score')
    expect(told.text).toContain('days_since_last_transaction')
  })
})

describe("the run in MLflow's own client", () => {
  it('has metrics of the test part, and of the others under their prefix', () => {
    for (const prefix of ['', 'train_', 'val_', 'baseline_majority_class_', 'baseline_recency_'])
      for (const metric of METRICS) expect(Object.keys(told.run.metrics), prefix).toContain(`${prefix}${metric}`)
    expect(told.run.metrics['roc_auc']).toBeGreaterThan(0.7)
    expect(told.history).toBeGreaterThanOrEqual(Number(told.run.params['rounds']))
  })

  it('has params, tags and the dataset it learnt from', () => {
    expect(told.run).toMatchObject({ name: `churn-training-${RUN_DATE.replaceAll('-', '')}`, status: 'FINISHED' })
    expect(told.run.params).toMatchObject({ model_type: 'xgboost', max_depth: '4', learning_rate: '0.05', seed: '7' })
    expect(told.run.tags).toMatchObject({ model_type: 'xgboost', feature_version: '1', 'esteira.project': 'churn' })
    const digest = told.run.tags['data_version']
    expect(digest).toMatch(/^[0-9a-f]{64}$/)
    expect(told.inputs).toEqual([
      [
        'customer_features',
        'esteira',
        expect.objectContaining({
          digest,
          tables: [
            { table: 'feature_store.customer_features', snapshotId: expect.stringMatching(/^\d+$/) },
            { table: 'silver.churn_transactions', snapshotId: expect.stringMatching(/^\d+$/) },
          ],
        }),
        ['training'],
      ],
    ])
    expect(told.experiment).toBe('churn')
  })

  it('has the logged model and the version with alias and stage in step', () => {
    const [name, status, type, , modelId] = told.logged
    expect([name, status, type]).toEqual(['churn', 'READY', 'xgboost'])
    const [version, stage, aliases, tags, source] = told.version
    expect([Number(version), stage, aliases, source]).toEqual([1, 'Production', ['production'], `models:/${modelId}`])
    expect(told.stage.map(Number)).toEqual([1])
    expect(tags).toMatchObject({ model_type: 'xgboost', feature_version: '1', 'esteira.gates': 'passed' })
  })

  it('has a signature that asks only for what the model reads', () => {
    const type = (name: string) => told.signature.find((column) => column.name === name)
    expect(type('total_transactions_90d')).toMatchObject({ type: 'any', required: true })
    expect(type('avg_transaction_value_30d')).toMatchObject({ type: 'double', required: true })
    expect(type('preferred_category')).toMatchObject({ type: 'string', required: true })
  })
})
