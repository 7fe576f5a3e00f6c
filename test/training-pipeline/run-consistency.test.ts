import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  checkReadinessStep,
  evaluateModelStep,
  extractFeaturesStep,
  ingestRawStep,
  prepareTrainingDataStep,
  processSilverStep,
  promoteModelStep,
  trainModelStep,
  validateFeaturesStep,
} from 'esteira'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openTinyHome, type TinyHome, TRAINING_DAY } from '../esteira/tiny-home.js'

const UNTIL_EVALUATION = [
  ingestRawStep,
  processSilverStep,
  checkReadinessStep,
  extractFeaturesStep,
  validateFeaturesStep,
  prepareTrainingDataStep,
  trainModelStep,
  evaluateModelStep,
]

describe('a run that is repeated', () => {
  let home: TinyHome
  beforeEach(async () => {
    home = await openTinyHome()
  })
  afterEach(() => home.close())

  const A = { runId: 'a', runDate: TRAINING_DAY }

  it('changes nothing after a run of another date has replaced silver', async () => {
    await home.run('training', A)
    await home.run('features', { runId: 'b', runDate: '2024-06-10' })
    const before = await home.inventory()
    const again = await home.run('training', A)
    expect(Object.values(again).every(({ reused }) => reused)).toBe(true)
    expect(await home.inventory()).toEqual(before)
  })

  it('puts its own silver back when its result was lost', async () => {
    await home.run('features', A)
    const rows = await home.rows('SELECT count(*) AS n FROM {silver.tiny_orders}')
    await home.run('features', { runId: 'b', runDate: '2024-06-10' })
    expect(await home.rows('SELECT count(*) AS n FROM {silver.tiny_orders}')).not.toEqual(rows)
    await home.workspace.objects.delete('runs/a/process_silver.json')
    await home.step(processSilverStep, 'features', A)
    expect(await home.rows('SELECT count(*) AS n FROM {silver.tiny_orders}')).toEqual(rows)
  })

  it('leaves silver as it is when its date has no usable row', async () => {
    await home.run('features', A)
    const lakehouse = await home.workspace.lakehouse()
    const before = await lakehouse.table('silver.tiny_orders')
    const early = { runId: 'early', runDate: '2000-01-01' }
    await home.step(ingestRawStep, 'features', early)
    await expect(home.step(processSilverStep, 'features', early)).rejects.toMatchObject({ code: 'ESTEIRA_NO_DATA' })
    expect(await lakehouse.table('silver.tiny_orders')).toEqual(before)
  })

  it('is judged again when another model went live before its promotion', async () => {
    for (const step of UNTIL_EVALUATION) await home.step(step, 'training', A)
    await home.run('training', { runId: 'b', runDate: TRAINING_DAY })
    await expect(home.step(promoteModelStep, 'training', A)).rejects.toMatchObject({
      code: 'ESTEIRA_COMMIT_CONFLICT',
      message: expect.stringContaining('judged against none, and v1 is live now'),
    })
    const evaluated = await home.step(evaluateModelStep, 'training', A)
    expect(evaluated).toMatchObject({ reused: false, result: { output: { live: 'compared', liveVersion: 1 } } })
  })

  it('does not take a live model that cannot be loaded for no contest', async () => {
    await home.run('training', A)
    const { registry } = await home.workspace.mlflow()
    const live = await registry.versionByAlias('tiny', 'production')
    if (live === undefined) throw new Error('nothing is live')
    const folder = await registry.modelFolder(live, join(home.folder, 'cache'))
    for (const file of await readdir(folder)) if (file.endsWith('.ubj')) await rm(join(folder, file))
    await expect(home.run('training', { runId: 'b', runDate: TRAINING_DAY })).rejects.toMatchObject({
      code: expect.stringMatching(/^ESTEIRA_MODEL_/),
    })
    expect((await registry.versionByAlias('tiny', 'production'))?.version).toBe(1)
  })
})
