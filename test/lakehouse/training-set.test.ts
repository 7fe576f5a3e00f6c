import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { type Frame, toRows } from '@esteira/core'
import { athenaSelectToDuckDb, ensureFeatureVersion, openDuckDb, type StoredTrainingSet } from '@esteira/lakehouse'
import { describe, expect, it, onTestFinished } from 'vitest'
import { customers, type FeatureHome, openFeatureHome, products } from './feature-store-home.js'

const JANUARY = ["('c1', DATE '2024-01-01', 10.5, 1, 'new')", "('c2', DATE '2024-01-01', 20, 2, NULL)"]
const FEBRUARY = ["('c1', DATE '2024-02-01', 11.5, 3, 'old')", "('c3', DATE '2024-02-01', 0, 0, 'gone')"]
const PRICES = ["(1, DATE '2024-01-28', 9.99)", "(2, DATE '2024-01-01', 5)"]

/** Three customers asked at four times, one of them twice. */
const ASKED = [
  "('c1', 1, TIMESTAMP '2024-01-31 23:00:00', 1)",
  "('c1', 2, TIMESTAMP '2024-02-01 00:00:00', 0)",
  "('c2', 1, TIMESTAMP '2024-02-02 08:00:00', 0)",
  "('c2', 1, TIMESTAMP '2024-02-02 08:00:00', 0)",
  "('c3', 3, TIMESTAMP '2023-12-31 00:00:00', 1)",
]
const SPINE = { query: 'SELECT customer_id, product_id, asked_at, bought FROM silver.asked', time: 'asked_at' }

const COLUMNS = '"customer_id", "product_id", "asked_at", "bought"'
const VALUES = `SELECT * FROM (VALUES ${ASKED.join(', ')}) AS v(${COLUMNS})`

async function openShop(asked = VALUES): Promise<FeatureHome> {
  const home = await openFeatureHome()
  await home.publish(customers, JANUARY)
  await home.publish(customers, FEBRUARY)
  await home.publish(products, PRICES)
  await home.lakehouse.ensureTable('silver.asked', {
    columns: [
      { name: 'customer_id', type: 'string' },
      { name: 'product_id', type: 'long' },
      { name: 'asked_at', type: 'timestamp' },
      { name: 'bought', type: 'int' },
    ],
  })
  const commit = { commitId: 'asked', runId: 'test' }
  await home.lakehouse.append('silver.asked', asked, commit)
  return home
}

async function rowsOf(home: FeatureHome, { digest }: StoredTrainingSet) {
  return toRows((await home.features.trainingSet(digest)).rows)
}

