import { quoteText, toRows } from '@esteira/core'
import {
  athenaSelectToDuckDb,
  type DuckDbEngine,
  joinInDuckDb,
  openDuckDb,
  type PointInTimePlan,
  pointInTimeSelect,
  type ViewInPlan,
} from '@esteira/lakehouse'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

let engine: DuckDbEngine
beforeAll(async () => {
  engine = await openDuckDb({ threads: 2 })
})
afterAll(() => engine.close())

interface SpineRow {
  readonly customer: string | null
  /** `YYYY-MM-DD hh:mm:ss`, a wall clock. */
  readonly at: string | null
  readonly label: number
}

interface FeatureRow {
  readonly customer: string
  readonly day: string
  readonly value: number | null
  readonly version: number
  readonly created: number
}

type Row = Record<string, string | number | boolean | null>

const text = (value: string | null, type: string) =>
  value === null ? `CAST(NULL AS ${type})` : type === 'VARCHAR' ? quoteText(value) : `${type} '${value}'`

function spineRelation(rows: readonly SpineRow[], type = 'TIMESTAMP'): string {
  const values = rows.map(({ customer, at, label }) => `(${text(customer, 'VARCHAR')}, ${text(at, type)}, ${label})`)
  return `(SELECT * FROM (VALUES ${values.join(', ')}) AS t("customer_id", "at", "label"))`
}

function featureRelation(rows: readonly FeatureRow[]): string {
  const values = rows.map(
    ({ customer, day, value, version, created }) =>
      `(${quoteText(customer)}, DATE '${day}', CAST(${value ?? 'NULL'} AS DOUBLE), ${version}, TIMESTAMP '2024-01-01 00:00:00' + INTERVAL ${created} SECOND)`,
  )
  const names = '"customer_id", "feature_date", "value", "_feature_version", "_created_at"'
  const none = `SELECT CAST(NULL AS VARCHAR) AS "customer_id", CAST(NULL AS DATE) AS "feature_date", CAST(NULL AS DOUBLE) AS "value", 0 AS "_feature_version", CAST(NULL AS TIMESTAMP) AS "_created_at" WHERE false`
  return values.length === 0 ? `(${none})` : `(SELECT * FROM (VALUES ${values.join(', ')}) AS t(${names}))`
}

function viewOf(name: string, relation: string, options: Partial<ViewInPlan> = {}): ViewInPlan {
  return {
    name,
    relation,
    version: 1,
    entity: { column: 'customer_id', spine: 'customer_id' },
    day: { column: 'at' },
    features: [{ name: 'value', as: `${name}_value` }],
    until: '2030-01-01',
    ...options,
  }
}

function planOf(spine: string, views: readonly ViewInPlan[], missing: 'keep' | 'drop' = 'keep'): PointInTimePlan {
  return { spine, spineColumns: ['customer_id', 'at', 'label'], views, missing }
}

/** The rows of a plan, three ways that must agree: DuckDB's steps, the one SELECT of Trino, and that SELECT as Athena's text. */
async function joined(plan: PointInTimePlan): Promise<Row[]> {
  const scratch = 'test join'
  const steps = await joinInDuckDb(plan, { engine, scratch }, async ({ select }) => toRows(await engine.query(select)))
  const select = toRows(await engine.query(pointInTimeSelect(plan)))
  expect(select).toEqual(steps)
  const left = toRows(
    await engine.query(`SELECT count(*) AS n FROM duckdb_tables() WHERE table_name LIKE '${scratch}%'`),
  )
  expect(left).toEqual([{ n: 0 }])
  return steps
}

/** The definition, row by row. */
function byHand(spine: readonly SpineRow[], features: readonly FeatureRow[], ttlDays?: number): Row[] {
  return spine.map(({ customer, at, label }) => {
    const day = at?.slice(0, 10) ?? ''
    const [newest] = features
      .filter((row) => row.version === 1 && row.customer === customer && at !== null && row.day <= day)
      .sort((a, b) => (a.day === b.day ? b.created - a.created : a.day < b.day ? 1 : -1))
    const age = newest === undefined ? 0 : (Date.parse(day) - Date.parse(newest.day)) / 86_400_000
    const isTooOld = ttlDays !== undefined && age > ttlDays
    return {
      customer_id: customer,
      at,
      label,
      _a_feature_date: newest?.day ?? null,
      a_value: newest === undefined || isTooOld ? null : newest.value,
    }
  })
}

const sorted = (rows: readonly Row[]) => rows.map((row) => JSON.stringify(row)).sort()

