import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { LoggedModel, ModelRegistry, NewLoggedModel, Run, Tracking } from '@esteira/core'
import { type MlflowStore, resolveModel, writeMlmodel } from '@esteira/mlflow'
import { beforeAll, describe, expect, it } from 'vitest'

const STARTED = new Date('2026-01-02T03:04:05.678Z')

/** Gives the content of a file among the artifacts of a run, by a way that is not under test. */
export type ReadArtifact = (run: Run, path: string) => Promise<string>

/** What every MLflow store must do, whatever is behind it. */
export function describeMlflowStore(
  title: string,
  open: () => Promise<MlflowStore>,
  readArtifact: ReadArtifact = readLocalArtifact,
): void {
  describe(title, () => {
    let tracking: Tracking
    let registry: ModelRegistry
    let experimentId: string
    let folder: string

    beforeAll(async () => {
      ;({ tracking, registry } = await open())
      experimentId = await tracking.ensureExperiment(`conformance ${randomUUID()}`)
      folder = await mkdtemp(join(tmpdir(), 'esteira-conformance-'))
    })

    const newRun = (tags: Readonly<Record<string, string>> = {}, startedAt = STARTED): Promise<Run> =>
      tracking.createRun({ experimentId, name: 'a run', startedAt, tags })

    const readRun = async (runId: string): Promise<Run> => {
      const run = await tracking.getRun(runId)
      if (run === undefined) throw new Error(`no run ${runId}`)
      return run
    }

    const logModel = async (overrides: Partial<NewLoggedModel> = {}): Promise<{ run: Run; model: LoggedModel }> => {
      const run = await newRun()
      const model = await tracking.logModel(run.runId, {
        name: 'churn',
        modelType: 'xgboost',
        writeFolder: writeSmallModel,
        ...overrides,
      })
      return { run, model }
    }

    /** A registered model with as many versions as there are descriptions. */
    const registerVersions = async (...descriptions: readonly string[]): Promise<string> => {
      const name = `model ${randomUUID()}`
      await registry.ensureModel(name, 'for the test')
      const { run, model } = await logModel()
      for (const description of descriptions) {
        const identity = { runId: run.runId, modelId: model.modelId }
        await registry.createVersion({ name, source: model.artifactUri, ...identity, description })
      }
      return name
    }

    describe('experiments and runs', () => {
      it('gives the same id for the same experiment name', async () => {
        const name = `a name with ' and / ${randomUUID()}`
        const id = await tracking.ensureExperiment(name)
        expect(await tracking.ensureExperiment(name)).toBe(id)
        expect(await tracking.ensureExperiment(`${name} other`)).not.toBe(id)
      })

      it('makes the experiment once when many ask at the same time', async () => {
        const name = `race ${randomUUID()}`
        const ids = await Promise.all(Array.from({ length: 5 }, () => tracking.ensureExperiment(name)))
        expect(new Set(ids).size).toBe(1)
      })

      it('creates a running run with its name, tags and artifact address', async () => {
        const made = await newRun({ 'mlflow.source.name': 'train_model.js', model_type: 'xgboost' })
        expect(await readRun(made.runId)).toEqual(made)
        expect(made).toMatchObject({ name: 'a run', status: 'RUNNING', experimentId, params: {}, metrics: {} })
        expect(made.tags).toMatchObject({ 'mlflow.runName': 'a run', 'mlflow.user': 'ana', model_type: 'xgboost' })
        expect(made.runId).toMatch(/^[0-9a-f]{32}$/)
        expect(made.artifactUri).toContain(`/${made.runId}/artifacts`)
      })

      it('knows no run of an unknown id', async () => {
        expect(await tracking.getRun('0'.repeat(32))).toBeUndefined()
      })

      it('finds the runs that have all the tags, newest first', async () => {
        const mark = randomUUID()
        const older = await newRun({ mark, kind: "it's" }, new Date('2026-01-01T00:00:00Z'))
        const newer = await newRun({ mark, kind: "it's" }, new Date('2026-01-03T00:00:00Z'))
        await newRun({ mark, kind: 'other' })
        const found = await tracking.findRuns(experimentId, { mark, kind: "it's" })
        expect(found.map((run) => run.runId)).toEqual([newer.runId, older.runId])
        expect(await tracking.findRuns(experimentId, { mark, kind: 'none' })).toEqual([])
        expect((await tracking.findRuns(experimentId, {})).length).toBeGreaterThanOrEqual(3)
      })

      it('ends a run with a status', async () => {
        const { runId } = await newRun()
        await tracking.finishRun(runId, 'FAILED')
        expect((await readRun(runId)).status).toBe('FAILED')
        await tracking.finishRun(runId, 'FINISHED')
        expect((await readRun(runId)).status).toBe('FINISHED')
      })

      it('refuses to log to a run that does not exist', async () => {
        const log = tracking.logBatch('0'.repeat(32), { params: { a: '1' } })
        await expect(log).rejects.toMatchObject({ code: 'ESTEIRA_MLFLOW' })
      })
    })

    describe('metrics, params, tags', () => {
      it('keeps the value of the highest step as the last one, then of the latest time', async () => {
        const { runId } = await newRun()
        const at = (seconds: number) => new Date(STARTED.getTime() + seconds * 1000)
        await tracking.logBatch(runId, {
          metrics: [
            { key: 'by step', value: 3, step: 2, timestamp: at(0) },
            { key: 'by step', value: 9, step: 1, timestamp: at(9) },
            { key: 'by time', value: 5, timestamp: at(5) },
            { key: 'by time', value: 8, timestamp: at(1) },
            { key: 'negative step', value: 1, step: -4 },
          ],
        })
        await tracking.logBatch(runId, { metrics: [{ key: 'by step', value: 7, step: -1, timestamp: at(99) }] })
        expect((await readRun(runId)).metrics).toEqual({ 'by step': 3, 'by time': 5, 'negative step': 1 })
      })

      it('keeps NaN, and the largest double for an infinity', async () => {
        const { runId } = await newRun()
        const metrics = [
          { key: 'nan', value: Number.NaN },
          { key: 'up', value: Number.POSITIVE_INFINITY },
          { key: 'down', value: Number.NEGATIVE_INFINITY },
          { key: 'tiny', value: 5e-324 },
          { key: 'third', value: 1 / 3 },
        ]
        await tracking.logBatch(runId, { metrics })
        expect((await readRun(runId)).metrics).toEqual({
          nan: Number.NaN,
          up: Number.MAX_VALUE,
          down: -Number.MAX_VALUE,
          tiny: 5e-324,
          third: 1 / 3,
        })
      })

      it('takes more than one batch of MLflow holds', async () => {
        const { runId } = await newRun()
        const many = (count: number, prefix: string) =>
          Object.fromEntries(Array.from({ length: count }, (_, index) => [`${prefix}${index}`, `v${index}`]))
        const metrics = Array.from({ length: 2500 }, (_, step) => ({ key: 'loss', value: 1 / (step + 1), step }))
        await tracking.logBatch(runId, { metrics, params: many(230, 'p'), tags: many(210, 't') })
        const run = await readRun(runId)
        expect(run.params).toEqual(many(230, 'p'))
        expect(run.tags).toMatchObject(many(210, 't'))
        expect(run.metrics['loss']).toBe(1 / 2500)
      })

      it('takes an empty batch and the same batch twice', async () => {
        const { runId } = await newRun()
        await tracking.logBatch(runId, {})
        const batch = { metrics: [{ key: 'm', value: 1, timestamp: STARTED }], params: { p: '' }, tags: { t: 'x' } }
        await tracking.logBatch(runId, batch)
        await tracking.logBatch(runId, batch)
        expect(await readRun(runId)).toMatchObject({ metrics: { m: 1 }, params: { p: '' }, tags: { t: 'x' } })
      })

      it('writes a param once and a tag again', async () => {
        const { runId } = await newRun()
        await tracking.logBatch(runId, { params: { depth: '4' }, tags: { state: 'a' } })
        await tracking.logBatch(runId, { tags: { state: 'b' } })
        const again = tracking.logBatch(runId, { params: { depth: '5' } })
        await expect(again).rejects.toMatchObject({ code: 'ESTEIRA_MLFLOW' })
        expect(await readRun(runId)).toMatchObject({ params: { depth: '4' }, tags: { state: 'b' } })
      })

      it.each([
        ['a long param', { params: { p: 'x'.repeat(6001) } }, 'p (6001)'],
        ['a long tag', { tags: { t: 'x'.repeat(8001) } }, 't (8001)'],
        ['a long key', { params: { ['k'.repeat(251)]: '1' } }, 'kkk'],
        ['a key with a comma', { metrics: [{ key: 'a,b', value: 1 }] }, 'a,b'],
        ['a key that climbs', { metrics: [{ key: '../a', value: 1 }] }, '../a'],
        ['a broken step', { metrics: [{ key: 'm', value: 1, step: 1.5 }] }, 'm'],
        ['a time before 1970', { metrics: [{ key: 'm', value: 1, timestamp: new Date(-1) }] }, 'm'],
      ])('refuses %s and names it', async (_, batch, named) => {
        const { runId } = await newRun()
        const log = tracking.logBatch(runId, batch)
        await expect(log).rejects.toMatchObject({ code: 'ESTEIRA_MLFLOW', message: expect.stringContaining(named) })
        const run = await readRun(runId)
        expect([run.params, run.metrics]).toEqual([{}, {}])
      })

      it('keeps names and values in any script', async () => {
        const { runId } = await newRun({ dono: 'João 🚗' })
        await tracking.logBatch(runId, { params: { 'validação/fração': '0,5 \'x\' "y"' } })
        const run = await readRun(runId)
        expect(run.tags['dono']).toBe('João 🚗')
        expect(run.params).toEqual({ 'validação/fração': '0,5 \'x\' "y"' })
      })
    })

    it('links datasets to runs, the same one twice without a second link', async () => {
      const { runId } = await newRun()
      const dataset = {
        name: 'churn',
        digest: 'abc',
        sourceType: 'esteira',
        source: '{}',
        context: 'training',
      } as const
      await tracking.logDatasets(runId, [dataset, { ...dataset, digest: 'def', context: 'validation' }])
      await tracking.logDatasets(runId, [dataset])
      await tracking.logDatasets(runId, [])
      const long = tracking.logDatasets(runId, [{ ...dataset, digest: 'x'.repeat(37) }])
      await expect(long).rejects.toMatchObject({ code: 'ESTEIRA_MLFLOW' })
    })

    describe('models', () => {
      it('stores the files of a model and gives them back for its version', async () => {
        const { run, model } = await logModel({ metrics: [{ key: 'roc_auc', value: 0.75 }], tags: { gate: 'passed' } })
        expect(model.modelId).toMatch(/^m-[0-9a-f]{32}$/)
        expect((await readRun(run.runId)).metrics).toEqual({ roc_auc: 0.75 })
        const name = `model ${randomUUID()}`
        await registry.ensureModel(name)
        const identity = { runId: run.runId, modelId: model.modelId }
        const version = await registry.createVersion({ name, source: model.artifactUri, ...identity })
        expect(version).toMatchObject({ name, version: 1, stage: 'None', aliases: [], runId: run.runId })
        expect(version.source).toBe(`models:/${model.modelId}`)
        const found = await registry.modelFolder(version, join(folder, 'cache'))
        expect(await readFile(join(found, 'sub folder', 'a+b %.bin'))).toEqual(Buffer.from([0, 1, 2, 255]))
        expect(await readFile(join(found, 'MLmodel'), 'utf8')).toContain(`model_id: ${model.modelId}`)
        expect(await registry.modelFolder(version, join(folder, 'cache'))).toBe(found)
      })

      it('makes no version of a model whose files were not all stored', async () => {
        const { runId } = await newRun()
        let modelId = ''
        const broken = tracking.logModel(runId, {
          name: 'churn',
          modelType: 'xgboost',
          writeFolder: async (_, identity) => {
            modelId = identity.modelId
            throw new Error('out of trees')
          },
        })
        await expect(broken).rejects.toThrow('out of trees')
        const name = `model ${randomUUID()}`
        await registry.ensureModel(name)
        const version = registry.createVersion({ name, source: `models:/${modelId}`, runId, modelId })
        await expect(version).rejects.toMatchObject({
          code: 'ESTEIRA_MLFLOW',
          message: expect.stringContaining(modelId),
        })
        expect(await registry.versions(name)).toEqual([])
      })

      it('takes the params of the run and over a hundred of its own', async () => {
        const run = await newRun()
        await tracking.logBatch(run.runId, { params: { from_run: '1' } })
        const params = Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`p${index}`, `${index}`]))
        const model = { name: 'churn', modelType: 'xgboost', params, writeFolder: writeSmallModel }
        expect((await tracking.logModel(run.runId, model)).modelId).toMatch(/^m-/)
      })

      it('refuses a model name with a slash', async () => {
        const model = logModel({ name: 'a/b' })
        await expect(model).rejects.toMatchObject({ code: 'ESTEIRA_MLFLOW', message: expect.stringContaining('a/b') })
        await expect(registry.ensureModel('a/b')).rejects.toMatchObject({ code: 'ESTEIRA_MLFLOW' })
      })
    })

    describe('registry', () => {
      it('numbers versions from 1, oldest first', async () => {
        const name = await registerVersions('one', 'two', 'three')
        await registry.ensureModel(name)
        const versions = await registry.versions(name)
        expect(versions.map(({ version, description }) => [version, description])).toEqual([
          [1, 'one'],
          [2, 'two'],
          [3, 'three'],
        ])
        expect(await registry.getVersion(name, 2)).toEqual(versions[1])
        expect(await registry.getVersion(name, 4)).toBeUndefined()
        expect(await registry.modelNames()).toContain(name)
      })

      it('numbers versions made at the same time differently', async () => {
        const name = await registerVersions()
        const { run, model } = await logModel()
        const version = { name, source: model.artifactUri, runId: run.runId, modelId: model.modelId }
        const made = await Promise.all(Array.from({ length: 4 }, () => registry.createVersion(version)))
        expect(made.map((one) => one.version).sort()).toEqual([1, 2, 3, 4])
      })

      it('moves an alias and takes it away', async () => {
        const name = await registerVersions('one', 'two')
        await registry.setAlias(name, 'production', 1)
        await registry.setAlias(name, 'challenger', 2)
        await registry.setAlias(name, 'production', 2)
        expect((await registry.versions(name)).map((version) => version.aliases)).toEqual([
          [],
          ['challenger', 'production'],
        ])
        expect((await registry.versionByAlias(name, 'production'))?.version).toBe(2)
        await registry.deleteAlias(name, 'challenger')
        await registry.deleteAlias(name, 'challenger')
        expect(await registry.versionByAlias(name, 'challenger')).toBeUndefined()
        expect((await registry.getVersion(name, 2))?.aliases).toEqual(['production'])
      })

      it('archives the others of a stage in the same call', async () => {
        const name = await registerVersions('one', 'two', 'three')
        await registry.setStage(name, 1, 'Production')
        await registry.setStage(name, 3, 'Staging')
        await registry.setStage(name, 2, 'Production', { archiveExisting: true })
        const stages = (await registry.versions(name)).map((version) => version.stage)
        expect(stages).toEqual(['Archived', 'Production', 'Staging'])
        const nonsense = registry.setStage(name, 1, 'None', { archiveExisting: true })
        await expect(nonsense).rejects.toMatchObject({ code: 'ESTEIRA_MLFLOW' })
      })

      it('keeps tags of versions', async () => {
        const name = await registerVersions('one')
        await registry.setVersionTags(name, 1, { gate: 'passed', data: 'a' })
        await registry.setVersionTags(name, 1, { data: 'b' })
        expect((await registry.getVersion(name, 1))?.tags).toMatchObject({ gate: 'passed', data: 'b' })
      })

      it('says what is missing', async () => {
        const name = await registerVersions('one')
        const missing = { code: 'ESTEIRA_MODEL_MISSING' }
        await expect(registry.setAlias(name, 'production', 9)).rejects.toMatchObject(missing)
        await expect(registry.setStage(name, 9, 'Production')).rejects.toMatchObject(missing)
        await expect(registry.setVersionTags(name, 9, { a: 'b' })).rejects.toMatchObject(missing)
        await expect(registry.setAlias(name, 'v1', 1)).rejects.toMatchObject({ code: 'ESTEIRA_MLFLOW' })
        await expect(registry.setAlias(name, 'latest', 1)).rejects.toMatchObject({ code: 'ESTEIRA_MLFLOW' })
        expect(await registry.versions('no such model')).toEqual([])
        expect(await registry.versionByAlias('no such model', 'production')).toBeUndefined()
        await registry.deleteAlias('no such model', 'production')
        const { run, model } = await logModel()
        const version = { source: model.artifactUri, runId: run.runId, modelId: model.modelId }
        await expect(registry.createVersion({ name: 'no such model', ...version })).rejects.toMatchObject(missing)
      })

      it('resolves references to versions, and lists what there is when there is none', async () => {
        const name = await registerVersions('one', 'two', 'three')
        await registry.setAlias(name, 'production', 1)
        await registry.setStage(name, 2, 'Staging')
        const resolve = async (which: string) => (await resolveModel(registry, `models:/${name}${which}`)).version
        expect(await Promise.all(['@production', '/staging', '/latest', '/3'].map(resolve))).toEqual([1, 2, 3, 3])
        await expect(resolve('@champion')).rejects.toMatchObject({
          code: 'ESTEIRA_MODEL_MISSING',
          message: `model ${name} has no alias champion; it has version 3, version 2 (Staging), version 1 (@production)`,
        })
        await expect(resolveModel(registry, 'no such model/1')).rejects.toMatchObject({ code: 'ESTEIRA_MODEL_MISSING' })
      })
    })

    it('uploads a folder of artifacts', async () => {
      const run = await newRun()
      const reports = join(folder, 'reports')
      await mkdir(join(reports, 'plots'), { recursive: true })
      await writeFile(join(reports, 'plots', 'ç 1%.txt'), 'a plot')
      await writeFile(join(reports, 'empty.txt'), '')
      await tracking.logArtifacts(run.runId, reports)
      await tracking.logArtifacts(run.runId, reports, 'again/below it')
      expect(await readArtifact(run, 'plots/ç 1%.txt')).toBe('a plot')
      expect(await readArtifact(run, 'again/below it/plots/ç 1%.txt')).toBe('a plot')
      expect(await readArtifact(run, 'again/below it/empty.txt')).toBe('')
      const climbing = tracking.logArtifacts(run.runId, reports, '../elsewhere')
      await expect(climbing).rejects.toMatchObject({ code: 'ESTEIRA_MLFLOW' })
    })
  })
}

async function readLocalArtifact(run: Run, path: string): Promise<string> {
  return readFile(join(fileURLToPath(run.artifactUri), path), 'utf8')
}

/** A model folder that MLflow can read, without a real model in it. */
export const writeSmallModel: NewLoggedModel['writeFolder'] = async (folder, identity) => {
  await mkdir(join(folder, 'sub folder'))
  await writeFile(join(folder, 'sub folder', 'a+b %.bin'), Buffer.from([0, 1, 2, 255]))
  await writeMlmodel(folder, {
    ...identity,
    flavors: { esteira: { data: 'sub folder' } },
    createdAt: STARTED,
    environment: { requirements: ['mlflow'] },
  })
}
