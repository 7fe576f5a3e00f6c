import { createHash } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { monthsBetween } from '@esteira/core'
import { readMlmodel } from '@esteira/mlflow'
import { MODEL_TYPES } from '@esteira/models'
import { TrainingPipeline, type TrainingReport, type TrainingRequest } from '@esteira/training-pipeline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTinyHome, type TinyHome, TRAINING_DAY } from '../esteira/tiny-home.js'

const SMALL = {
  xgboost: { n_estimators: 10, max_depth: 3 },
  random_forest: { n_estimators: 5, max_depth: 3 },
  neural_network: { epochs: 2, hidden_units: [4] },
  logistic_regression: {},
  ml_random_forest: { nEstimators: 3, maxDepth: 3 },
} as const

let home: TinyHome
let table: string
beforeAll(async () => {
  home = await openTinyHome({ customers: 300 })
  const dates = monthsBetween('2024-01-01', '2024-06-01')
  await home.run('features', { runDate: TRAINING_DAY, options: { 'feature-dates': dates.join(',') } })
  table = join(home.folder, 'table.csv')
  const lines = Array.from(
    { length: 200 },
    (_, row) => `u${row},${row % 17},${row % 3 ? 'a' : 'b'},${row % 4 < 2 ? 'yes' : 'no'}`,
  )
  await writeFile(table, ['user_id,age,plan,left', ...lines].join('\n'))
})
afterAll(() => home?.close())

let count = 0
function train(request: TrainingRequest): Promise<TrainingReport> {
  const context = home.context({ runDate: TRAINING_DAY, runId: `run-${++count}` })
  return new TrainingPipeline({ workspace: home.workspace, context, modelName: 'made' }).run(request)
}

/** sha256 of each file of a version's folder that is the model itself. */
async function modelFiles(version: TrainingReport['version']): Promise<Record<string, string>> {
  if (version === undefined) throw new Error('not registered')
  const { registry } = await home.workspace.mlflow()
  const folder = await registry.modelFolder(version, join(home.folder, 'cache'))
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
  const hashed = files.map(async ({ parentPath, name }) => {
    const path = join(parentPath, name)
    return [
      relative(folder, path),
      createHash('sha256')
        .update(await readFile(path))
        .digest('hex'),
    ] as const
  })
  // These name the run, its time and its id.
  const own = ['MLmodel', 'model_card.md']
  return Object.fromEntries((await Promise.all(hashed)).filter(([path]) => !own.includes(path)))
}

describe('TrainingPipeline', () => {
  it.each(MODEL_TYPES)('makes the same model version of %s twice from one file and seed', async (modelType) => {
    const request = {
      featuresPath: table,
      target: 'left',
      modelType,
      hyperparameters: SMALL[modelType],
      registerModel: true,
    }
    const [one, other] = [await train(request), await train(request)]
    expect(one.version?.version).toBe((other.version?.version ?? 0) - 1)
    const files = await modelFiles(one.version)
    expect(Object.keys(files)).toEqual(expect.arrayContaining(['transformer.json', 'reference_profile.json']))
    expect(await modelFiles(other.version)).toEqual(files)
  })

  it('learns from a query in the words of Athena and remembers the snapshot it read', async () => {
    const query = `SELECT feature_date, customer_id, orders_30d, value_90d, favourite_kind,
      if(days_since_last_order > 15, 'yes', 'no') AS late FROM feature_store.tiny_features ORDER BY feature_date, customer_id`
    const report = await train({ query, target: 'late', modelType: 'logistic_regression' })
    expect(report.version).toBeUndefined()
    expect(report.set).toMatchObject({ name: 'feature_store.tiny_features', testDate: '2024-06-01' })
    expect(report.set.notes).toContain('customer_id is left out: it names the entity, an identifier')
    const snapshotId = (await (await home.workspace.lakehouse()).table('feature_store.tiny_features'))?.snapshotId
    expect(report.set.origin).toMatchObject({ tables: [{ table: 'feature_store.tiny_features', snapshotId }] })
    const run = await (await home.workspace.mlflow()).tracking.getRun(report.mlflowRunId)
    expect(run?.tags['data_version']).toBe(report.set.digest)
    expect(report.evaluation.test.roc_auc).toBeGreaterThan(0.8)
  })

  it('says in the model card what it learnt from, how good it is and what was left out', async () => {
    const { version } = await train({ featuresPath: table, target: 'left', registerModel: true })
    if (version === undefined) throw new Error('not registered')
    const { registry } = await home.workspace.mlflow()
    const folder = await registry.modelFolder(version, join(home.folder, 'cache'))
    const card = await readFile(join(folder, 'model_card.md'), 'utf8')
    for (const part of ['# made', '| roc_auc |', 'user_id is left out', '## Gates', `run-${count}`])
      expect(card).toContain(part)
    const { signature } = await readMlmodel(folder)
    expect(signature?.inputs).toEqual([
      { name: 'age', type: 'any', required: true },
      { name: 'plan', type: 'string', required: true },
    ])
  })

  it('asks for rows to learn from, once', async () => {
    await expect(train({})).rejects.toMatchObject({ code: 'ESTEIRA_USAGE' })
    await expect(train({ featuresPath: table, query: 'SELECT 1' })).rejects.toMatchObject({ code: 'ESTEIRA_USAGE' })
  })

  it('refuses a model type and a hyperparameter that do not exist before it reads anything', async () => {
    await expect(train({ featuresPath: 'nothing.csv', modelType: 'xgbost' })).rejects.toMatchObject({
      code: 'ESTEIRA_MODEL_TYPE',
      hint: expect.stringContaining('Did you mean xgboost?'),
    })
    await expect(train({ featuresPath: 'nothing.csv', hyperparameters: { max_dept: 3 } })).rejects.toMatchObject({
      code: 'ESTEIRA_HYPERPARAMETER',
    })
    await expect(train({ featuresPath: 'nothing.csv' })).rejects.toMatchObject({ code: 'ESTEIRA_SOURCE_MISSING' })
  })
})
