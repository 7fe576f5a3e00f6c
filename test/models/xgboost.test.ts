import { copyFile, cp, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Classifier, loadClassifier, train, XGBOOST_VERSION } from '@esteira/models'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runPython } from '../services/python.js'
import { linearRows, native } from './synthetic-rows.js'

const training = linearRows(600, 5, 11)
const validation = linearRows(300, 5, 12)
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'esteira-xgboost-'))
})

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

async function newFolder(): Promise<string> {
  return mkdtemp(join(folder, 'model-'))
}

async function bytesOf(classifier: Classifier): Promise<string> {
  const at = await newFolder()
  await classifier.save(at)
  return `${await readFile(join(at, 'model.ubj'), 'base64')} ${await readFile(join(at, 'esteira_model.json'), 'utf8')}`
}

describe('xgboost', () => {
  it('learns the same trees as the Python package, in a file it reads, with the names of the features in it', async () => {
    const hyperparameters = {
      n_estimators: 20,
      max_depth: 4,
      learning_rate: 0.2,
      subsample: 0.7,
      colsample_bytree: 0.8,
    }
    const { classifier } = await train({ modelType: 'xgboost', hyperparameters, training, seed: 5, ...native })
    const at = await newFolder()
    await classifier.save(at)
    const python = JSON.parse(
      await runPython(
        `import json, sys, numpy as np, xgboost as xgb
given = json.load(sys.stdin)
x = np.array(given["values"], dtype=np.float32).reshape(-1, 5)
names = [f"x{i}" for i in range(5)]
matrix = xgb.DMatrix(x, np.array(given["labels"]), feature_names=names)
parameters = dict(objective="binary:logistic", tree_method="hist", max_depth=4, learning_rate=0.2, subsample=0.7, colsample_bytree=0.8, seed=5, nthread=1)
own = xgb.train(parameters, matrix, 20).predict(matrix)
ours = xgb.Booster({"nthread": 1}, model_file=sys.argv[1])
try:
    ours.predict(xgb.DMatrix(x, feature_names=list("abcde")))
    refused = False
except ValueError:
    refused = True
read = ours.predict(matrix)
print(json.dumps(dict(own=own.astype(float).tolist(), read=read.astype(float).tolist(), names=ours.feature_names, types=ours.feature_types, refused=refused)))`,
        [join(at, 'model.ubj')],
        { input: JSON.stringify({ values: [...training.matrix.values], labels: [...training.labels] }) },
      ),
    )
    const found = [...classifier.predictProbability(training.matrix)]
    const distances = found.map((value, row) => Math.abs(value - (python.own[row] ?? Number.NaN)))
    expect(Math.max(...distances)).toBeLessThan(1e-6)
    expect(python.read).toEqual(found)
    expect(python.names).toEqual(training.matrix.names)
    expect(python.types).toEqual(training.matrix.names.map(() => 'float'))
    expect(python.refused).toBe(true)
    classifier.close()
  })

  it.each(['xgboost', 'random_forest'] as const)(
    '%s gives the same bytes for the same seed, whatever the threads',
    async (modelType) => {
      const hyperparameters = { n_estimators: 8, subsample: 0.6 }
      const run = async (seed: number, threads: number) => {
        const { classifier } = await train({ modelType, hyperparameters, training, seed, ...native, threads })
        const bytes = await bytesOf(classifier)
        classifier.close()
        return bytes
      }
      const first = await run(5, 1)
      expect(await run(5, 1)).toBe(first)
      expect(await run(5, 2)).toBe(first)
      expect(await run(6, 1)).not.toBe(first)
    },
  )

  it('scores alike after saving and loading, missing values included', async () => {
    const { classifier } = await train({
      modelType: 'xgboost',
      hyperparameters: { n_estimators: 10 },
      training,
      seed: 5,
      ...native,
    })
    const at = await newFolder()
    await classifier.save(at)
    const loaded = await loadClassifier(at, native)
    const holes = {
      ...training.matrix,
      values: training.matrix.values.map((value, at) => (at % 7 === 0 ? Number.NaN : value)),
    }
    expect(loaded.predictProbability(holes)).toEqual(classifier.predictProbability(holes))
    expect(loaded.describe()).toEqual(classifier.describe())
    expect(loaded.describe().library).toEqual({ name: 'xgboost', version: XGBOOST_VERSION })
    loaded.close()
    classifier.close()
  })

  it('stops early at the best validation round and keeps only the rounds up to it', async () => {
    const hyperparameters = { n_estimators: 200, early_stopping_rounds: 5 }
    const stopped = await train({ modelType: 'xgboost', hyperparameters, training, validation, seed: 5, ...native })
    const losses = stopped.history['val_log_loss'] ?? []
    const best = losses.indexOf(Math.min(...losses))
    expect(stopped.bestIteration).toBe(best)
    expect(stopped.rounds).toBe(best + 1)
    expect(losses).toHaveLength(best + 1 + 5)
    const again = await train({
      modelType: 'xgboost',
      hyperparameters: { n_estimators: best + 1 },
      training,
      seed: 5,
      ...native,
    })
    expect(stopped.classifier.predictProbability(validation.matrix)).toEqual(
      again.classifier.predictProbability(validation.matrix),
    )
    expect(again.bestIteration).toBeUndefined()
    expect(again.history).toEqual({})
  })

  it('runs every round when early stopping is off, and can watch the area under the curve', async () => {
    const options = { modelType: 'xgboost', training, validation, seed: 5, ...native } as const
    const whole = await train({ ...options, hyperparameters: { n_estimators: 40, early_stopping_rounds: null } })
    expect([whole.rounds, whole.bestIteration]).toEqual([40, undefined])
    const watched = await train({
      ...options,
      hyperparameters: { n_estimators: 40, early_stopping_rounds: 3, eval_metric: 'auc' },
    })
    const areas = watched.history['val_roc_auc'] ?? []
    expect(watched.bestIteration).toBe(areas.indexOf(Math.max(...areas)))
    expect(Object.keys(watched.history).sort()).toEqual([
      'train_log_loss',
      'train_roc_auc',
      'val_log_loss',
      'val_roc_auc',
    ])
  })

  it('ends between two rounds when the signal is aborted in the middle', async () => {
    const stop = new AbortController()
    const rounds: number[] = []
    const running = train({
      modelType: 'xgboost',
      hyperparameters: { n_estimators: 100_000 },
      training,
      seed: 5,
      ...native,
      signal: stop.signal,
      onProgress: (round) => {
        rounds.push(round)
        if (round === 3) setTimeout(() => stop.abort(), 0)
      },
    })
    await expect(running).rejects.toMatchObject({ code: 'ESTEIRA_INTERRUPTED' })
    expect(rounds.length).toBeLessThan(100_000)
  })

  it('finds the features that carry the target, and counts unused ones as 0', async () => {
    const matrix = { ...training.matrix, values: training.matrix.values.map((value, at) => (at % 5 === 4 ? 1 : value)) }
    const { featureImportance } = await train({
      modelType: 'xgboost',
      hyperparameters: { n_estimators: 10 },
      training: { ...training, matrix },
      seed: 5,
      ...native,
    })
    expect(featureImportance['gain']?.['x4']).toBe(0)
    expect(featureImportance['gain']?.['x0']).toBeGreaterThan(featureImportance['gain']?.['x2'] ?? 0)
    expect(featureImportance['weight']?.['x0']).toBeGreaterThan(0)
  })

  it('cannot be used after it was closed; closing twice is harmless', async () => {
    const { classifier } = await train({
      modelType: 'xgboost',
      hyperparameters: { n_estimators: 1 },
      training,
      seed: 5,
      ...native,
    })
    classifier.close()
    classifier.close()
    expect(() => classifier.predictProbability(training.matrix)).toThrow(/was closed/)
  })
})

