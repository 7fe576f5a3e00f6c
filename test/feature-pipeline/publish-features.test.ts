import { type FeatureView, view } from '@esteira/core'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { csv, orders, shopView } from './shop-view.js'
import { openTestPipeline, REPORT_KEY, type TestPipeline } from './test-pipeline.js'

const ROWS = ['o1,c1,2024-01-05,1,a', 'o2,c1,2024-02-06,3,b', 'o3,c2,2024-02-20,5,', 'o4,c3,2024-03-10,7,a']
const RUN_DAY = '2024-06-01'
const TABLE = 'feature_store.shop_features'

/** Silver of some orders, ready for features. */
async function openSilver(of: FeatureView = shopView(), rows: readonly string[] = ROWS): Promise<TestPipeline> {
  const pipeline = await openTestPipeline(of)
  await pipeline.ingest(await pipeline.write('orders.csv', csv(...rows)))
  await pipeline.process(RUN_DAY)
  return pipeline
}

function featuresOf(pipeline: TestPipeline) {
  return pipeline.rows(`SELECT * FROM {${TABLE}} ORDER BY feature_date, customer_id`)
}

async function reportOf({ objects }: TestPipeline) {
  const body = await objects.get(REPORT_KEY)
  return JSON.parse(new TextDecoder().decode(body))
}

describe('publication', () => {
  it('gives rows with their date, version, hash and time', async () => {
    const pipeline = await openSilver()
    const extracted = await pipeline.extract(['2024-03-01'], { at: '2024-06-01T10:00:00Z' })
    expect(await pipeline.lakehouse.table(TABLE)).toBeUndefined()
    const published = await pipeline.publish(extracted)
    expect(published).toMatchObject({ table: TABLE, rowsPublished: 2, rowsReplaced: 0 })
    expect(await featuresOf(pipeline)).toEqual([
      {
        customer_id: 'c1',
        feature_date: '2024-03-01',
        orders_30d: 1,
        avg_value_30d: 3,
        category: 'b',
        days_since_last: 24,
        quiet_score: 5,
        _feature_version: 1,
        _feature_hash: extracted.version.hash,
        _created_at: '2024-06-01 10:00:00',
      },
      expect.objectContaining({ customer_id: 'c2', orders_30d: 1, avg_value_30d: 5, category: null, quiet_score: 1 }),
    ])
  })

  it('gives for a range of dates what it gives for each date', async () => {
    const dates = ['2024-02-01', '2024-03-01', '2024-04-01']
    const together = await openSilver()
    await together.publish(await together.extract(dates))
    const single = await openSilver()
    for (const date of dates) await single.publish(await single.extract([date], { runId: date }), { runId: date })
    expect(await featuresOf(single)).toEqual(await featuresOf(together))
    expect(await together.rows(`SELECT feature_date, count(*) AS n FROM {${TABLE}} GROUP BY 1 ORDER BY 1`)).toEqual([
      { feature_date: '2024-02-01', n: 1 },
      { feature_date: '2024-03-01', n: 2 },
      { feature_date: '2024-04-01', n: 3 },
    ])
  })

  it('replaces exactly the dates of a rerun', async () => {
    const pipeline = await openSilver()
    await pipeline.publish(await pipeline.extract(['2024-02-01', '2024-03-01', '2024-04-01']))
    const before = await featuresOf(pipeline)
    await pipeline.ingest(await pipeline.write('more.csv', csv('o9,c9,2024-02-25,9,z')), { at: '2024-05-01T00:00:00Z' })
    await pipeline.process(RUN_DAY)
    const again = await pipeline.publish(await pipeline.extract(['2024-03-01'], { runId: 'run-2' }), { runId: 'run-2' })
    expect(again).toMatchObject({ rowsPublished: 3, rowsReplaced: 2 })
    const after = await featuresOf(pipeline)
    const others = (rows: typeof before) => rows.filter((row) => row['feature_date'] !== '2024-03-01')
    expect(others(after)).toEqual(others(before))
    expect(after.filter((row) => row['feature_date'] === '2024-03-01').map((row) => row['customer_id'])).toEqual([
      'c1',
      'c2',
      'c9',
    ])
  })

  it('is one commit, however often the same run publishes', async () => {
    const pipeline = await openSilver()
    const extracted = await pipeline.extract(['2024-03-01'])
    const first = await pipeline.publish(extracted)
    const before = await pipeline.snapshots()
    expect((await pipeline.publish(extracted)).snapshotId).toBe(first.snapshotId)
    expect(await pipeline.snapshots()).toEqual(before)
  })

  it('keeps the rows of another definition of the view beside its own', async () => {
    const pipeline = await openSilver()
    await pipeline.publish(await pipeline.extract(['2024-03-01']))
    const { category, ...features } = shopView().features
    const changed = view('shop_features', { from: orders, features, moreRowsThan: 0 })
    const extracted = await pipeline.extract(['2024-03-01'], { view: changed, runId: 'run-2' })
    expect(extracted.version.version).toBe(2)
    await pipeline.publish(extracted, { view: changed, runId: 'run-2' })
    expect(
      await pipeline.rows(
        `SELECT _feature_version AS v, count(category) AS c, count(*) AS n FROM {${TABLE}} GROUP BY 1 ORDER BY 1`,
      ),
    ).toEqual([
      { v: 1, c: 1, n: 2 },
      { v: 2, c: 0, n: 2 },
    ])
    expect(category.kind).toBe('mostFrequent')
  })

  it('leaves out dates before the first event, and refuses when none is left', async () => {
    const pipeline = await openSilver()
    expect((await pipeline.extract(['2023-12-01', '2024-01-05', '2024-02-01'])).featureDates).toEqual(['2024-02-01'])
    await expect(pipeline.extract(['2023-12-01'])).rejects.toMatchObject({
      code: 'ESTEIRA_NO_DATA',
      message: 'shop_features: silver.shop_orders has no event in the 365 days before 2023-12-01',
    })
    await expect(pipeline.extract(['2026-01-01'])).rejects.toMatchObject({ code: 'ESTEIRA_NO_DATA' })
  })
})

