import { MODEL_TYPES, type ModelType, parseModelType, train } from '@esteira/models'
import { describe, expect, it } from 'vitest'
import { linearRows, native, prepared, syntheticRows } from './synthetic-rows.js'

const small: Readonly<Record<ModelType, unknown>> = {
  xgboost: { n_estimators: 5 },
  random_forest: { n_estimators: 10 },
  neural_network: { epochs: 2 },
  logistic_regression: {},
  ml_random_forest: { nEstimators: 3 },
}

describe('train', () => {
  it.each(MODEL_TYPES)('%s tells the classes apart', async (modelType) => {
    const rows = linearRows(400, 4, 1)
    const { classifier, rounds } = await train({
      modelType,
      hyperparameters: {
        ...Object(small[modelType]),
        ...(modelType === 'neural_network' ? { epochs: 10, batch_size: 16 } : {}),
      },
      training: rows,
      seed: 1,
      ...native,
    })
    const probability = classifier.predictProbability(rows.matrix)
    const right = rows.labels.filter((label, row) => ((probability[row] ?? 0) >= 0.5 ? 1 : 0) === label).length
    expect(right / rows.labels.length).toBeGreaterThan(0.7)
    expect(rounds).toBeGreaterThan(0)
    expect(classifier.describe()).toMatchObject({ model_type: modelType, features: rows.matrix.names, rounds })
    classifier.close()
  })

  it.each(MODEL_TYPES)('%s refuses a matrix with other columns', async (modelType) => {
    const rows = linearRows(100, 3, 2)
    const { classifier } = await train({
      modelType,
      hyperparameters: small[modelType],
      training: rows,
      seed: 1,
      ...native,
    })
    const swapped = { ...rows.matrix, names: ['x0', 'x2', 'x1'] }
    expect(() => classifier.predictProbability(swapped)).toThrow(
      expect.objectContaining({ code: 'ESTEIRA_SIGNATURE', message: expect.stringContaining('"x1" at position 1') }),
    )
    expect(() => classifier.predictProbability({ rows: 0, names: ['x0'], values: new Float32Array(0) })).toThrow(
      /found 1/,
    )
    classifier.close()
  })

  it.each(MODEL_TYPES)('%s scores no rows and one row', async (modelType) => {
    const rows = linearRows(100, 3, 3)
    const { classifier } = await train({
      modelType,
      hyperparameters: small[modelType],
      training: rows,
      seed: 1,
      ...native,
    })
    const { names, values } = rows.matrix
    expect(classifier.predictProbability({ rows: 0, names, values: new Float32Array(0) })).toHaveLength(0)
    const all = classifier.predictProbability(rows.matrix)
    expect(classifier.predictProbability({ rows: 1, names, values: values.slice(0, 3) })[0]).toBe(all[0])
    classifier.close()
  })

  it.each(MODEL_TYPES)('%s stops when the signal is aborted', async (modelType) => {
    const stop = new AbortController()
    stop.abort()
    const options = { modelType, hyperparameters: small[modelType], training: linearRows(50, 3, 4), seed: 1, ...native }
    await expect(train({ ...options, signal: stop.signal })).rejects.toMatchObject({
      code: 'ESTEIRA_INTERRUPTED',
      retryable: true,
    })
  })

  it.each(['neural_network', 'logistic_regression', 'ml_random_forest'] as const)(
    '%s refuses missing values and names the column',
    async (modelType) => {
      const rows = linearRows(50, 3, 5)
      rows.matrix.values[7] = Number.NaN
      await expect(train({ modelType, training: rows, seed: 1 })).rejects.toMatchObject({
        code: 'ESTEIRA_FEATURES_REFUSED',
        message: expect.stringContaining('"x1"'),
      })
    },
  )

  it('refuses a target of one class, and labels other than 0 and 1', async () => {
    const { matrix } = linearRows(20, 2, 6)
    const options = { modelType: 'xgboost', seed: 1, ...native } as const
    await expect(train({ ...options, training: { matrix, labels: new Uint8Array(20) } })).rejects.toMatchObject({
      code: 'ESTEIRA_TARGET',
      message: 'the target has one class: all 20 training rows are 0',
    })
    const labels = new Float64Array(20).fill(Number.NaN, 3, 4)
    await expect(train({ ...options, training: { matrix, labels } })).rejects.toMatchObject({
      code: 'ESTEIRA_TARGET',
      message: 'the target of training row 3 is NaN; expected 0 or 1',
    })
  })

  it('refuses a part without rows', async () => {
    const rows = linearRows(20, 2, 7)
    const empty = { matrix: { ...rows.matrix, rows: 0, values: new Float32Array(0) }, labels: new Uint8Array(0) }
    await expect(
      train({ modelType: 'xgboost', training: rows, validation: empty, seed: 1, ...native }),
    ).rejects.toMatchObject({ code: 'ESTEIRA_NO_DATA', message: 'the validation part has 0 rows and 2 columns' })
  })

  it('measures training and validation rows after each round and tells the caller', async () => {
    const training = prepared('logistic_regression', syntheticRows(300, 8))
    const validation = { ...training, ...linearLabels(training.labels) }
    const seen: number[] = []
    const { history, rounds } = await train({
      modelType: 'logistic_regression',
      training,
      validation,
      seed: 1,
      onProgress: (round, _total, metrics) => seen.push(round, metrics['val_log_loss'] ?? Number.NaN),
    })
    expect(seen).toHaveLength(rounds * 2)
    expect(Object.keys(history)).toEqual(['train_log_loss', 'val_log_loss'])
    expect(seen.at(-1)).toBe(history['val_log_loss']?.at(-1))
  })
})

describe('parseModelType', () => {
  it('gives the types there are', () => {
    expect(MODEL_TYPES.map(parseModelType)).toEqual(MODEL_TYPES)
  })

  it('names the nearest type for a misspelt one', () => {
    expect(() => parseModelType('xgbost')).toThrow(
      expect.objectContaining({ code: 'ESTEIRA_MODEL_TYPE', hint: expect.stringContaining('Did you mean xgboost?') }),
    )
    expect(() => parseModelType('')).toThrow(/model type "" does not exist/)
  })
})

function linearLabels(labels: Uint8Array | Float64Array): { labels: Uint8Array } {
  return { labels: Uint8Array.from(labels, (label) => 1 - label) }
}