describe('getTrainingSet', () => {
  it('means by the name of a view its newest version with rows, not one whose batch was refused', async () => {
    const home = await openShop()
    const before = await home.features.getTrainingSet({ spine: SPINE, views: ['customers'] })
    const changed = { ...customers, features: { ...customers.features, visits: customers.features['orders'] } } as const
    await ensureFeatureVersion(home.objects, changed as typeof customers, new Date(0))
    const after = await home.features.getTrainingSet({ spine: SPINE, views: ['customers'] })
    expect(after.digest).toBe(before.digest)
    expect(after.views[0]?.matched).toBeGreaterThan(0)
  })

  it('puts to each row the features of several views as they stood, with counts of what each view knew', async () => {
    const home = await openShop()
    const set = await home.features.getTrainingSet({ spine: SPINE, views: [customers, products] })
    expect(await rowsOf(home, set)).toEqual([
      {
        customer_id: 'c1',
        product_id: 1,
        asked_at: '2024-01-31 23:00:00',
        bought: 1,
        _customers_feature_date: '2024-01-01',
        spent: 10.5,
        orders: 1,
        segment: 'new',
        _products_feature_date: '2024-01-28',
        price: 9.99,
      },
      {
        customer_id: 'c1',
        product_id: 2,
        asked_at: '2024-02-01 00:00:00',
        bought: 0,
        _customers_feature_date: '2024-02-01',
        spent: 11.5,
        orders: 3,
        segment: 'old',
        _products_feature_date: '2024-01-01',
        price: null,
      },
      ...Array.from({ length: 2 }, () => ({
        customer_id: 'c2',
        product_id: 1,
        asked_at: '2024-02-02 08:00:00',
        bought: 0,
        _customers_feature_date: '2024-01-01',
        spent: 20,
        orders: 2,
        segment: null,
        _products_feature_date: '2024-01-28',
        price: 9.99,
      })),
      {
        customer_id: 'c3',
        product_id: 3,
        asked_at: '2023-12-31 00:00:00',
        bought: 1,
        _customers_feature_date: null,
        spent: null,
        orders: null,
        segment: null,
        _products_feature_date: null,
        price: null,
      },
    ])
    expect(set).toMatchObject({ rowCount: 5, spineRows: 5, rowsDropped: 0, missing: 'keep' })
    expect(set.views).toMatchObject([
      { view: 'customers', version: 1, matched: 4, expired: 0, unmatched: 1, ttlDays: null },
      { view: 'products', version: 1, matched: 3, expired: 1, unmatched: 1, ttlDays: 10 },
    ])
  })

  it('leaves rows out only when asked to, and says how many', async () => {
    const home = await openShop()
    const set = await home.features.getTrainingSet({ spine: SPINE, views: [customers, products], missing: 'drop' })
    expect(set).toMatchObject({ rowCount: 3, spineRows: 5, rowsDropped: 2 })
    expect(set.views.map(({ matched, expired, unmatched }) => matched + expired + unmatched)).toEqual([5, 5])
  })

  it('takes columns held in memory, one day for all rows, and parts of views with other names', async () => {
    const home = await openShop()
    const frame: Frame = { rowCount: 2, columns: new Map([['who', { type: 'string', values: ['c2', 'c1'] }]]) }
    const set = await home.features.getTrainingSet({
      spine: { frame },
      views: [{ view: 'customers', entity: 'who', features: ['spent'], prefix: 'customer_', ttlDays: 20 }],
      asOf: '2024-02-10',
    })
    expect(await rowsOf(home, set)).toEqual([
      { who: 'c1', _customers_feature_date: '2024-02-01', customer_spent: 11.5 },
      { who: 'c2', _customers_feature_date: '2024-01-01', customer_spent: null },
    ])
    const early = await home.features.getTrainingSet({ spine: SPINE, views: [customers], asOf: '2024-01-15' })
    expect((await rowsOf(home, early)).map((row) => row['spent'])).toEqual([10.5, 10.5, 20, 20, null])
  })

  it('keeps the set under the sha256 of its file, with everything needed to know it again', async () => {
    const home = await openShop()
    const set = await home.features.getTrainingSet({ spine: SPINE, views: [customers], name: 'offers' })
    const bytes = await readFile(home.objects.locate(set.dataKey))
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(set.digest)
    const state = async (name: string) => ({ table: name, snapshotId: (await home.lakehouse.table(name))?.snapshotId })
    expect(set.tables).toEqual([await state('silver.asked'), await state('feature_store.customers')])
    expect(set).toMatchObject({
      name: 'offers',
      spine: { kind: 'query', query: SPINE.query },
      asOf: null,
      knownAt: null,
    })
    expect((await home.features.trainingSet(set.digest)).set).toEqual(set)
    // The query of the manifest is Athena's and gives the same rows.
    const sql = await athenaSelectToDuckDb({
      sql: set.query,
      resolveTable: (name, version) => home.lakehouse.relation(name, version ?? {}),
    })
    expect(toRows(await home.engine.query(sql))).toEqual(await rowsOf(home, set))
    expect(await home.objects.list('staging/')).toEqual([])
  })

  it('gives one digest whatever the order of rows, the threads and the time', async () => {
    // More than one row group of Parquet, with rows that are there twice.
    const many = (order: string) =>
      `SELECT printf('c%d', n % 7) AS customer_id, n % 5 AS product_id, TIMESTAMP '2024-01-01 00:00:00' + INTERVAL ((n * 7919) % 90000) MINUTE AS asked_at, n % 2 AS bought FROM range(130000) AS r(n) ORDER BY ${order}`
    const digests = new Set<string>()
    for (const [order, threads] of [
      ['n', 1],
      ['n DESC', 2],
      ['hash(n)', 4],
    ] as const) {
      const home = await openShop(many(order))
      await home.engine.query(`SET GLOBAL threads = ${threads}`)
      const { digest, rowCount } = await home.features.getTrainingSet({ spine: SPINE, views: [customers, products] })
      expect(rowCount).toBe(130_000)
      digests.add(digest)
    }
    expect(digests.size).toBe(1)
  })

  it('can be read after every snapshot it came from has expired; a pinned one keeps its snapshots', async () => {
    const home = await openShop()
    const set = await home.features.getTrainingSet({ spine: SPINE, views: [customers] })
    const rows = await rowsOf(home, set)
    const [, read] = set.tables
    await home.correct(customers, '2024-02-01', ["('c1', DATE '2024-02-01', 99, 9, 'x')"])
    const pinned = await home.features.getTrainingSet({ spine: SPINE, views: [customers], pin: true })
    await home.correct(customers, '2024-02-01', ["('c1', DATE '2024-02-01', 100, 9, 'x')"])
    await home.lakehouse.expire('feature_store.customers', { keepLast: 1, olderThan: new Date('2030-01-01') })
    const left = (await home.lakehouse.snapshots('feature_store.customers')).map(({ snapshotId }) => snapshotId)
    expect(left).not.toContain(read?.snapshotId)
    expect(left).toContain(pinned.views[0]?.snapshotId)
    expect(await rowsOf(home, set)).toEqual(rows)
    const again = { view: customers, snapshotId: pinned.views[0]?.snapshotId ?? '' }
    expect((await home.features.getTrainingSet({ spine: SPINE, views: [again] })).digest).toBe(pinned.digest)
  })

  it('reads what another engine writes: the file opens in DuckDB alone', async () => {
    const home = await openShop()
    const set = await home.features.getTrainingSet({ spine: SPINE, views: [customers] })
    const other = await openDuckDb()
    onTestFinished(() => other.close())
    const [row] = toRows(
      await other.query(`SELECT count(*) AS n, sum(spent) AS spent FROM '${home.objects.locate(set.dataKey)}'`),
    )
    expect(row).toEqual({ n: 5, spent: 62 })
  })
})

