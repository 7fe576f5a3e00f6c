import { addDays, tableNames } from '@esteira/core'
import { BatchInferencePipeline, scoreModelStep } from 'esteira'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTinyHome, type TinyHome, TRAINING_DAY } from '../esteira/tiny-home.js'

const SCORING_DAY = '2024-07-15'

let home: TinyHome
beforeAll(async () => {
  home = await openTinyHome({ customers: 600 })
  await home.run('training', { runDate: TRAINING_DAY })
})
afterAll(() => home?.close())

/** Customers with an order in the 30 days before the day, counted in the raw file. */
async function atRisk(day: string): Promise<string[]> {
  const rows = await home.rows(
    `SELECT DISTINCT customer_id AS id FROM read_csv('${home.folder}/orders.csv')
     WHERE ordered_at >= TIMESTAMP '${addDays(day, -30)} 00:00:00' AND ordered_at < TIMESTAMP '${day} 00:00:00' ORDER BY 1`,
  )
  return rows.map(({ id }) => String(id))
}

const predictions = (where = 'true') =>
  home.rows(`SELECT * FROM {predictions.tiny} AS p WHERE ${where} ORDER BY scoring_ts, customer_id`)

describe('score_model', () => {
  it('gives one prediction for every customer at risk, with all that tells where it came from', async () => {
    const done = await home.run('inference', { runDate: SCORING_DAY, runId: 'a' })
    const rows = await predictions(`feature_date = DATE '${SCORING_DAY}'`)
    expect(rows.map(({ customer_id }) => customer_id)).toEqual(await atRisk(SCORING_DAY))
    expect(rows.length).toBeGreaterThan(100)
    expect(new Set(rows.map(({ prediction_id }) => prediction_id)).size).toBe(rows.length)
    for (const { probability, prediction } of rows) expect(prediction).toBe(Number(probability) >= 0.5 ? 1 : 0)
    expect(rows[0]).toMatchObject({
      scoring_ts: '2024-07-15 00:00:00',
      model_name: 'tiny',
      model_version: 1,
      run_id: 'a',
      prediction_id: expect.stringMatching(/^[0-9a-f]{32}$/),
    })
    const latency = Number(rows[0]?.['latency_ms'])
    expect(latency).toBeGreaterThanOrEqual(0)
    const { featureSnapshotId } = done['validate_features']?.result.output ?? {}
    expect(
      await home.rows(`SELECT DISTINCT CAST(feature_snapshot_id AS VARCHAR) AS id FROM {predictions.tiny} AS p`),
    ).toEqual([{ id: featureSnapshotId }])
    const file = `SELECT count(*) AS n FROM read_parquet('${home.workspace.objects.locate('predictions/a/tiny.parquet')}')`
    expect(await home.rows(file)).toEqual([{ n: rows.length }])
  })

  it('changes nothing when it runs again with the same run id', async () => {
    await home.run('inference', { runDate: SCORING_DAY, runId: 'a' })
    const before = [await home.inventory(), await predictions()]
    const again = await home.run('inference', { runDate: SCORING_DAY, runId: 'a' })
    expect(Object.entries(again).filter(([, { reused }]) => !reused)).toEqual([])
    expect([await home.inventory(), await predictions()]).toEqual(before)
  })

  it('replaces exactly the rows of its own scoring time in another run of it', async () => {
    await home.run('inference', { runDate: `${SCORING_DAY}T06:00:00Z`, runId: 'six' })
    const others = await predictions(`scoring_ts <> TIMESTAMP '2024-07-15 00:00:00'`)
    const before = await predictions(`scoring_ts = TIMESTAMP '2024-07-15 00:00:00'`)
    const done = await home.run('inference', { runDate: SCORING_DAY, runId: 'other' })
    expect(done['score_model']?.result.counts).toMatchObject({ rows: before.length, rowsReplaced: before.length })
    const after = await predictions(`scoring_ts = TIMESTAMP '2024-07-15 00:00:00'`)
    const ids = (rows: typeof before) => rows.map(({ prediction_id, probability }) => [prediction_id, probability])
    expect(ids(after)).toEqual(ids(before))
    expect(new Set(after.map(({ run_id }) => run_id))).toEqual(new Set(['other']))
    expect(await predictions(`scoring_ts <> TIMESTAMP '2024-07-15 00:00:00'`)).toEqual(others)
  })

  it('keeps the slices of four scoring times of a day', async () => {
    const hours = ['00', '06', '12', '18']
    for (const hour of hours)
      await home.run('inference', { runDate: `2024-07-20T${hour}:00:00Z`, runId: `day-${hour}` })
    const slices = await home.rows(
      `SELECT CAST(scoring_ts AS VARCHAR) AS at, count(*) AS n, count(DISTINCT customer_id) AS customers FROM {predictions.tiny} AS p
       WHERE feature_date = DATE '2024-07-20' GROUP BY 1 ORDER BY 1`,
    )
    const n = (await atRisk('2024-07-20')).length
    expect(slices).toEqual(hours.map((hour) => ({ at: `2024-07-20 ${hour}:00:00`, n, customers: n })))
  })

  it('commits once when its result was lost, and again when another version has scored in between', async () => {
    const run = { runDate: '2024-07-22', runId: 'lost' }
    await home.run('inference', run)
    const snapshots = async () => (await (await home.workspace.lakehouse()).snapshots('predictions.tiny')).length
    const before = await snapshots()
    await home.workspace.objects.delete('runs/lost/score_model.json')
    expect((await home.step(scoreModelStep, 'inference', run)).reused).toBe(false)
    expect(await snapshots()).toBe(before)
    await home.run('training', { runDate: TRAINING_DAY, runId: 'second' })
    const versionsOf = async (model: string) => {
      await home.step(scoreModelStep, 'inference', { ...run, options: { model } })
      return home.rows(
        `SELECT DISTINCT model_version AS v FROM {predictions.tiny} AS p WHERE feature_date = DATE '2024-07-22'`,
      )
    }
    expect(await versionsOf('tiny/2')).toEqual([{ v: 2 }])
    expect(await versionsOf('tiny/1')).toEqual([{ v: 1 }])
  })

  it('refuses features that do not fit the model, naming the column, and writes nothing', async () => {
    const { definition } = home.workspace.project
    const { orders_90d, ...rest } = definition.view.features
    expect(orders_90d).toBeDefined()
    const changed = { ...definition, view: { ...definition.view, features: rest } }
    const before = await predictions()
    const run = home.run('inference', { runDate: '2024-07-25', runId: 'changed', definition: changed })
    await expect(run).rejects.toMatchObject({
      code: 'ESTEIRA_SIGNATURE',
      exitCode: 65,
      message: 'the model needs column "orders_90d" (number); the features have no such column',
      hint: expect.stringContaining('train and promote'),
    })
    expect(await predictions()).toEqual(before)
  })

  it('refuses a day at which nobody is at risk', async () => {
    await expect(home.run('inference', { runDate: '2024-09-03', runId: 'late' })).rejects.toMatchObject({
      code: 'ESTEIRA_NO_DATA',
      message: 'tiny_features: nobody is at risk at 2024-09-03: no event in the 30 days before',
    })
  })

  it('says what to do when no version is live', async () => {
    const none = { runDate: SCORING_DAY, runId: 'none', stage: 'staging' } as const
    await expect(home.run('inference', none)).rejects.toMatchObject({
      code: 'ESTEIRA_MODEL_MISSING',
      exitCode: 64,
      message: expect.stringContaining('model tiny has no alias staging'),
      hint: expect.stringContaining('npx esteira run training --project'),
    })
    await expect(
      home.run('inference', { runDate: SCORING_DAY, runId: 'none', options: { model: 'tiny/99' } }),
    ).rejects.toMatchObject({ code: 'ESTEIRA_MODEL_MISSING', message: expect.stringContaining('version 99') })
  })
})

describe('BatchInferencePipeline', () => {
  it('scores with the version that a stage or an alias names and writes the file it was told', async () => {
    const day = '2024-07-28'
    const done = await home.run('features', { runDate: day, runId: 'batch' })
    const inputData = done['validate_features']?.result.output as never
    const context = home.context({ runDate: day, runId: 'batch' })
    for (const modelStage of ['Production', 'production', '1']) {
      const pipeline = new BatchInferencePipeline({ workspace: home.workspace, context, modelName: 'tiny', modelStage })
      const result = await pipeline.run({ inputData, outputPath: `out/${modelStage}.parquet` })
      expect(result).toMatchObject({ table: tableNames.predictions('tiny'), outputKey: `out/${modelStage}.parquet` })
      expect(result.rowsScored).toBe((await atRisk(day)).length)
    }
  })
})