const DAYS = [
  '2024-02-27',
  '2024-02-28',
  '2024-02-29',
  '2024-03-01',
  '2024-03-02',
  '2024-03-10',
  '2024-12-31',
  '2025-01-01',
]
const customers = fc.constantFrom('c1', 'c2', 'c3', 'C1', "o'neil")
const spineRow: fc.Arbitrary<SpineRow> = fc.record({
  customer: fc.option(customers, { freq: 8 }),
  at: fc.option(
    fc
      .tuple(fc.constantFrom(...DAYS), fc.constantFrom('00:00:00', '00:00:01', '23:59:59'))
      .map((parts) => parts.join(' ')),
    { freq: 8 },
  ),
  label: fc.constantFrom(0, 1),
})
const featureRow = fc.record({
  customer: customers,
  day: fc.constantFrom(...DAYS),
  value: fc.option(fc.integer({ min: -3, max: 3 })),
  version: fc.constantFrom(1, 1, 1, 2),
  created: fc.integer({ min: 0, max: 1_000_000 }),
})

describe('the point-in-time join', () => {
  it('equals its definition on any rows, on both renderings, with and without a time to live', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(spineRow, { minLength: 1, maxLength: 25 }),
        fc.uniqueArray(featureRow, { maxLength: 30, selector: ({ created }) => created }),
        fc.constantFrom(undefined, 0, 1, 9),
        async (spine, features, ttlDays) => {
          const view = viewOf('a', featureRelation(features), ttlDays === undefined ? {} : { ttlDays })
          const rows = await joined(planOf(spineRelation(spine), [view]))
          expect(sorted(rows)).toEqual(sorted(byHand(spine, features, ttlDays)))
        },
      ),
      { numRuns: 40 },
    )
  })

  const feature = (customer: string, day: string, value: number | null, created = 0): FeatureRow => ({
    customer,
    day,
    value,
    version: 1,
    created,
  })
  const ask = (customer: string | null, at: string | null, label = 0): SpineRow => ({ customer, at, label })

  it('takes the row of the day itself from its first moment on, and never a later one', async () => {
    const view = viewOf('a', featureRelation([feature('c1', '2024-02-29', 1), feature('c1', '2024-03-01', 2)]))
    const spine = [ask('c1', '2024-02-28 23:59:59'), ask('c1', '2024-02-29 23:59:59'), ask('c1', '2024-03-01 00:00:00')]
    const rows = await joined(planOf(spineRelation(spine), [view]))
    expect(rows.map((row) => row['a_value'])).toEqual([null, 1, 2])
  })

  it('keeps duplicates of the spine, and rows without customer or time', async () => {
    const view = viewOf('a', featureRelation([feature('c1', '2024-02-29', 1)]))
    const spine = [
      ask('c1', '2024-03-01 10:00:00'),
      ask('c1', '2024-03-01 10:00:00'),
      ask(null, '2024-03-01 10:00:00'),
      ask('c1', null),
    ]
    const rows = await joined(planOf(spineRelation(spine), [view]))
    expect(rows.map((row) => row['a_value'])).toEqual([1, 1, null, null])
  })

  it('takes the row created last where a table holds several of one date, and the smallest value of those created at once', async () => {
    const early = feature('c1', '2024-02-29', 1, 10)
    const view = (rows: readonly FeatureRow[]) => viewOf('a', featureRelation(rows))
    const spine = spineRelation([ask('c1', '2024-03-01 00:00:00'), ask('c1', '2024-03-02 00:00:00')])
    const values = async (rows: readonly FeatureRow[]) =>
      (await joined(planOf(spine, [view(rows)]))).map((row) => row['a_value'])
    expect(await values([early, feature('c1', '2024-02-29', 2, 20)])).toEqual([2, 2])
    expect(await values([feature('c1', '2024-02-29', 5, 10), early, feature('c1', '2024-02-29', null, 10)])).toEqual([
      1, 1,
    ])
  })

  it('keeps a null that the newest row holds in place of an older value', async () => {
    const view = viewOf('a', featureRelation([feature('c1', '2024-02-28', 1), feature('c1', '2024-02-29', null)]))
    const [row] = await joined(planOf(spineRelation([ask('c1', '2024-03-01 00:00:00')]), [view]))
    expect(row).toMatchObject({ _a_feature_date: '2024-02-29', a_value: null })
  })

  it('counts the time to live in whole days, across a leap day, and says the date of a row too old', async () => {
    const view = (ttlDays: number) => viewOf('a', featureRelation([feature('c1', '2024-02-28', 1)]), { ttlDays })
    const spine = spineRelation([ask('c1', '2024-03-01 00:00:00')])
    expect((await joined(planOf(spine, [view(2)])))[0]).toMatchObject({ a_value: 1 })
    expect((await joined(planOf(spine, [view(1)])))[0]).toMatchObject({ a_value: null, _a_feature_date: '2024-02-28' })
  })

  it('turns instants into the wall clock of the source, and caps days at asOf', async () => {
    const rows = [feature('c1', '2024-02-28', 1), feature('c1', '2024-02-29', 2), feature('c1', '2024-03-01', 3)]
    const inBrazil = viewOf('a', featureRelation(rows), { day: { column: 'at', zone: 'America/Sao_Paulo' } })
    const inJapan = viewOf('b', featureRelation(rows), { day: { column: 'at', zone: 'Asia/Tokyo' } })
    // 01:30 UTC is the evening before in São Paulo and the late morning of the day in Tokyo.
    const spine = spineRelation([ask('c1', '2024-02-29 01:30:00+00')], 'TIMESTAMPTZ')
    expect((await joined(planOf(spine, [inBrazil, inJapan])))[0]).toMatchObject({ a_value: 1, b_value: 2 })
    const capped = viewOf('a', featureRelation(rows), { day: { column: 'at', asOf: '2024-02-28' } })
    const fixed = viewOf('b', featureRelation(rows), { day: { asOf: '2024-02-29' } })
    const wall = spineRelation([ask('c1', '2024-03-01 00:00:00'), ask('c1', '2024-02-27 00:00:00')])
    expect((await joined(planOf(wall, [capped, fixed]))).map((row) => [row['a_value'], row['b_value']])).toEqual([
      [null, 2],
      [1, 2],
    ])
  })

  it('leaves out rows that some view has nothing for when asked to, and joins views of several entities', async () => {
    const products = featureRelation([feature('0', '2024-02-01', 7)])
    const views = [
      viewOf('a', featureRelation([feature('c1', '2024-02-28', 1)])),
      viewOf('b', products, {
        entity: { column: 'customer_id', spine: 'label' },
        features: [{ name: 'value', as: 'product_value' }],
      }),
    ]
    const spine = `(SELECT "customer_id", "at", CAST("label" AS VARCHAR) AS "label" FROM ${spineRelation([ask('c1', '2024-03-01 00:00:00', 0), ask('c1', '2024-03-01 00:00:00', 1), ask('c2', '2024-03-01 00:00:00', 0)])})`
    const kept = await joined(planOf(spine, views))
    expect(kept.map((row) => [row['a_value'], row['product_value']])).toEqual([
      [1, 7],
      [1, null],
      [null, 7],
    ])
    expect(await joined(planOf(spine, views, 'drop'))).toEqual([kept[0]])
  })

  it('is the same for entities with very many feature dates, which are found in another way', async () => {
    const days = Array.from({ length: 150 }, (_, n) =>
      new Date(Date.UTC(2024, 0, 1 + 2 * n)).toISOString().slice(0, 10),
    )
    const features = ['c1', 'c2'].flatMap((customer) => days.map((day, n) => feature(customer, day, n)))
    const spine = days.flatMap((day, n) => [
      ask('c1', `${day} 00:00:00`, n % 2),
      ask('c2', `${day.slice(0, 8)}28 12:00:00`),
    ])
    const rows = await joined(planOf(spineRelation(spine), [viewOf('a', featureRelation(features), { ttlDays: 20 })]))
    expect(sorted(rows)).toEqual(sorted(byHand(spine, features, 20)))
  })

  it('is text that Athena and the SQL subset accept', async () => {
    const plan = planOf('"silver"."asked"', [viewOf('a', '"feature_store"."a" FOR VERSION AS OF 42', { ttlDays: 3 })])
    const tables: unknown[] = []
    const sql = await athenaSelectToDuckDb({
      sql: pointInTimeSelect(plan),
      resolveTable: async (name, version) => {
        tables.push([name, version?.snapshotId])
        return name === 'silver.asked'
          ? spineRelation([ask('c1', '2024-03-01 00:00:00')])
          : featureRelation([feature('c1', '2024-02-28', 1)])
      },
    })
    expect(tables).toEqual([
      ['silver.asked', undefined],
      ['feature_store.a', '42'],
    ])
    expect(toRows(await engine.query(sql))[0]).toMatchObject({ a_value: 1 })
  })
})
