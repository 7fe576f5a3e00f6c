import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { openWorkspace } from 'esteira'
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from 'vitest'
import type tiny from '../fixtures/projects/tiny/project.js'
import { openTinyHome, type TinyHome, TRAINING_DAY, tinyFolder } from './tiny-home.js'

const RANGE = { from: '2023-11-01', to: '2024-06-01' }

let home: TinyHome
beforeAll(async () => {
  home = await openTinyHome({ customers: 400 })
  await home.run('training', { runDate: TRAINING_DAY })
})
afterAll(() => home?.close())

async function withLab<T>(
  use: (lab: Awaited<ReturnType<typeof open>>) => Promise<T>,
  folder = home.folder,
): Promise<T> {
  const lab = await open(folder)
  try {
    return await use(lab)
  } finally {
    await lab.close()
  }
}
const open = (folder: string) =>
  openWorkspace<typeof tiny>(tinyFolder, { home: join(folder, 'home'), runDate: TRAINING_DAY })

describe('a lab', () => {
  it('gives the training set as typed arrays, the same rows as the training step', async () => {
    await withLab(async (lab) => {
      const set = await lab.trainingSet(RANGE)
      const prepared = await home.workspace.objects.get('runs/tiny-2024-07-01/prepare_training_data.json')
      expect(new TextDecoder().decode(prepared)).toContain(set.digest)
      expect(set.column('days_since_last_order')).toBeInstanceOf(Int32Array)
      expect(set.column('orders_30d')).toBeInstanceOf(BigInt64Array)
      expect(set.column('value_90d')).toBeInstanceOf(Float64Array)
      expect(set.column('favourite_kind')).toContain('tea')
      expect(set.column('value_90d')).toHaveLength(set.rowCount)
      expect(set.labels).toHaveLength(set.rowCount)
    })
  })

  it('trains, registers when asked, and gives every training a run of its own', async () => {
    await withLab(async (lab) => {
      const set = await lab.trainingSet(RANGE)
      const plain = await lab.train(set, { modelType: 'logistic_regression' })
      expect(plain.version).toBeUndefined()
      expect(plain.evaluation.test.roc_auc).toBeGreaterThan(0.8)
      const registered = await lab.train(set, { hyperparameters: { n_estimators: 10 }, register: true })
      expect(registered.version).toMatchObject({ name: 'tiny', version: 2, stage: 'None' })
      expect(registered.mlflowRunId).not.toBe(plain.mlflowRunId)
    })
  })

  it('scans a table in pieces', async () => {
    await withLab(async (lab) => {
      const names = await (await lab.workspace.lakehouse()).tableNames()
      const features = names.find((name) => name.startsWith('feature_store.')) ?? ''
      let rows = 0
      for await (const frame of lab.scan(features, { columns: ['feature_date'] })) {
        expect([...frame.columns.keys()]).toEqual(['feature_date'])
        rows += frame.rowCount
      }
      expect(rows).toBe((await (await lab.workspace.lakehouse()).table(features))?.rowCount)
      expect(rows).toBeGreaterThan(0)
    })
  })

  it('predicts what score_model wrote, and writes nothing', async () => {
    await home.run('inference', { runDate: '2024-07-10' })
    const before = await home.inventory()
    await withLab(async (lab) => {
      const scores = await lab.predict('tiny@production', { asOf: '2024-07-10' })
      const rows = await home.rows('SELECT customer_id, probability FROM {predictions.tiny} AS p ORDER BY customer_id')
      expect(scores.modelVersion).toBe(1)
      expect([...scores.column('entity')]).toEqual(rows.map(({ customer_id }) => customer_id))
      expect([...scores.column('probability')]).toEqual(rows.map(({ probability }) => probability))
      expect(scores.column('prediction')).toBeInstanceOf(Int32Array)
    })
    expect(await home.inventory()).toEqual(before)
  })

  it('says what to run first in an empty home', async () => {
    await withLab(
      async (lab) => {
        const expected = {
          code: 'ESTEIRA_TABLE_MISSING',
          hint: expect.stringContaining('npx esteira run training --project'),
        }
        await expect(lab.trainingSet(RANGE)).rejects.toMatchObject(expected)
        await expect(lab.predict('tiny@production', { asOf: '2024-07-10' })).rejects.toMatchObject(expected)
      },
      join(home.folder, 'empty'),
    )
  })

  it('refuses columns, days and ranges that there are not, with a code and what was meant', async () => {
    await withLab(async (lab) => {
      const set = await lab.trainingSet(RANGE)
      const misspelt: string = 'days_since_last_oder'
      expect(() => set.column(misspelt as 'orders_30d')).toThrow(
        expect.objectContaining({
          code: 'ESTEIRA_COLUMN_MISSING',
          message: 'there is no column "days_since_last_oder"',
          hint: 'Did you mean "days_since_last_order"?',
        }),
      )
      const usage = (message: string) => ({ code: 'ESTEIRA_USAGE', message })
      await expect(lab.predict('tiny@production', { asOf: 'yesterday' })).rejects.toMatchObject(
        usage('asOf: expected a day YYYY-MM-DD, found "yesterday"'),
      )
      await expect(lab.trainingSet({ from: '2024-02-30', to: '2024-06-01' })).rejects.toMatchObject(
        usage('from: expected a day YYYY-MM-DD, found "2024-02-30"'),
      )
      await expect(lab.trainingSet({ from: '2024-01-01', to: 'zzz' })).rejects.toMatchObject({ code: 'ESTEIRA_USAGE' })
      await expect(lab.trainingSet({ from: '2024-06-01', to: '2024-01-01' })).rejects.toMatchObject(
        usage('from 2024-06-01 is after to 2024-01-01'),
      )
      await expect(lab.trainingSet({ from: '2024-01-02', to: '2024-01-31' })).rejects.toMatchObject({
        code: expect.stringMatching(/^ESTEIRA_/),
      })
      await expect(lab.predict('nobody@production', { asOf: '2024-07-10' })).rejects.toMatchObject({
        code: 'ESTEIRA_MODEL_MISSING',
      })
      await expect(lab.train(set, { modelType: 'xgbost' })).rejects.toMatchObject({ code: 'ESTEIRA_MODEL_TYPE' })
    })
  })

  it('refuses a folder that is no project', async () => {
    await expect(openWorkspace(join(home.folder, 'nothing'))).rejects.toMatchObject({ code: 'ESTEIRA_PROJECT' })
    await rm(join(home.folder, 'nothing'), { recursive: true, force: true })
  })
})

it('knows the type of every column, and a misspelt name does not compile', () => {
  type Lab = Awaited<ReturnType<typeof open>>
  type Column = Awaited<ReturnType<Lab['trainingSet']>>['column']
  const column = ((name: string) => name) as unknown as Column
  expectTypeOf(column('days_since_last_order')).toEqualTypeOf<Int32Array>()
  expectTypeOf(column('orders_30d')).toEqualTypeOf<BigInt64Array>()
  expectTypeOf(column('avg_value_30d')).toEqualTypeOf<Float64Array>()
  expectTypeOf(column('favourite_kind')).toEqualTypeOf<readonly string[]>()
  // @ts-expect-error: the view has no such feature
  expect(column('days_since_last_oder')).toBe('days_since_last_oder')
})
