import { readFile } from 'node:fs/promises'
import { addDays, monthsBetween, tableNames } from '@esteira/core'
import { buildTrainingSet, readTrainingSet } from '@esteira/training-pipeline'
import { prepareTrainingDataStep } from 'esteira'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTinyHome, type TinyHome, TRAINING_DAY } from '../esteira/tiny-home.js'

const HORIZON = 30
const DATES = monthsBetween('2023-11-01', '2024-06-01')
const features = 'feature_store.tiny_features'
const silver = 'silver.tiny_orders'

let home: TinyHome
beforeAll(async () => {
  home = await openTinyHome({ customers: 400 })
  await home.run('features', { runDate: TRAINING_DAY, options: { 'feature-dates': DATES.join(',') } })
})
afterAll(() => home?.close())

async function build(
  options: { readonly dates?: readonly string[]; readonly runDay?: string; readonly at?: object } = {},
) {
  const lakehouse = await home.workspace.lakehouse()
  const { definition, name } = home.workspace.project
  const present = {
    featureSnapshotId: (await lakehouse.table(features))?.snapshotId ?? '',
    silverSnapshotId: (await lakehouse.table(silver))?.snapshotId ?? '',
  }
  return buildTrainingSet({
    lakehouse,
    objects: home.workspace.objects,
    view: definition.view,
    label: definition.label,
    featureTable: tableNames.features(definition.view),
    silverTable: tableNames.silver(name, definition.view.from),
    featureVersion: 1,
    featureDates: options.dates ?? DATES,
    runDay: options.runDay ?? TRAINING_DAY,
    scratchKey: 'staging/test/training-set.parquet',
    ...present,
    ...options.at,
  })
}

