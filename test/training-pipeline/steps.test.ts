import { defineProject, type Gate, gate, type ProjectDefinition } from '@esteira/core'
import { evaluateModelStep, promoteModelStep, trainModelStep } from 'esteira'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openTinyHome, type TinyHome, TRAINING_DAY } from '../esteira/tiny-home.js'

const first = { runDate: TRAINING_DAY, runId: 'first' }

let home: TinyHome
beforeEach(async () => {
  home = await openTinyHome({ customers: 400 })
})
afterEach(() => home.close())

const withGates = (...gates: Gate[]): ProjectDefinition => ({ ...home.workspace.project.definition, gates })
const registry = async () => (await home.workspace.mlflow()).registry
const liveVersion = async (alias = 'production') => (await (await registry()).versionByAlias('tiny', alias))?.version

describe('the training steps', () => {
  it('end in a promoted version that beats the baselines, with metrics of every part in MLflow', async () => {
    const done = await home.run('training', first)
    expect(done['promote_model']?.result).toMatchObject({
      decision: 'promoted',
      output: { model: { name: 'tiny', version: 1 }, alias: 'production' },
    })
    expect(await liveVersion()).toBe(1)
    const { mlflowRunId, baselines, metrics } = done['evaluate_model']?.result.output ?? {}
    const run = await (await home.workspace.mlflow()).tracking.getRun(String(mlflowRunId))
    expect(run).toMatchObject({ status: 'FINISHED', name: 'first', params: { model_type: 'xgboost', max_depth: '3' } })
    expect(run?.tags).toMatchObject({ model_type: 'xgboost', feature_version: '1', 'esteira.gates': 'passed' })
    expect(run?.tags['data_version']).toMatch(/^[0-9a-f]{64}$/)
    for (const prefix of ['', 'train_', 'val_', 'baseline_recency_', 'baseline_logistic_regression_'])
      expect(run?.metrics[`${prefix}roc_auc`], prefix).toBeGreaterThan(0.6)
    expect(run?.metrics).toMatchObject({ baseline_majority_class_roc_auc: 0.5 })
    expect(metrics).toMatchObject({ roc_auc: run?.metrics['roc_auc'], brier_score: run?.metrics['brier_score'] })
    expect(baselines).toHaveProperty('logistic_regression')
  })

  it('change nothing when they run again with the same run id: no snapshot, no run, no version', async () => {
    await home.run('training', first)
    const before = await home.inventory()
    const again = await home.run('training', first)
    expect(Object.entries(again).filter(([, { reused }]) => !reused)).toEqual([])
    expect(await home.inventory()).toEqual(before)
  })

  it('register a model that failed a gate and leave the live one as it is', async () => {
    await home.run('training', first)
    const definition = withGates(gate.above('roc_auc', 0.9999), gate.beats('majority_class'))
    const done = await home.run('training', { ...first, runId: 'second', definition })
    expect(done['evaluate_model']?.result.decision).toBe('failed')
    expect(done['promote_model']?.result).toMatchObject({ decision: 'refused', output: { model: { version: 2 } } })
    expect(done['promote_model']?.result.summary[0]).toBe('1 of 2 gates passed → tiny v2 is registered, not promoted')
    expect(await liveVersion()).toBe(1)
    const versions = await (await registry()).versions('tiny')
    expect(versions.map(({ stage }) => stage)).toEqual(['Production', 'None'])
    expect(versions[1]?.tags['esteira.gates']).toBe('failed')
  })

  it('end with 65 for a failed gate when --fail-on gate was given', async () => {
    const definition = withGates(gate.above('roc_auc', 0.9999))
    const run = { ...first, definition, options: { 'fail-on': 'gate' } }
    await expect(home.run('training', run)).rejects.toMatchObject({
      code: 'ESTEIRA_GATE_FAILED',
      exitCode: 65,
      message: expect.stringContaining('roc_auc >= 0.9999: roc_auc is'),
    })
    expect(await (await registry()).versions('tiny')).toEqual([])
  })

  it('promote to staging in a dev environment and leave production as it is', async () => {
    await home.run('training', first)
    await home.run('training', { ...first, runId: 'dev', stage: 'staging' })
    expect([await liveVersion(), await liveVersion('staging')]).toEqual([1, 2])
    const versions = await (await registry()).versions('tiny')
    expect(versions.map(({ stage }) => stage)).toEqual(['Production', 'Staging'])
  })

  it('refuse an unknown model type and hyperparameter before anything is logged', async () => {
    const { definition } = home.workspace.project
    const model = { type: 'xgbost', hyperparameters: {} }
    await expect(home.run('training', { ...first, definition: { ...definition, model } })).rejects.toMatchObject({
      code: 'ESTEIRA_MODEL_TYPE',
      hint: expect.stringContaining('xgboost'),
    })
    const wrong = { type: 'xgboost', hyperparameters: { max_dept: 3 } }
    const again = home.step(trainModelStep, 'training', { ...first, definition: { ...definition, model: wrong } })
    await expect(again).rejects.toMatchObject({
      code: 'ESTEIRA_HYPERPARAMETER',
      message: expect.stringContaining('did you mean max_depth?'),
    })
    expect((await home.inventory())['runs']).toEqual([])
  })
})