describe('a saved xgboost model', () => {
  let saved: string

  beforeAll(async () => {
    const { classifier } = await train({
      modelType: 'xgboost',
      hyperparameters: { n_estimators: 3 },
      training,
      seed: 5,
      ...native,
    })
    saved = await newFolder()
    await classifier.save(saved)
    classifier.close()
  })

  async function damaged(damage: (folder: string) => Promise<unknown>): Promise<string> {
    const at = await newFolder()
    await cp(saved, at, { recursive: true })
    await damage(at)
    return at
  }

  async function rewrite(at: string, from: string | RegExp, to: string): Promise<void> {
    const file = join(at, 'esteira_model.json')
    await writeFile(file, (await readFile(file, 'utf8')).replace(from, to))
  }

  it('is refused when its bytes changed, before the library sees them', async () => {
    const cut = await damaged((at) => truncate(join(at, 'model.ubj'), 500))
    await expect(loadClassifier(cut, native)).rejects.toMatchObject({ code: 'ESTEIRA_MODEL_CORRUPT' })
    const other = await damaged((at) => copyFile(join(at, 'esteira_model.json'), join(at, 'model.ubj')))
    await expect(loadClassifier(other, native)).rejects.toThrow(/model\.ubj cannot be read: its SHA-256 is/)
  })

  it('is refused when its description is damaged or names another number of features', async () => {
    const text = await damaged((at) => writeFile(join(at, 'esteira_model.json'), '{"format":'))
    await expect(loadClassifier(text, native)).rejects.toThrow(/esteira_model\.json cannot be read: it is not JSON/)
    const type = await damaged((at) => rewrite(at, '"xgboost"', '"boost"'))
    await expect(loadClassifier(type, native)).rejects.toThrow(/field model_type/)
    const fewer = await damaged((at) => rewrite(at, /"x3",\s+"x4"/, '"x3"'))
    await expect(loadClassifier(fewer, native)).rejects.toThrow(/it has 5 features, its description 4/)
  })

  it('is refused by an older library than the one that saved it', async () => {
    const newer = await damaged((at) => rewrite(at, `"${XGBOOST_VERSION}"`, '"99.0.0"'))
    await expect(loadClassifier(newer, native)).rejects.toMatchObject({
      code: 'ESTEIRA_NATIVE_LIBRARY',
      message: expect.stringContaining('was saved by XGBoost 99.0.0'),
    })
    const older = await damaged((at) => rewrite(at, `"${XGBOOST_VERSION}"`, '"3.1.9"'))
    const classifier = await loadClassifier(older, native)
    expect(classifier.features).toEqual(training.matrix.names)
    classifier.close()
  })

  it('is missing when the folder holds none', async () => {
    await expect(loadClassifier(await newFolder(), native)).rejects.toMatchObject({ code: 'ESTEIRA_MODEL_MISSING' })
    const empty = await damaged((at) => rm(join(at, 'model.ubj')))
    await expect(loadClassifier(empty, native)).rejects.toThrow(/holds no readable model\.ubj/)
  })

  it('needs a libxgboost: another file is refused with what to do', async () => {
    const options = { xgboostLibrary: join(saved, 'esteira_model.json') }
    await expect(loadClassifier(saved, options)).rejects.toMatchObject({
      code: 'ESTEIRA_NATIVE_LIBRARY',
      hint: expect.stringContaining('npm run setup'),
    })
  })
})