describe('buildTrainingSet', () => {
  it('holds every customer at risk once a date, with the label an independent count gives', async () => {
    const { dataKey, rowCount } = await build()
    const at = await (await home.workspace.lakehouse()).parquet(dataKey)
    // Counted anew with plain SQL over the raw orders: dates as text, one condition after the other.
    const orders = `SELECT customer_id, substr(CAST(ordered_at AS VARCHAR), 1, 10) AS day FROM read_csv('${home.folder}/orders.csv')`
    let expected = 0
    for (const date of DATES) {
      const between = (from: string, to: string) =>
        `SELECT DISTINCT customer_id FROM (${orders}) WHERE day >= '${from}' AND day < '${to}'`
      const [row] = await home.rows(
        `SELECT count(*) AS n, count(*) FILTER (WHERE a.customer_id IS NULL) AS churned FROM (${between(addDays(date, -HORIZON), date)}) b LEFT JOIN (${between(date, addDays(date, HORIZON))}) a USING (customer_id)`,
      )
      const [found] = await home.rows(
        `SELECT count(*) AS n, count(DISTINCT customer_id) AS customers, CAST(sum(churned) AS BIGINT) AS churned FROM ${at} AS t WHERE feature_date = DATE '${date}'`,
      )
      expect(found).toEqual({ n: row?.['n'], customers: row?.['n'], churned: row?.['churned'] })
      expected += Number(row?.['n'])
    }
    expect(rowCount).toBe(expected)
    expect(expected).toBeGreaterThan(500)
  })

  it('gives the same digest and bytes from the same snapshots', async () => {
    const one = await build()
    const path = await home.workspace.objects.localPath(one.dataKey)
    const bytes = await readFile(path)
    await home.workspace.objects.delete(one.dataKey)
    const other = await build()
    expect(other).toEqual(one)
    expect((await readFile(path)).equals(bytes)).toBe(true)
  })

  it('leaves out dates whose label is not mature at the run date', async () => {
    const { split, origin } = await build({ runDay: '2024-06-30' })
    expect(split.test).toBe('2024-05-01')
    expect(origin['featureDates']).toEqual(monthsBetween('2023-11-01', '2024-05-01'))
  })

  it('leaves out early dates without rows, and says so', async () => {
    const manifest = await build({ dates: monthsBetween('2023-07-01', '2024-06-01') })
    expect(manifest.emptyDates).toEqual(monthsBetween('2023-07-01', '2023-10-01'))
    const set = await readTrainingSet(await home.workspace.lakehouse(), home.workspace.objects, manifest.digest)
    expect(set.notes).toEqual(['no rows at 2023-07-01, 2023-08-01, 2023-09-01, 2023-10-01: left out'])
  })

  it('refuses a test date without features instead of judging on an older one', async () => {
    await expect(build({ dates: [...DATES.filter((day) => day < '2024-05-15'), '2024-05-15'] })).rejects.toMatchObject({
      code: 'ESTEIRA_NO_DATA',
      message: expect.stringContaining('2024-05-15'),
      hint: expect.stringContaining('npx esteira sql'),
    })
  })

  it('leaves out dates whose labels reach past the newest row, and says so', async () => {
    const stored = await build({ dates: [...DATES, '2024-06-05'], runDay: '2024-07-20' })
    expect(stored.unknownDates).toEqual(['2024-06-05'])
    expect(stored.split.test).toBe('2024-06-01')
    const { notes } = await readTrainingSet(await home.workspace.lakehouse(), home.workspace.objects, stored.digest)
    expect(notes.join()).toContain('2024-06-05 reach past the newest row')
  })

  it('refuses when no date is mature, or the source ends long before the run date', async () => {
    await expect(build({ dates: ['2024-06-15'] })).rejects.toMatchObject({
      code: 'ESTEIRA_NO_DATA',
      message: 'tiny_features: no feature date has a mature label at 2024-07-01; asked for 2024-06-15',
    })
    await expect(build({ runDay: '2024-12-01' })).rejects.toMatchObject({ code: 'ESTEIRA_SOURCE_STALE' })
  })

  it('reads the tables at the snapshots it was given, and a stored set stays the same after later commits', async () => {
    const lakehouse = await home.workspace.lakehouse()
    const at = {
      featureSnapshotId: (await lakehouse.table(features))?.snapshotId ?? '',
      silverSnapshotId: (await lakehouse.table(silver))?.snapshotId ?? '',
    }
    const before = await build({ at })
    const set = await readTrainingSet(lakehouse, home.workspace.objects, before.digest)
    const commit = { commitId: 'away', runId: 'away' }
    await lakehouse.replace(
      features,
      [{ column: 'feature_date', op: '=', value: '2024-03-01' }],
      `SELECT * FROM ${await lakehouse.relation(features)} AS t WHERE false`,
      commit,
    )
    await lakehouse.replace(
      silver,
      [{ column: 'local_ts', op: '>=', value: '2024-05-01 00:00:00' }],
      `SELECT * FROM ${await lakehouse.relation(silver)} AS t WHERE false`,
      commit,
    )
    expect((await build({ at })).digest).toBe(before.digest)
    expect(await readTrainingSet(lakehouse, home.workspace.objects, before.digest)).toEqual(set)
    expect((await build({ runDay: '2024-05-01' })).digest).not.toBe(before.digest)
  })
})

describe('readTrainingSet', () => {
  it('gives features, labels and parts, without the entity and the date among the features', async () => {
    const { definition } = home.workspace.project
    const { digest } = await build({ runDay: '2024-05-01' })
    const set = await readTrainingSet(await home.workspace.lakehouse(), home.workspace.objects, digest)
    expect([...set.features.columns.keys()]).toEqual(Object.keys(definition.view.features))
    expect(set).toMatchObject({ labelName: 'churned', recency: 'days_since_last_order', name: 'tiny_features', digest })
    expect(new Set(set.labels)).toEqual(new Set([0, 1]))
    const { train, validation, test, finalFit } = set.parts
    expect(train.length + validation.length).toBeLessThanOrEqual(finalFit.length)
    expect(new Set([...finalFit, ...test]).size).toBe(finalFit.length + test.length)
  })

  it('refuses a digest that is not there', async () => {
    const { workspace } = home
    await expect(readTrainingSet(await workspace.lakehouse(), workspace.objects, 'abc')).rejects.toMatchObject({
      code: 'ESTEIRA_NO_DATA',
      hint: expect.stringContaining(prepareTrainingDataStep.name),
    })
  })
})