describe('a training set that cannot be what it says', () => {
  it('is refused, naming the column, the version or the table, and what to do', async () => {
    const home = await openShop()
    const ask = (request: object) => home.features.getTrainingSet({ spine: SPINE, views: [customers], ...request })
    await expect(ask({ spine: undefined })).rejects.toMatchObject({
      code: 'ESTEIRA_USAGE',
      message: expect.stringContaining('expected one of spine and labels'),
    })
    await expect(ask({ views: [] })).rejects.toMatchObject({ code: 'ESTEIRA_USAGE' })
    await expect(ask({ views: [customers, customers] })).rejects.toMatchObject({
      code: 'ESTEIRA_USAGE',
      message: 'column "_customers_feature_date" comes from view customers and from view customers',
    })
    await expect(
      ask({
        views: [{ view: customers, features: ['spent'], prefix: 'bought' }],
        spine: { ...SPINE, query: 'SELECT customer_id, asked_at, 1 AS boughtspent FROM silver.asked' },
      }),
    ).rejects.toMatchObject({
      code: 'ESTEIRA_USAGE',
      message: 'column "boughtspent" comes from the spine and from view customers',
      hint: expect.stringContaining('prefix'),
    })
    await expect(ask({ views: [{ view: customers, features: ['spend'] }] })).rejects.toMatchObject({
      code: 'ESTEIRA_COLUMN_MISSING',
      hint: 'Did you mean "spent"?',
    })
    await expect(ask({ spine: { ...SPINE, time: 'asked_a' } })).rejects.toMatchObject({
      code: 'ESTEIRA_COLUMN_MISSING',
      hint: 'Did you mean "asked_at"?',
    })
    await expect(ask({ spine: { ...SPINE, time: 'bought' } })).rejects.toMatchObject({
      code: 'ESTEIRA_USAGE',
      message: expect.stringContaining('"bought" is integer'),
    })
    await expect(ask({ spine: { query: SPINE.query } })).rejects.toMatchObject({
      code: 'ESTEIRA_USAGE',
      message: expect.stringContaining('neither spine.time nor asOf'),
    })
    await expect(ask({ views: [{ view: customers, entity: 'product_id' }] })).rejects.toMatchObject({
      code: 'ESTEIRA_USAGE',
      hint: 'Cast it in the query: CAST(product_id AS varchar).',
    })
    await expect(ask({ views: [{ view: customers, version: 7 }] })).rejects.toMatchObject({
      code: 'ESTEIRA_NO_DATA',
      message: 'view customers: version 7 was never published; there are versions 1',
    })
    await expect(ask({ views: [{ view: customers, ttlDays: 1.5 }] })).rejects.toMatchObject({ code: 'ESTEIRA_USAGE' })
    await expect(ask({ views: ['customer'] })).rejects.toMatchObject({ code: 'ESTEIRA_NO_DATA' })
    await expect(ask({ asOf: '2024-02-30' })).rejects.toMatchObject({
      code: 'ESTEIRA_USAGE',
      message: 'asOf: expected a day YYYY-MM-DD, found "2024-02-30"',
    })
    await expect(ask({ spine: { ...SPINE, query: `${SPINE.query} WHERE bought > 1` } })).rejects.toMatchObject({
      code: 'ESTEIRA_NO_DATA',
    })
    await expect(home.features.trainingSet('../x')).rejects.toMatchObject({ code: 'ESTEIRA_NO_DATA' })
    const left = toRows(
      await home.engine.query("SELECT count(*) AS n FROM duckdb_tables() WHERE table_name LIKE 'training set%'"),
    )
    expect(left).toEqual([{ n: 0 }])
  })
})
