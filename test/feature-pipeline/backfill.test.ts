import { randomUUID } from 'node:crypto'
import { type FeatureView, toRows } from '@esteira/core'
import { backfillDates, backfillFeatures, silverKnownAt } from '@esteira/feature-pipeline'
import { openFeatureStore } from '@esteira/lakehouse'
import { describe, expect, it } from 'vitest'
import { csv, shopView } from './shop-view.js'
import { openTestPipeline, PROJECT, type TestPipeline } from './test-pipeline.js'

const view: FeatureView = shopView()
const DATES = ['2024-02-01', '2024-03-01', '2024-04-01', '2024-05-01']

/** An order of each customer on the 20th of each month from January to April. */
function file(amount = '10.00'): string {
  const rows = ['c1', 'c2', 'c3'].flatMap((customer, n) =>
    [1, 2, 3, 4].map(
      (month) => `${customer}-${month},${customer},2024-0${month}-20 10:00:00,${Number(amount) + n},suv`,
    ),
  )
  return csv(...rows)
}

async function openShop(): Promise<TestPipeline> {
  const pipeline = await openTestPipeline(view)
  await pipeline.ingest(await pipeline.write('orders.csv', file()))
  await pipeline.process('2024-06-01')
  return pipeline
}

async function backfill(pipeline: TestPipeline, options: Partial<Parameters<typeof backfillFeatures>[0]> = {}) {
  const silverTable = 'silver.shop_orders'
  const { lakehouse, objects } = pipeline
  const silverSnapshotId = (await lakehouse.table(silverTable))?.snapshotId ?? ''
  const at = {
    silverTable,
    silverSnapshotId,
    featureDates: DATES,
    chunk: 2,
    runId: randomUUID(),
    now: () => new Date(),
  }
  return backfillFeatures({ view, lakehouse, objects, ...at, ...options })
}

/** How many commits of the feature table touched each date. */
async function commitsByDate({ lakehouse }: TestPipeline): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { summary } of await lakehouse.snapshots('feature_store.shop_features')) {
    const day = /\/(\d{4}-\d\d-\d\d)\//.exec(summary['esteira.commit-id'] ?? '')?.[1] ?? 'none'
    counts[day] = (counts[day] ?? 0) + 1
  }
  return counts
}

const EACH_ONCE = Object.fromEntries(DATES.map((day) => [day, 1]))
const rowsByDate = (pipeline: TestPipeline) =>
  pipeline.rows(
    'SELECT feature_date, count(*) AS n, sum(orders_30d)::INT AS orders FROM {feature_store.shop_features} AS f GROUP BY 1 ORDER BY 1',
  )

