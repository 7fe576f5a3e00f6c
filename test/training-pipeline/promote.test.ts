import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ModelRegistry } from '@esteira/core'
import { type MlflowStore, openMlflowFile, writeMlmodel } from '@esteira/mlflow'
import { promote, promotions, promotionTarget, rollback } from '@esteira/training-pipeline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const production = promotionTarget('production')
const staging = promotionTarget('staging')

let folder: string
let store: MlflowStore
let registry: ModelRegistry
let minute = 0

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'esteira-promote-'))
  const now = () => new Date(Date.UTC(2026, 0, 1))
  store = await openMlflowFile({
    file: join(folder, 'mlflow.db'),
    artifactsFolder: join(folder, 'a'),
    now,
    newId: randomUUID,
  })
  registry = store.registry
  const experimentId = await store.tracking.ensureExperiment('churn')
  await registry.ensureModel('churn')
  for (let version = 1; version <= 3; version++) {
    const run = await store.tracking.createRun({ experimentId, name: `run ${version}`, startedAt: now(), tags: {} })
    const model = await store.tracking.logModel(run.runId, {
      name: 'churn',
      modelType: 'xgboost',
      writeFolder: writeModel,
    })
    await registry.createVersion({ name: 'churn', source: model.artifactUri, runId: run.runId, modelId: model.modelId })
  }
})
afterEach(async () => {
  await store.close()
  await rm(folder, { recursive: true, force: true })
})

async function writeModel(target: string): Promise<void> {
  await writeFile(join(target, 'model.ubj'), '')
  await writeMlmodel(target, { flavors: {}, createdAt: new Date(0), environment: { requirements: ['mlflow'] } })
}

const nextMinute = () => new Date(Date.UTC(2026, 0, 1, 0, minute++))
const promoteTo = (version: number, target = production) =>
  promote(registry, { name: 'churn', version, target, now: nextMinute() })
const rollBack = (target = production) => rollback(registry, { name: 'churn', target, now: nextMinute() })

/** Version by alias, and the stage of each version. */
async function state() {
  const versions = await registry.versions('churn')
  return {
    production: (await registry.versionByAlias('churn', 'production'))?.version,
    staging: (await registry.versionByAlias('churn', 'staging'))?.version,
    stages: versions.map(({ stage }) => stage),
  }
}

describe('promote', () => {
  it('moves alias and stage together and archives the version that was live', async () => {
    expect(await promoteTo(1)).toEqual({ version: 1, alias: 'production', changed: true })
    expect(await promoteTo(2)).toEqual({ version: 2, alias: 'production', changed: true, from: 1 })
    expect(await state()).toEqual({ production: 2, staging: undefined, stages: ['Archived', 'Production', 'None'] })
  })

  it('changes nothing when the version is live already', async () => {
    await promoteTo(1)
    await promoteTo(2)
    const before = await registry.versions('churn')
    expect(await promoteTo(2)).toMatchObject({ changed: false })
    expect(await registry.versions('churn')).toEqual(before)
  })

  it('moves only staging for a dev environment, also for the version that is in production', async () => {
    await promoteTo(1)
    await promoteTo(2, staging)
    expect(await state()).toEqual({ production: 1, staging: 2, stages: ['Production', 'Staging', 'None'] })
    await promoteTo(1, staging)
    expect(await state()).toMatchObject({
      production: 1,
      staging: 1,
      stages: ['Production', 'Archived', 'None'],
    })
    expect(await promoteTo(1, staging)).toMatchObject({ changed: false })
  })

  it('finishes a promotion that was cut short after the alias moved', async () => {
    await promoteTo(1)
    await registry.setVersionTags('churn', 2, { 'esteira.production.predecessor': '1' })
    await registry.setAlias('churn', 'production', 2)
    expect(await promoteTo(2)).toEqual({ version: 2, alias: 'production', changed: true, from: 1 })
    expect(await state()).toMatchObject({ production: 2, stages: ['Archived', 'Production', 'None'] })
    expect(await rollBack()).toMatchObject({ version: 1 })
  })

  it('refuses a version that is not there and names those that are', async () => {
    await expect(promoteTo(9)).rejects.toMatchObject({
      code: 'ESTEIRA_MODEL_MISSING',
      message: 'model churn has no version 9; it has 1, 2, 3',
    })
  })
})

describe('rollback', () => {
  it('goes back one version at a time, to the first and no further', async () => {
    for (const version of [1, 2, 3]) await promoteTo(version)
    expect(await rollBack()).toEqual({ version: 2, alias: 'production', changed: true, from: 3 })
    expect(await rollBack()).toEqual({ version: 1, alias: 'production', changed: true, from: 2 })
    expect(await state()).toMatchObject({ production: 1, stages: ['Production', 'Archived', 'Archived'] })
    await expect(rollBack()).rejects.toMatchObject({ code: 'ESTEIRA_MODEL_MISSING' })
  })

  it('knows the history of each alias apart', async () => {
    await promoteTo(1)
    await promoteTo(2, staging)
    await promoteTo(3, staging)
    await promoteTo(3)
    expect(await rollBack(staging)).toMatchObject({ version: 2, alias: 'staging' })
    expect(await state()).toMatchObject({ production: 3, staging: 2 })
  })

  it('refuses when no version is live', async () => {
    await expect(rollBack()).rejects.toMatchObject({
      code: 'ESTEIRA_MODEL_MISSING',
      hint: expect.stringContaining('npx esteira'),
    })
  })
})

it('tells what was promoted, newest first', async () => {
  await promoteTo(1)
  await promoteTo(2, staging)
  await promoteTo(2)
  expect(
    promotions(await registry.versions('churn')).map(({ version, alias, from }) => [version, alias, from]),
  ).toEqual([
    [2, 'production', '1'],
    [2, 'staging', 'none'],
    [1, 'production', 'none'],
  ])
})
