import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { type Column, type Frame, takeRows } from '@esteira/core'
import { MODEL_TYPES, type ModelType, parseModelType, saveModelFolder } from '@esteira/models'
import { evaluateModel, stratifiedParts, type TrainingSet, trainModel } from '@esteira/training-pipeline'
import { describe, expect, it, onTestFinished } from 'vitest'
import { native, numbers, syntheticRows } from '../models/synthetic-rows.js'

const SMALL: Readonly<Record<ModelType, Readonly<Record<string, unknown>>>> = {
  xgboost: { n_estimators: 30, max_depth: 3, subsample: 0.8, learning_rate: 0.2 },
  random_forest: { n_estimators: 20, max_depth: 4 },
  neural_network: { epochs: 3, hidden_units: [8] },
  logistic_regression: {},
  ml_random_forest: { nEstimators: 5, maxDepth: 4 },
}
const library = native.xgboostLibrary === undefined ? {} : { xgboostLibrary: native.xgboostLibrary }

function setOf(frame: Frame, labels: Uint8Array): TrainingSet {
  const parts = stratifiedParts(labels, 7)
  return { name: 'synthetic', features: frame, labels, labelName: 'y', parts, digest: 'd', notes: [], origin: {} }
}

function train(set: TrainingSet, modelType: ModelType, seed = 7) {
  return trainModel({ set, modelType, hyperparameters: SMALL[modelType], seed, ...library })
}

/** sha256 of each file of the saved model. */
async function savedModel(set: TrainingSet, modelType: ModelType, seed = 7): Promise<Record<string, string>> {
  const trained = await train(set, modelType, seed)
  const folder = await mkdtemp(join(tmpdir(), 'esteira-honesty-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await mkdir(join(folder, 'model'))
  await saveModelFolder(join(folder, 'model'), trained)
  trained.classifier.close()
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
  const hashes = await Promise.all(
    files.map(async (file) => {
      const path = join(file.parentPath, file.name)
      return [
        relative(join(folder, 'model'), path),
        createHash('sha256')
          .update(await readFile(path))
          .digest('hex'),
      ]
    }),
  )
  return Object.fromEntries(hashes)
}

/** The frame with the rows made strange: other numbers, other words, no nulls. */
function changeRows(frame: Frame, rows: Int32Array): Frame {
  const columns = [...frame.columns].map(([name, column]): [string, Column] => {
    if (column.type === 'string') {
      const values = [...column.values]
      for (const row of rows) values[row] = 'elsewhere'
      return [name, { ...column, values }]
    }
    const values = column.values.slice()
    const nulls = column.nulls?.slice()
    for (const row of rows) {
      if (values instanceof BigInt64Array) values[row] = -99n
      else values[row] = 77
      if (nulls !== undefined) nulls[row] = 0
    }
    return [name, { ...column, values, ...(nulls && { nulls }) } as Column]
  })
  return { rowCount: frame.rowCount, columns: new Map(columns) }
}

function shuffled(labels: Uint8Array, seed: number): Uint8Array {
  const random = numbers(seed)
  const order = [...labels.keys()].map((row) => ({ row, at: random() })).sort((a, b) => a.at - b.at)
  return Uint8Array.from(order, ({ row }) => labels[row] ?? 0)
}

describe('a model of shuffled labels', () => {
  const { frame, labels } = syntheticRows(5000, 11)

  it.each(['xgboost', 'logistic_regression'] as const)(
    'knows nothing: the test ROC AUC of %s is near 0.5',
    async (type) => {
      const judge = async (of: Uint8Array) => {
        const set = setOf(frame, of)
        const { classifier, transformer } = await train(set, type)
        const predict = (rows: Frame) => ({ probability: classifier.predictProbability(transformer.transform(rows)) })
        const { test } = await evaluateModel({ set, predict, gates: [], seed: 7, ...library })
        classifier.close()
        return test.roc_auc ?? Number.NaN
      }
      expect(await judge(labels)).toBeGreaterThan(0.75)
      // 1,000 test rows: a coin's ROC AUC has a standard deviation of about 0.018.
      for (const seed of [1, 2, 3]) expect(Math.abs((await judge(shuffled(labels, seed))) - 0.5)).toBeLessThan(0.06)
    },
  )
})

describe('the transformer', () => {
  it.each(MODEL_TYPES)(
    'of %s does not see validation and test rows: changing them leaves its bytes the same',
    async (type) => {
      const { frame, labels } = syntheticRows(400, 5)
      const set = setOf(frame, labels)
      const { validation, test, train: training } = set.parts
      const before = await savedModel(set, type)
      const changed = await savedModel(
        { ...set, features: changeRows(frame, Int32Array.of(...validation, ...test)) },
        type,
      )
      expect(changed['transformer.json']).toBe(before['transformer.json'])
      // The same change in rows that are learnt from does show.
      const learnt = await savedModel({ ...set, features: changeRows(frame, training.subarray(0, 60)) }, type)
      expect(learnt['transformer.json']).not.toBe(before['transformer.json'])
    },
  )

  it('and the model do not see test rows: without them all files are the same', async () => {
    const { frame, labels } = syntheticRows(400, 5)
    const set = setOf(frame, labels)
    const changed = { ...set, features: changeRows(frame, set.parts.test) }
    expect(await savedModel(changed, 'xgboost')).toEqual(await savedModel(set, 'xgboost'))
  })
})

describe('a seed', () => {
  it.each(MODEL_TYPES)('gives the same bytes of %s twice', async (type) => {
    const { frame, labels } = syntheticRows(300, 5)
    const set = setOf(frame, labels)
    const files = await savedModel(set, type)
    expect(Object.keys(files).length).toBeGreaterThanOrEqual(4)
    expect(await savedModel(set, type)).toEqual(files)
  })

  it.each(['xgboost', 'random_forest', 'neural_network'] as const)(
    'other than the first gives another %s',
    async (type) => {
      const { frame, labels } = syntheticRows(300, 5)
      const set = setOf(frame, labels)
      expect(await savedModel(set, type, 8)).not.toEqual(await savedModel(set, type, 7))
    },
  )
})

describe('trainModel', () => {
  it('fits finally on train and validation, with the rounds that validation chose', async () => {
    const { frame, labels } = syntheticRows(600, 5)
    const set = setOf(frame, labels)
    const hyperparameters = { n_estimators: 200, max_depth: 4, early_stopping_rounds: 5 }
    const trained = await trainModel({
      set,
      modelType: parseModelType('xgboost'),
      hyperparameters,
      seed: 7,
      ...library,
    })
    expect(trained.rounds).toBeLessThan(200)
    expect(trained.history['val_log_loss']?.length).toBeGreaterThan(trained.rounds)
    expect(trained.training.support.rows).toBe(set.parts.finalFit.length)
    expect(trained.validation.support.rows).toBe(set.parts.validation.length)
    const kept = trained.classifier.predictProbability(trained.transformer.transform(takeRows(frame, set.parts.test)))
    expect(kept.length).toBe(set.parts.test.length)
    trained.classifier.close()
  })

  it('refuses one class among the rows it learns from', async () => {
    const { frame, labels } = syntheticRows(100, 5)
    const set = setOf(frame, labels)
    await expect(train({ ...set, labels: new Uint8Array(100) }, 'xgboost')).rejects.toMatchObject({
      code: 'ESTEIRA_TARGET',
    })
  })
})