describe('a backfill', () => {
  it('publishes what one publication of all dates would, in chunks, one commit a date, and tells its progress', async () => {
    const pipeline = await openShop()
    const told: string[] = []
    const result = await backfill(pipeline, {
      featureDates: ['2024-01-01', ...DATES],
      onProgress: ({ featureDate, outcome, done, total }) => told.push(`${done}/${total} ${featureDate} ${outcome}`),
    })
    expect(result).toMatchObject({ published: DATES, withoutEvents: ['2024-01-01'], thereAlready: [], rows: 12 })
    expect(told).toEqual(['1/5 2024-01-01 no events', ...DATES.map((day, n) => `${n + 2}/5 ${day} published`)])
    expect(await commitsByDate(pipeline)).toEqual(EACH_ONCE)
    const other = await openShop()
    await other.publish(await other.extract(DATES))
    const rows = 'SELECT * EXCLUDE (_created_at) FROM {feature_store.shop_features} AS f ORDER BY ALL'
    expect(await pipeline.rows(rows)).toEqual(await other.rows(rows))
    const statistics = 'SELECT * EXCLUDE (_created_at) FROM {feature_store.shop_features_statistics} AS f ORDER BY ALL'
    expect(await pipeline.rows(statistics)).toEqual(await other.rows(statistics))
    expect((await pipeline.objects.list('staging/')).map(({ key }) => key)).toEqual([])
  })

  it('goes on where it was stopped, and again changes nothing', async () => {
    const pipeline = await openShop()
    const stop = new AbortController()
    const onProgress = ({ done }: { readonly done: number }) => done === 3 && stop.abort()
    await expect(backfill(pipeline, { onProgress, signal: stop.signal })).rejects.toMatchObject({
      code: 'ESTEIRA_INTERRUPTED',
    })
    expect((await rowsByDate(pipeline)).map((row) => row['feature_date'])).toEqual(DATES.slice(0, 3))
    expect(await backfill(pipeline)).toMatchObject({ published: ['2024-05-01'], thereAlready: DATES.slice(0, 3) })
    expect(await backfill(pipeline)).toMatchObject({ published: [], thereAlready: DATES })
    expect(await commitsByDate(pipeline)).toEqual(EACH_ONCE)
  })

  it('commits each date once when two run at the same time', async () => {
    const pipeline = await openShop()
    await Promise.all([backfill(pipeline, { chunk: 3 }), backfill(pipeline, { chunk: 1 }), backfill(pipeline)])
    expect(await commitsByDate(pipeline)).toEqual(EACH_ONCE)
    expect(await rowsByDate(pipeline)).toHaveLength(4)
  })

  it('stops at the first date that its checks refuse, with the dates before it published', async () => {
    const pipeline = await openShop()
    const onProgress = () => {}
    const strict = { ...view, rules: { ...view.rules, days_since_last: { maxNullShare: 0, max: 11 } } }
    // March has 29 days of February before it: ten days since the 20th; the others have eleven or twelve.
    await expect(
      backfill(pipeline, { view: strict, featureDates: ['2024-03-01', '2024-04-01'], onProgress }),
    ).rejects.toMatchObject({
      code: 'ESTEIRA_FEATURES_REFUSED',
    })
    expect((await rowsByDate(pipeline)).map((row) => row['feature_date'])).toEqual(['2024-03-01'])
  })

  it('computes dates anew when asked to, and lives beside the rows of another definition', async () => {
    const pipeline = await openShop()
    await backfill(pipeline)
    await pipeline.ingest(await pipeline.write('orders-2.csv', csv('new-1,c9,2024-04-21 10:00:00,5.00,van')), {
      at: '2024-06-02T00:00:00Z',
    })
    await pipeline.process('2024-06-03')
    expect(await backfill(pipeline)).toMatchObject({ published: [] })
    expect(await backfill(pipeline, { replace: true, featureDates: ['2024-05-01'] })).toMatchObject({
      published: ['2024-05-01'],
      rows: 4,
    })
    const wider: FeatureView = { ...view, activeWithinDays: 10 }
    expect(await backfill(pipeline, { view: wider, featureDates: ['2024-05-01'] })).toMatchObject({
      version: { version: 2 },
      rows: 1,
    })
    const versions = await pipeline.rows(
      "SELECT _feature_version AS v, count(*) AS n FROM {feature_store.shop_features} AS f WHERE feature_date = DATE '2024-05-01' GROUP BY 1 ORDER BY 1",
    )
    expect(versions).toEqual([
      { v: 1, n: 4 },
      { v: 2, n: 1 },
    ])
  })

  it('takes every day, week or month of a range', () => {
    expect(backfillDates('2024-01-15', '2024-03-01', 'month')).toEqual(['2024-02-01', '2024-03-01'])
    expect(backfillDates('2024-02-28', '2024-03-01', 'day')).toEqual(['2024-02-28', '2024-02-29', '2024-03-01'])
    expect(backfillDates('2024-02-28', '2024-03-06', 'week')).toEqual(['2024-02-28', '2024-03-06'])
    expect(() => backfillDates('2024-03-02', '2024-03-01', 'day')).toThrow('is after')
    expect(() => backfillDates('2024-03-02', '2024-03-05', 'month')).toThrow('no first day of a month')
  })
})

describe('features computed anew as they were known', () => {
  it('are made of rows as they were before a correction, and without those that came later', async () => {
    const pipeline = await openShop()
    const { lakehouse, objects } = pipeline
    const source = view.from
    const features = openFeatureStore({
      lakehouse,
      objects,
      newId: randomUUID,
      now: () => new Date(),
      sourceKnownAt: (of, knownAt) => silverKnownAt({ project: PROJECT, source: of, lakehouse, knownAt }),
    })
    const request = {
      spine: {
        query: "SELECT 'c1' AS customer_id, DATE '2024-05-01' AS day UNION ALL SELECT 'c9', DATE '2024-05-01'",
        time: 'day',
      },
      views: [view],
      knownAt: new Date('2024-05-02T00:00:00Z'),
      recompute: true,
    }
    const first = await features.getTrainingSet(request)
    const [c1] = toRows((await features.trainingSet(first.digest)).rows)
    expect(c1).toMatchObject({ customer_id: 'c1', orders_30d: 1, avg_value_30d: 10 })
    expect(first).toMatchObject({ recomputed: true, tables: [{ table: 'bronze.shop_orders' }] })
    expect(first.views[0]).toMatchObject({ matched: 1, unmatched: 1 })
    // The order of April is corrected and a customer is delivered late: silver keeps only what is newest.
    const late = csv('c1-4,c1,2024-04-20 10:00:00,99.00,suv', 'late-1,c9,2024-04-21 10:00:00,5.00,van')
    await pipeline.ingest(await pipeline.write('late.csv', late), { at: '2024-06-02T00:00:00Z' })
    await pipeline.process('2024-06-03')
    expect((await features.getTrainingSet(request)).digest).toBe(first.digest)
    const now = await features.getTrainingSet({ ...request, knownAt: new Date('2024-07-01T00:00:00Z') })
    const rows = toRows((await features.trainingSet(now.digest)).rows)
    expect(rows.map((row) => [row['customer_id'], row['avg_value_30d']])).toEqual([
      ['c1', 99],
      ['c9', 5],
    ])
    // A label as it was known: nobody had an order after April by then.
    const labels = {
      label: { kind: 'churn', name: 'churned', horizonDays: 30 },
      from: source,
      events: 'silver.shop_orders',
      dates: ['2024-05-01'],
    } as const
    const known = await features.getTrainingSet({ labels, views: [view], knownAt: request.knownAt, recompute: true })
    expect(known).toMatchObject({ rowCount: 3, spine: { kind: 'labels' } })
  })
})
