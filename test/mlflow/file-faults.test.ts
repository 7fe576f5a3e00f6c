import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type MlflowFileOptions, openMlflowFile } from '@esteira/mlflow'
import Libsql from 'libsql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeSmallModel } from './conformance.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'esteira-mlflow-faults-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const options = (file: string, others: Partial<MlflowFileOptions> = {}): MlflowFileOptions => ({
  file: join(folder, file),
  artifactsFolder: join(folder, 'artifacts'),
  now: () => new Date(),
  newId: randomUUID,
  ...others,
})

describe('opening a file', () => {
  it('refuses what is no database', async () => {
    await writeFile(join(folder, 'text.db'), 'these are not the tables you are looking for '.repeat(40))
    await expect(openMlflowFile(options('text.db'))).rejects.toMatchObject({
      code: 'ESTEIRA_CATALOG_CORRUPT',
      message: expect.stringContaining('text.db'),
    })
  })

  it('says so when the file cannot be made', async () => {
    await writeFile(join(folder, 'a file'), '')
    for (const file of ['a file/mlflow.db', '.']) {
      await expect(openMlflowFile(options(file))).rejects.toMatchObject({
        code: 'ESTEIRA_MLFLOW',
        message: expect.stringContaining('cannot be opened'),
      })
    }
  })

  it('makes the schema in an empty file', async () => {
    await writeFile(join(folder, 'empty.db'), '')
    const store = await openMlflowFile(options('empty.db'))
    expect(await store.tracking.ensureExperiment('churn')).toBe('1')
    await store.close()
    await store.close()
  })

  it('names the missing columns of an old file and the command that brings it up to date', async () => {
    const old = new Libsql(join(folder, 'old.db'))
    old.exec('CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY, name VARCHAR(256))')
    old.close()
    await expect(openMlflowFile(options('old.db'))).rejects.toMatchObject({
      code: 'ESTEIRA_MLFLOW',
      message: expect.stringContaining('experiments.artifact_location'),
      hint: expect.stringContaining(`mlflow db upgrade "sqlite:///${join(folder, 'old.db')}"`),
    })
  })

  it('says busy when another program keeps the lock', async () => {
    const store = await openMlflowFile(options('busy.db', { busyTimeoutMs: 20 }))
    const other = new Libsql(join(folder, 'busy.db'))
    other.exec('BEGIN IMMEDIATE')
    await expect(store.tracking.ensureExperiment('churn')).rejects.toMatchObject({
      code: 'ESTEIRA_CATALOG_BUSY',
      exitCode: 75,
    })
    other.exec('ROLLBACK')
    expect(await store.tracking.ensureExperiment('churn')).toBe('1')
    other.close()
    await store.close()
  })

  it('says that it was closed', async () => {
    const store = await openMlflowFile(options('closed.db'))
    await store.tracking.close()
    await expect(store.tracking.getRun('r')).rejects.toMatchObject({ code: 'ESTEIRA_INTERNAL' })
  })
})

describe('writing', () => {
  it('keeps nothing of a batch of which a part is refused', async () => {
    const { tracking, close } = await openMlflowFile(options('atomic.db'))
    const experimentId = await tracking.ensureExperiment('churn')
    const { runId } = await tracking.createRun({ experimentId, name: 'a', startedAt: new Date(), tags: {} })
    await tracking.logBatch(runId, { params: { depth: '4' } })
    const mixed = { params: { depth: '5', rate: '1' }, metrics: [{ key: 'm', value: 1 }], tags: { t: 'x' } }
    await expect(tracking.logBatch(runId, mixed)).rejects.toMatchObject({ code: 'ESTEIRA_MLFLOW' })
    const run = await tracking.getRun(runId)
    expect([run?.params, run?.metrics, run?.tags['t']]).toEqual([{ depth: '4' }, {}, undefined])
    await close()
  })

  it('finds a model folder gone', async () => {
    const { tracking, registry, close } = await openMlflowFile(options('gone.db'))
    const experimentId = await tracking.ensureExperiment('churn')
    const { runId } = await tracking.createRun({ experimentId, name: 'a', startedAt: new Date(), tags: {} })
    const { modelId } = await tracking.logModel(runId, { name: 'm', modelType: 'x', writeFolder: writeSmallModel })
    await registry.ensureModel('m')
    const version = await registry.createVersion({ name: 'm', source: `models:/${modelId}`, runId, modelId })
    await rm(await registry.modelFolder(version, folder), { recursive: true })
    await expect(registry.modelFolder(version, folder)).rejects.toMatchObject({
      code: 'ESTEIRA_MODEL_MISSING',
      message: expect.stringContaining('m version 1'),
    })
    await close()
  })
})

describe('four processes on one new file', () => {
  // They start together, so they also race for the making of the file, the experiment and the model.
  const program = `
    import { randomUUID } from 'node:crypto'
    import { openMlflowFile } from '@esteira/mlflow'
    const [file, artifactsFolder, name] = process.argv.slice(1)
    const { tracking, registry, close } = await openMlflowFile({ file, artifactsFolder, now: () => new Date(), newId: randomUUID })
    const experimentId = await tracking.ensureExperiment('race')
    const { runId } = await tracking.createRun({ experimentId, name, startedAt: new Date(), tags: {} })
    for (let step = 0; step < 100; step++) await tracking.logBatch(runId, { metrics: [{ key: 'm', value: step, step }], params: { ['p' + step]: name } })
    await tracking.logDatasets(runId, [{ name: 'same', digest: 'same', sourceType: 'x', source: '{}', context: 'training' }])
    const { modelId, artifactUri } = await tracking.logModel(runId, { name: 'race', modelType: 'x', writeFolder: async () => {} })
    await registry.ensureModel('race')
    for (let i = 0; i < 10; i++) await registry.createVersion({ name: 'race', source: artifactUri, runId, modelId })
    await tracking.finishRun(runId, 'FINISHED')
    await close()
  `

  it('lose nothing and number the versions without a gap', async () => {
    const file = join(folder, 'race.db')
    const run = promisify(execFile)
    const start = (name: string) =>
      run(process.execPath, ['--input-type=module', '-e', program, file, join(folder, 'artifacts'), name], {
        cwd: root,
      })
    await Promise.all(['a', 'b', 'c', 'd'].map(start))
    const { tracking, registry, close } = await openMlflowFile(options('race.db'))
    const experimentId = await tracking.ensureExperiment('race')
    expect(experimentId).toBe('1')
    const runs = await tracking.findRuns(experimentId, {})
    expect(runs.map((one) => one.name).sort()).toEqual(['a', 'b', 'c', 'd'])
    for (const one of runs) {
      expect(one).toMatchObject({ status: 'FINISHED', metrics: { m: 99 } })
      expect(Object.values(one.params)).toEqual(Array.from({ length: 100 }, () => one.name))
    }
    const numbers = (await registry.versions('race')).map(({ version }) => version)
    expect(numbers).toEqual(Array.from({ length: 40 }, (_, index) => index + 1))
    const reader = new Libsql(file)
    const count = (sql: string) => reader.prepare(`SELECT count(*) AS n FROM ${sql}`).all([])
    expect(count('metrics')).toEqual([{ n: 400 }])
    expect(count('datasets')).toEqual([{ n: 1 }])
    expect(count("inputs WHERE source_type = 'DATASET'")).toEqual([{ n: 4 }])
    reader.close()
    await close()
  })
})
