import { type LabelledMatrix, train } from '@esteira/models'
import { beforeAll, describe, expect, it } from 'vitest'
import { runPython } from '../services/python.js'
import { linearRows, prepared, syntheticRows } from './synthetic-rows.js'

interface Case {
  readonly title: string
  readonly rows: LabelledMatrix
  readonly options: Readonly<Record<string, unknown>>
}

interface Fit {
  readonly coefficients: readonly number[]
  readonly probability: readonly number[]
}

const usual = prepared('logistic_regression', syntheticRows(500, 21))
const cases: readonly Case[] = [
  { title: 'the usual penalty', rows: usual, options: { C: 1 } },
  { title: 'a strong penalty', rows: usual, options: { C: 0.01 } },
  { title: 'a weak penalty', rows: usual, options: { C: 1000 } },
  { title: 'no intercept', rows: usual, options: { C: 1, fit_intercept: false } },
  { title: 'balanced classes', rows: usual, options: { C: 1, class_weight: 'balanced' } },
  {
    title: 'columns that are multiples of each other and classes that a line parts',
    rows: collinear(),
    options: { C: 1 },
  },
  { title: 'values of very different size', rows: unscaled(), options: { C: 1 } },
]

const FIT = `import json, sys, warnings, numpy as np
from sklearn.linear_model import LogisticRegression
warnings.simplefilter("ignore")
fits = []
for given in json.load(sys.stdin):
    x = np.array(given["values"], dtype=np.float32).reshape(len(given["labels"]), -1).astype(float)
    model = LogisticRegression(tol=1e-12, max_iter=10000, solver="newton-cholesky", **given["options"]).fit(x, given["labels"])
    fits.append(dict(coefficients=model.coef_[0].tolist(), probability=model.predict_proba(x)[:, 1].tolist()))
print(json.dumps(fits))`

describe('logistic_regression', () => {
  const expected = new Map<string, Fit>()

  beforeAll(async () => {
    const given = cases.map(({ rows, options }) => ({
      values: [...rows.matrix.values],
      labels: [...rows.labels],
      options,
    }))
    const fits: Fit[] = JSON.parse(await runPython(FIT, [], { input: JSON.stringify(given) }))
    fits.forEach((fit, index) => {
      expected.set(cases[index]?.title ?? '', fit)
    })
  })

  it.each(cases)('has the coefficients of scikit-learn to 1e-6 with $title', async ({ title, rows, options }) => {
    const { classifier, featureImportance } = await train({
      modelType: 'logistic_regression',
      hyperparameters: options,
      training: rows,
      seed: 1,
    })
    const fit = expected.get(title)
    const coefficients = Object.values(featureImportance['coefficient'] ?? {})
    expect(furthest(coefficients, fit?.coefficients)).toBeLessThan(1e-6)
    expect(furthest(classifier.predictProbability(rows.matrix), fit?.probability)).toBeLessThan(1e-6)
  })

  it('has no slope left at the end and a loss that never rises', async () => {
    const rows = prepared('logistic_regression', syntheticRows(800, 23))
    const { history, rounds } = await train({ modelType: 'logistic_regression', training: rows, seed: 1 })
    const losses = history['train_log_loss'] ?? []
    expect(rounds).toBeLessThan(15)
    expect(losses).toHaveLength(rounds)
    expect(losses.every((loss, step) => step === 0 || loss <= (losses[step - 1] ?? 0) + 1e-6)).toBe(true)
  })

  it('has the same coefficients whatever the seed', async () => {
    const training = linearRows(100, 3, 25)
    const [one, two] = await Promise.all(
      [1, 2].map((seed) => train({ modelType: 'logistic_regression', training, seed })),
    )
    expect(one?.featureImportance).toEqual(two?.featureImportance)
  })
})

function furthest(found: ArrayLike<number>, expected: readonly number[] = []): number {
  expect(found).toHaveLength(expected.length)
  return Math.max(...expected.map((value, index) => Math.abs(value - (found[index] ?? Number.NaN))))
}

function collinear(): LabelledMatrix {
  const { matrix } = linearRows(60, 3, 22)
  for (let row = 0; row < 60; row++) matrix.values[row * 3 + 1] = 2 * (matrix.values[row * 3] ?? 0)
  return { matrix, labels: Uint8Array.from({ length: 60 }, (_, row) => ((matrix.values[row * 3] ?? 0) > 0 ? 1 : 0)) }
}

function unscaled(): LabelledMatrix {
  const rows = linearRows(200, 3, 24)
  for (let row = 0; row < 200; row++) rows.matrix.values[row * 3] = (rows.matrix.values[row * 3] ?? 0) * 1e4
  return rows
}