describe('the live model', () => {
  it('is compared on the same rows when the test date is not before the end of its labels', async () => {
    await home.run('training', first)
    const done = await home.run('training', { ...first, runId: 'second' })
    expect(done['evaluate_model']?.result.output?.['live']).toBe('compared')
    // The same rows, seed and parameters: the same model, no worse than itself.
    expect(done['promote_model']?.result.decision).toBe('promoted')
    expect(done['promote_model']?.result.summary[0]).toContain('tiny v2 is production (was: v1)')
  })

  it('is not compared on rows whose labels it may have learnt from, and keeps its place', async () => {
    await home.run('training', first)
    const done = await home.run('training', { runDate: '2024-06-05', runId: 'older' })
    expect(done['evaluate_model']?.result.output?.['live']).toBe('not_comparable')
    const verdict = done['promote_model']?.result.summary.find((line) => line.includes('no worse than'))
    expect(verdict).toContain('its training labels reach to 2024-06-01, after the test date 2024-05-01')
    expect(done['promote_model']?.result.decision).toBe('refused')
  })

  it('that cannot score the rows any more is not compared, with the reason', async () => {
    await home.run('training', first)
    const { definition } = home.workspace.project
    const { orders_90d, ...rest } = definition.view.features
    expect(orders_90d).toBeDefined()
    const view = { ...definition.view, features: rest }
    const done = await home.run('training', { ...first, runId: 'second', definition: { ...definition, view } })
    const verdict = done['promote_model']?.result.summary.find((line) => line.includes('no worse than'))
    expect(verdict).toContain('column "orders_90d" is missing')
  })
})

describe('an attempt that was cut short', () => {
  it('leaves its MLflow run marked killed when the step runs again', async () => {
    const { tracking } = await home.workspace.mlflow()
    const experimentId = await tracking.ensureExperiment('tiny')
    const tags = { 'esteira.run_id': 'first' }
    const cut = await tracking.createRun({ experimentId, name: 'first', startedAt: new Date(), tags })
    const done = await home.run('training', first)
    expect(await tracking.getRun(cut.runId)).toMatchObject({ status: 'KILLED' })
    expect(done['train_model']?.result.output?.['mlflowRunId']).not.toBe(cut.runId)
  })

  it('registers the version once though its result was lost', async () => {
    await home.run('training', first)
    await home.workspace.objects.delete('runs/first/promote_model.json')
    const { reused, result } = await home.step(promoteModelStep, 'training', first)
    expect(reused).toBe(false)
    expect(result.output?.['model']).toMatchObject({ version: 1 })
    expect(await (await registry()).versions('tiny')).toHaveLength(1)
  })

  it('marks the MLflow run failed when the evaluation fails', async () => {
    await home.run('training', first)
    const objects = await home.workspace.objects.list('runs/first/model/')
    await home.workspace.objects.delete('runs/first/evaluate_model.json')
    for (const { key } of objects) if (key.endsWith('model.ubj')) await home.workspace.objects.put(key, 'broken')
    await expect(home.step(evaluateModelStep, 'training', first)).rejects.toMatchObject({
      code: 'ESTEIRA_MODEL_CORRUPT',
    })
    expect((await home.inventory())['runs']).toEqual([[expect.any(String), 'FAILED']])
  })
})

it('refuses a label that is a feature', () => {
  const { definition } = home.workspace.project
  const label = { ...definition.label, name: 'orders_30d' }
  expect(() => defineProject({ views: [definition.view], label, model: definition.model })).toThrow(
    expect.objectContaining({ code: 'ESTEIRA_PROJECT' }),
  )
})
