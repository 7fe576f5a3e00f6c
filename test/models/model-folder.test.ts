import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Column, toRows } from '@esteira/core'
import {
  FeatureTransformer,
  loadModelFolder,
  MODEL_TYPES,
  type ModelType,
  pythonFlavors,
  pythonRequirements,
  saveModelFolder,
  train,
} from '@esteira/models'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runPython } from '../services/python.js'
import { linearRows, native, prepared, syntheticRows } from './synthetic-rows.js'

const small: Readonly<Record<ModelType, unknown>> = {
  xgboost: { n_estimators: 30 },
  random_forest: { n_estimators: 20 },
  neural_network: { epochs: 3, hidden_units: [16, 8], activation: 'tanh' },
  logistic_regression: {},
  ml_random_forest: { nEstimators: 5 },
}
const scored = syntheticRows(10_000, 52, true)
const threshold = 0.4
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'esteira-model-folder-'))
})

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

async function saveModel(modelType: ModelType): Promise<string> {
  const { transformer, ...training } = prepared(modelType, syntheticRows(400, 51))
  const { classifier } = await train({ modelType, hyperparameters: small[modelType], training, seed: 3, ...native })
  const at = await mkdtemp(join(folder, `${modelType}-`))
  await saveModelFolder(at, { classifier, transformer, threshold })
  classifier.close()
  return at
}

interface PythonScores {
  readonly prediction: readonly number[]
  readonly probability: readonly number[]
  /** Typed pandas columns score as objects do. */
  readonly same: boolean
  /** First label of the index of the scores; the rows' own starts at 7. */
  readonly index: number
  /** Scores of no rows. */
  readonly none: number
  /** What a frame without the column `visits` is answered. */
  readonly refused: string
}

const SCORE = `import importlib, json, os, sys
os.environ["OMP_NUM_THREADS"] = "1"
import numpy as np, pandas as pd
given = json.load(sys.stdin)
frame = pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in given.items()})
frame["spend"] = frame["spend"].map(lambda value: float(value) if isinstance(value, str) else value)
frame.index = frame.index + 7
typed = frame.assign(spend=frame["spend"].astype(float), visits=frame["visits"].astype("int32"), member=frame["member"].astype("boolean"), city=frame["city"].astype("category"))
told = []
for folder in sys.argv[1:]:
    sys.path.insert(0, folder + "/code")
    sys.modules.pop("esteira_pyfunc", None)
    model = importlib.import_module("esteira_pyfunc")._load_pyfunc(folder)
    first = model.predict(frame)
    try:
        model.predict([{"spend": 1.0, "city": None, "member": None, "booked": 3}])
        refused = ""
    except ValueError as error:
        refused = str(error)
    told.append(dict(prediction=first.prediction.tolist(), probability=first.probability.tolist(),
        same=bool((model.predict(typed).to_numpy() == first.to_numpy()).all()),
        index=int(first.index[0]), none=len(model.predict(frame.head(0))), refused=refused))
print(json.dumps(told))`

describe('a saved model folder', () => {
  const folders = new Map<ModelType, string>()
  const python = new Map<ModelType, PythonScores>()

  beforeAll(async () => {
    for (const modelType of MODEL_TYPES) folders.set(modelType, await saveModel(modelType))
    const input = JSON.stringify(columnsOfJson())
    const told: PythonScores[] = JSON.parse(await runPython(SCORE, [...folders.values()], { input }))
    MODEL_TYPES.forEach((modelType, index) => {
      const scores = told[index]
      if (scores !== undefined) python.set(modelType, scores)
    })
  })

  it.each(MODEL_TYPES)('of %s scores raw features in Python as here, 10,000 rows to 1e-6', async (modelType) => {
    const model = await loadModelFolder(folders.get(modelType) ?? '', native)
    const found = model.predict(scored.frame)
    const other = python.get(modelType)
    const distances = [...found.probability].map((value, row) =>
      Math.abs(value - (other?.probability[row] ?? Number.NaN)),
    )
    expect(Math.max(...distances)).toBeLessThan(1e-6)
    expect([...found.prediction]).toEqual(other?.prediction)
    expect(new Set(found.prediction)).toEqual(new Set([0, 1]))
    expect([...found.prediction]).toEqual([...found.probability].map((value) => (value >= threshold ? 1 : 0)))
    expect(other).toMatchObject({ same: true, index: 7, none: 0 })
    expect(other?.refused).toContain("missing columns ['visits']")
    model.close()
  })

  it('holds the same bytes for the same model', async () => {
    const [one, two] = await Promise.all([saveModel('xgboost'), saveModel('xgboost')])
    const files = (await readdir(one, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
    expect(files.map((entry) => entry.name).sort()).toEqual([
      'esteira_model.json',
      'esteira_pyfunc.py',
      'model.ubj',
      'transformer.json',
    ])
    for (const file of ['esteira_model.json', 'model.ubj', 'transformer.json']) {
      expect(await readFile(join(two, file))).toEqual(await readFile(join(one, file)))
    }
  })

  it('refuses rows without a column the model needs', async () => {
    const at = await saveModel('logistic_regression')
    const model = await loadModelFolder(at)
    const columns = new Map<string, Column>(scored.frame.columns)
    columns.delete('visits')
    expect(() => model.predict({ ...scored.frame, columns })).toThrow(
      expect.objectContaining({ code: 'ESTEIRA_SIGNATURE', message: expect.stringContaining('"visits"') }),
    )
  })

  it('is not written for a transformer of another model', async () => {
    const { classifier } = await train({ modelType: 'logistic_regression', training: linearRows(50, 2, 1), seed: 1 })
    const transformer = FeatureTransformer.forModel('logistic_regression').fit(scored.frame)
    await expect(saveModelFolder(folder, { classifier, transformer })).rejects.toMatchObject({
      code: 'ESTEIRA_SIGNATURE',
    })
  })

  it('is refused when its transformer.json is damaged or gone', async () => {
    const at = await saveModel('logistic_regression')
    await writeFile(join(at, 'transformer.json'), '{}')
    await expect(loadModelFolder(at)).rejects.toMatchObject({ code: 'ESTEIRA_MODEL_CORRUPT' })
    await rm(join(at, 'transformer.json'))
    await expect(loadModelFolder(at)).rejects.toMatchObject({ code: 'ESTEIRA_MODEL_MISSING' })
  })
})

describe('pythonFlavors', () => {
  it('names the loader, and the bare booster of a tree model', () => {
    const python_function = { loader_module: 'esteira_pyfunc', code: 'code', data: '.', python_version: '3.11.7' }
    expect(pythonFlavors('neural_network', { pythonVersion: '3.11.7' })).toEqual({ python_function })
    expect(pythonFlavors('random_forest', { pythonVersion: '3.11.7', xgboostVersion: '3.2.0' })).toEqual({
      python_function,
      xgboost: { data: 'model.ubj', model_class: 'xgboost.core.Booster', model_format: 'ubj', xgb_version: '3.2.0' },
    })
  })

  it('asks for xgboost only where trees are scored', () => {
    expect(pythonRequirements('logistic_regression')).toEqual(['numpy', 'pandas'])
    expect(pythonRequirements('xgboost')).toContain('xgboost>=3.2.0')
  })
})

/** The scored rows as JSON carries them: what JSON has no number for travels as text. */
function columnsOfJson(): Record<string, unknown[]> {
  const rows = toRows(scored.frame)
  return Object.fromEntries(
    [...scored.frame.columns.keys()].map((name) => [
      name,
      rows.map((row) => {
        const value = row[name] ?? null
        return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value
      }),
    ]),
  )
}
