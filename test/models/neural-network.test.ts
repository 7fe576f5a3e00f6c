import { cp, mkdtemp, readFile, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadClassifier, train } from '@esteira/models'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { linearRows, numbers } from './synthetic-rows.js'

const training = linearRows(500, 4, 31)
const validation = linearRows(300, 4, 32)
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'esteira-neural-'))
})

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

async function weightsOf(seed: number): Promise<string> {
  const { classifier } = await train({
    modelType: 'neural_network',
    hyperparameters: { epochs: 2, hidden_units: [8] },
    training,
    seed,
  })
  const at = await mkdtemp(join(folder, 'model-'))
  await classifier.save(at)
  return readFile(join(at, 'weights.bin'), 'base64')
}

describe('neural_network', () => {
  it('gives the same weights for the same seed', async () => {
    const first = await weightsOf(5)
    expect(await weightsOf(5)).toBe(first)
    expect(await weightsOf(6)).not.toBe(first)
  })

  it('learns what a straight line cannot', async () => {
    const random = numbers(33)
    const values = Float32Array.from({ length: 800 }, () => random() * 2 - 1)
    const labels = Uint8Array.from({ length: 400 }, (_, row) =>
      (values[row * 2] ?? 0) * (values[row * 2 + 1] ?? 0) > 0 ? 1 : 0,
    )
    const rows = { matrix: { rows: 400, names: ['a', 'b'], values }, labels }
    const { classifier } = await train({
      modelType: 'neural_network',
      hyperparameters: { epochs: 30, hidden_units: [16, 8], learning_rate: 0.02, batch_size: 64, activation: 'tanh' },
      training: rows,
      seed: 1,
    })
    const probability = classifier.predictProbability(rows.matrix)
    const right = labels.filter((label, row) => ((probability[row] ?? 0) >= 0.5 ? 1 : 0) === label).length
    expect(right / 400).toBeGreaterThan(0.9)
  })

  it('stops early and keeps the weights of the best epoch', async () => {
    const hyperparameters = { epochs: 60, learning_rate: 0.05, patience: 2, hidden_units: [16], batch_size: 50, l2: 0 }
    const { classifier, history, bestIteration, rounds } = await train({
      modelType: 'neural_network',
      hyperparameters,
      training,
      validation,
      seed: 1,
    })
    const losses = history['val_log_loss'] ?? []
    expect(bestIteration).toBe(losses.indexOf(Math.min(...losses)))
    expect(rounds).toBe((bestIteration ?? 0) + 1)
    expect(losses.length).toBeLessThan(60)
    const probability = classifier.predictProbability(validation.matrix)
    const loss = probability.reduce((sum, p, row) => sum - Math.log(validation.labels[row] === 1 ? p : 1 - p), 0) / 300
    expect(loss).toBeCloseTo(Math.min(...losses), 9)
  })

  it('ends within an epoch when the signal is aborted', async () => {
    const stop = new AbortController()
    const running = train({
      modelType: 'neural_network',
      hyperparameters: { epochs: 10_000, hidden_units: [4] },
      training,
      seed: 1,
      signal: stop.signal,
      onProgress: () => stop.abort(),
    })
    await expect(running).rejects.toMatchObject({
      code: 'ESTEIRA_INTERRUPTED',
      message: 'stopped in the middle of training, in epoch 2 of 10000',
    })
  })

  it('refuses weights that were cut off', async () => {
    const options = {
      modelType: 'neural_network',
      hyperparameters: { epochs: 1, hidden_units: [4] },
      training,
      seed: 1,
    } as const
    const { classifier } = await train(options)
    const at = await mkdtemp(join(folder, 'whole-'))
    await classifier.save(at)
    const loaded = await loadClassifier(at)
    expect(loaded.predictProbability(training.matrix)).toEqual(classifier.predictProbability(training.matrix))
    const cut = await mkdtemp(join(folder, 'cut-'))
    await cp(at, cut, { recursive: true })
    await truncate(join(cut, 'weights.bin'), 40)
    await expect(loadClassifier(cut)).rejects.toMatchObject({ code: 'ESTEIRA_MODEL_CORRUPT' })
  })
})
