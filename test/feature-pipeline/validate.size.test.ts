import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { operation, sum, tableRule, view } from '@esteira/core'
import { validateFeatures } from '@esteira/feature-pipeline'
import { openDuckDb, openLocalLakehouse, openLocalObjectStore } from '@esteira/lakehouse'
import { expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { temporaryFolder } from '../lakehouse/test-lakehouse.js'
import { orders } from './shop-view.js'

const ROWS = 1_000_000
const DAY = '2024-03-01'
const STAGING_KEY = 'staging/run-1/wide.parquet'

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'] as const
const feature = sum(orders.amount, { days: 30 })
const inRange = z.number().min(0).max(ROWS).nullable().meta({ maxNullShare: 0.2 })

/** Ten columns with a range and a share of nulls each, and rules over whole rows. */
const wide = view('wide', {
  from: orders,
  features: {
    a: feature,
    b: feature,
    c: feature,
    d: feature,
    e: feature,
    f: feature,
    g: feature,
    h: feature,
    i: feature,
    j: feature,
  },
  rules: Object.fromEntries(NAMES.map((name) => [name, inRange])),
  tableRules: (row, { entity }) => [
    tableRule.holds('ordered', operation(row.a, '<=', row.b)),
    tableRule.references(entity, { table: 'silver.customers', column: 'customer_id' }),
  ],
})

const CUSTOMERS = `SELECT 'customer-' || lpad(r::VARCHAR, 12, '0') AS customer_id, r FROM range(${ROWS}) AS t(r)`

/** Rows that keep every rule: `b` is not below `a`. */
const GOOD = [
  `SELECT customer_id, DATE '${DAY}' AS feature_date,`,
  NAMES.map((name, index) => `(${name === 'b' ? 'r' : `r * ${index + 7} % (r + 1)`})::DOUBLE AS "${name}"`).join(', '),
  `, 1::INTEGER AS _feature_version, 'h' AS _feature_hash, TIMESTAMP '2024-03-01 10:00:00' AS _created_at`,
  `FROM (${CUSTOMERS}) AS c`,
].join(' ')

/** The same with an entity nobody knows, a value out of range, and an entity that comes twice. */
const BAD = `
  SELECT * REPLACE (
    CASE customer_id WHEN 'customer-000000000001' THEN 'x' ELSE customer_id END AS customer_id,
    CASE customer_id WHEN 'customer-000000000002' THEN -1 ELSE c END AS c)
  FROM (${GOOD}) AS g
  UNION ALL (SELECT * FROM (${GOOD}) AS g WHERE customer_id = 'customer-000000000003')`

it('checks a million rows of ten columns with 300 MB for the engine, and finds the three that are wrong', async () => {
  const home = await temporaryFolder()
  const engine = await openDuckDb({ threads: 2, memoryLimit: '300MB', tempFolder: join(home, 'spill', 'here') })
  onTestFinished(() => engine.close())
  const lakehouse = await openLocalLakehouse({ newId: randomUUID, now: () => new Date(), home, engine })
  onTestFinished(() => lakehouse.close())
  await lakehouse.ensureTable('silver.customers', { columns: [{ name: 'customer_id', type: 'string' }] })
  await lakehouse.append('silver.customers', CUSTOMERS.replace(', r FROM', ' FROM'), { commitId: 'c', runId: 'r' })
  const publish = async (rows: string) => {
    await lakehouse.writeParquet(STAGING_KEY, rows)
    return validateFeatures({
      view: wide,
      lakehouse,
      objects: openLocalObjectStore(join(home, 'objects')),
      stagingKey: STAGING_KEY,
      featureDates: [DAY],
      featureVersion: 1,
      newestEvents: { [DAY]: '2024-02-29' },
      runId: 'run-1',
      reportKey: 'reports/run-1/validation.json',
    })
  }
  await expect(publish(BAD)).rejects.toMatchObject({
    details: {
      failed: [
        { name: 'unique_key', found: '1 rows' },
        { name: 'c.min', found: '1 rows' },
        { name: 'references_customer_id', found: '1 rows' },
      ],
    },
  })
  expect(await publish(GOOD)).toMatchObject({ rowsPublished: ROWS, rowsReplaced: 0 })
})