describe('a refusal', () => {
  const refuse = async (of: FeatureView, damage?: (staged: string) => string, featureDates = ['2024-03-01']) => {
    const pipeline = await openSilver(of)
    await pipeline.publish(await pipeline.extract(['2024-04-01'], { view: shopView(), runId: 'run-0' }), {
      view: shopView(),
      runId: 'run-0',
    })
    const before = { snapshots: await pipeline.snapshots(), rows: await featuresOf(pipeline) }
    let extracted = await pipeline.extract(featureDates, { view: of })
    if (damage !== undefined) {
      const stagingKey = 'staging/run-1/damaged.parquet'
      await pipeline.lakehouse.writeParquet(stagingKey, damage(await pipeline.lakehouse.parquet(extracted.stagingKey)))
      extracted = { ...extracted, stagingKey }
    }
    const error = await pipeline.publish(extracted, { view: of }).then(
      () => undefined,
      (cause: unknown) => cause,
    )
    expect({ snapshots: await pipeline.snapshots(), rows: await featuresOf(pipeline) }).toEqual(before)
    expect(await pipeline.objects.get(extracted.stagingKey)).toBeDefined()
    const report = await reportOf(pipeline)
    expect(report).toMatchObject({ view: 'shop_features', passed: false, featureDates })
    const failed = report.checks.filter(({ passed }: { passed: boolean }) => !passed)
    expect(error).toMatchObject({
      code: 'ESTEIRA_FEATURES_REFUSED',
      exitCode: 65,
      hint: expect.stringContaining(pipeline.objects.locate(REPORT_KEY)),
      details: {
        failed: failed.map(({ name, expected, found }: Record<string, string>) => ({ name, expected, found })),
      },
    })
    return failed
  }
  const withRule = (rules: Record<string, z.ZodType>, moreRowsThan = 0) =>
    view('shop_features', { from: orders, features: shopView().features, rules, moreRowsThan })

  it('names the feature whose share of nulls is too large', async () => {
    expect(await refuse(withRule({ category: z.string() }))).toEqual([
      {
        name: 'category.nulls',
        rule: 'nulls',
        column: 'category',
        severity: 'error',
        expected: 'no null',
        found: '50.0 % (1 rows)',
        passed: false,
        failedRows: 1,
        share: 0.5,
        examples: [{ key: 'c2, 2024-03-01', value: 'null' }],
      },
    ])
    expect(await refuse(withRule({ category: z.string().nullable().meta({ maxNullShare: 0.4 }) }))).toMatchObject([
      { name: 'category.nulls', expected: 'at most 40.0 % nulls', found: '50.0 % (1 rows)' },
    ])
  })

  it('names the rule of the range and the rows that broke it', async () => {
    expect(await refuse(withRule({ avg_value_30d: z.number().max(4).min(4) }))).toMatchObject([
      { name: 'avg_value_30d.min', expected: 'at least 4', found: '1 rows', failedRows: 1 },
      { name: 'avg_value_30d.max', expected: 'at most 4', found: '1 rows', failedRows: 1 },
    ])
    expect(await refuse(withRule({ avg_value_30d: z.number().gt(3).lt(5) }))).toMatchObject([
      { name: 'avg_value_30d.min', expected: 'above 3' },
      { name: 'avg_value_30d.max', expected: 'below 5' },
    ])
  })

  it('names values that are not allowed', async () => {
    expect(await refuse(withRule({ category: z.enum(['a', "o'clock"]).nullable() }))).toMatchObject([
      { name: 'category.allowed', expected: "one of a, o'clock", found: '1 rows' },
    ])
  })

  it('names a date with too few rows', async () => {
    expect(await refuse(withRule({}, 2), undefined, ['2024-03-01'])).toMatchObject([
      { name: 'rows', expected: 'more than 2 rows a date', found: '2024-03-01: 2' },
    ])
  })

  it('finds keys that come twice or are missing', async () => {
    expect(
      await refuse(shopView(), (staged) => `SELECT * FROM ${staged} UNION ALL SELECT * FROM ${staged}`),
    ).toMatchObject([{ name: 'unique_key', found: '2 rows' }])
    const nameless = (staged: string) => `SELECT * REPLACE (NULL::VARCHAR AS customer_id) FROM ${staged} LIMIT 1`
    expect(await refuse(shopView(), nameless)).toMatchObject([{ name: 'customer_id.present', found: '1 rows' }])
  })

  it('finds NaN and infinity', async () => {
    const broken = (staged: string) =>
      `SELECT * REPLACE (CASE WHEN customer_id = 'c1' THEN 'nan' ELSE 'inf' END::DOUBLE AS avg_value_30d) FROM ${staged}`
    expect(await refuse(shopView(), broken)).toMatchObject([{ name: 'avg_value_30d.finite', found: '2 rows' }])
  })

  it('finds dates that are missing or that nobody asked for', async () => {
    const moved = (staged: string) => `SELECT * REPLACE (feature_date + 1 AS feature_date) FROM ${staged}`
    expect(await refuse(shopView(), moved)).toMatchObject([
      { name: 'feature_dates', found: '2024-03-02' },
      { name: 'rows', found: '2024-03-01: 0' },
    ])
  })

  it('finds columns that are missing or of another type', async () => {
    expect(await refuse(shopView(), (staged) => `SELECT * EXCLUDE (orders_30d) FROM ${staged}`)).toMatchObject([
      { name: 'orders_30d.type', expected: 'bigint', found: 'no such column' },
    ])
    const retyped = (staged: string) =>
      `SELECT * REPLACE (CAST(avg_value_30d AS VARCHAR) AS avg_value_30d) FROM ${staged}`
    expect(await refuse(shopView(), retyped)).toMatchObject([
      { name: 'avg_value_30d.type', expected: 'double', found: 'string' },
    ])
  })

  it('finds a source that had gone quiet before the date', async () => {
    const found = await refuse(shopView(), undefined, ['2024-03-01', '2024-05-01'])
    expect(found).toMatchObject([
      { name: 'fresh', expected: 'an event in the 35 days before each date', found: '2024-05-01: 2024-03-10' },
    ])
  })
})
