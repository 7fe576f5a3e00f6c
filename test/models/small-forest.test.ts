import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadClassifier, train } from '@esteira/models'
import { RandomForestClassifier } from 'ml-random-forest'
import { describe, expect, it } from 'vitest'
import { linearRows } from './synthetic-rows.js'

const hyperparameters = { nEstimators: 5, maxFeatures: 2, maxDepth: 4 }

describe('ml_random_forest', () => {
  it('votes as the package itself does', async () => {
    const rows = linearRows(120, 3, 41)
    const { classifier } = await train({ modelType: 'ml_random_forest', hyperparameters, training: rows, seed: 9 })
    const forest = new RandomForestClassifier({
      nEstimators: 5,
      maxFeatures: 2,
      replacement: true,
      seed: 9,
      noOOB: true,
      treeOptions: { maxDepth: 4, minNumSamples: 3 },
    })
    const table = Array.from({ length: 120 }, (_, row) => [...rows.matrix.values.slice(row * 3, row * 3 + 3)])
    forest.train(table, [...rows.labels])
    const votes = forest.predict(table)
    const probability = classifier.predictProbability(rows.matrix)
    // A mean of leaf shares can differ from a count of votes only near one half.
    const sure = votes.filter((_vote: number, row: number) => Math.abs((probability[row] ?? 0) - 0.5) > 0.3)
    expect(sure.length).toBeGreaterThan(20)
    votes.forEach((vote: number, row: number) => {
      const found = probability[row] ?? 0
      if (Math.abs(found - 0.5) > 0.3) expect(found > 0.5 ? 1 : 0).toBe(vote)
    })
  })

  it('is for small data: more than 1,000 rows are refused, naming random_forest', async () => {
    await expect(
      train({ modelType: 'ml_random_forest', training: linearRows(1001, 1, 42), seed: 1 }),
    ).rejects.toMatchObject({ code: 'ESTEIRA_UNSUPPORTED', hint: expect.stringContaining('random_forest') })
  })

  it('gives the same bytes for the same seed and reads them back', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'esteira-forest-'))
    const training = linearRows(80, 3, 43)
    const { classifier } = await train({ modelType: 'ml_random_forest', hyperparameters, training, seed: 9 })
    await classifier.save(folder)
    const bytes = await readFile(join(folder, 'model.json'), 'utf8')
    const loaded = await loadClassifier(folder)
    expect(loaded.predictProbability(training.matrix)).toEqual(classifier.predictProbability(training.matrix))
    const again = await train({ modelType: 'ml_random_forest', hyperparameters, training, seed: 9 })
    await again.classifier.save(folder)
    expect(await readFile(join(folder, 'model.json'), 'utf8')).toBe(bytes)
    await rm(folder, { recursive: true })
  })

  it('refuses a tree whose links do not lead forward', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'esteira-forest-'))
    const { classifier } = await train({
      modelType: 'ml_random_forest',
      hyperparameters,
      training: linearRows(80, 3, 44),
      seed: 9,
    })
    await classifier.save(folder)
    const circle = JSON.stringify({ trees: [[{ feature: 0, threshold: 0, left: 0, right: 0, probability: 0 }]] })
    await writeFile(join(folder, 'model.json'), circle)
    const description = JSON.parse(await readFile(join(folder, 'esteira_model.json'), 'utf8'))
    description.sha256['model.json'] = createHash('sha256').update(circle).digest('hex')
    await writeFile(join(folder, 'esteira_model.json'), JSON.stringify(description))
    await expect(loadClassifier(folder)).rejects.toMatchObject({ code: 'ESTEIRA_MODEL_CORRUPT' })
    await rm(folder, { recursive: true })
  })
})
