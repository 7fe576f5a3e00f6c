import { type FeatureView, toRows } from '@esteira/core'
import { compileFeatureView, type DuckDbEngine, openDuckDb } from '@esteira/lakehouse'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import churn from '../../projects/churn/project.js'
import { customerFeatures, type FeatureRow, type Transaction } from './customer-features.js'

let engine: DuckDbEngine

beforeAll(async () => {
  engine = await openDuckDb({ threads: 2 })
})
afterAll(() => engine.close())

const view: FeatureView = churn.view
const TOLERANCE = 1e-9

function sqlText(value: string | null): string {
  return value === null ? 'CAST(NULL AS VARCHAR)' : `'${value}'`
}

/** Silver as a relation, in the order given. */
function silver(transactions: readonly Transaction[]): string {
  const rows = transactions.map(({ customer, ts, amount, category, payment }) => {
    const money = `CAST(${amount} AS DECIMAL(18,4)) / 10000`
    return `('${customer}', TIMESTAMP '${ts}', CAST(${money} AS DECIMAL(18,4)), ${sqlText(category)}, ${sqlText(payment)}, ${amount < 0})`
  })
  return `(SELECT * FROM (VALUES ${rows.join(', ')}) AS t("customer_id", "local_ts", "amount", "category", "payment_method", "is_refund"))`
}

/** Rows of the view by date and customer. */
async function compute(
  transactions: readonly Transaction[],
  featureDates: readonly string[],
  options: { readonly keepsCtes?: boolean } = {},
): Promise<Map<string, Map<string, FeatureRow>>> {
  const sql = compileFeatureView(view, { dialect: 'duckdb', source: silver(transactions), featureDates, ...options })
  const byDate = new Map(featureDates.map((day) => [day, new Map<string, FeatureRow>()]))
  for (const { customer_id, feature_date, ...row } of toRows(await engine.query(sql))) {
    const rows = byDate.get(String(feature_date))
    expect(rows?.has(String(customer_id))).toBe(false)
    rows?.set(String(customer_id), row as FeatureRow)
  }
  return byDate
}

function expectEqual(ours: ReadonlyMap<string, FeatureRow>, expected: ReadonlyMap<string, FeatureRow>): void {
  expect([...ours.keys()].sort()).toEqual([...expected.keys()].sort())
  for (const [customer, row] of expected) {
    const own = ours.get(customer) ?? {}
    expect(Object.keys(own).sort()).toEqual(Object.keys(row).sort())
    for (const [name, value] of Object.entries(row)) {
      const found = own[name]
      const isNear =
        typeof value === 'number' && typeof found === 'number'
          ? Math.abs(found - value) <= TOLERANCE * Math.max(1, Math.abs(value))
          : found === value
      if (!isNear) throw new Error(`${customer} ${name}: expected ${value}, found ${found}`)
    }
  }
}

/** Days before the date that lie on both sides of every window's edge, and events after it. */
const ages = fc.oneof(
  fc.constantFrom(-400, -1, 0, 1, 6, 7, 8, 29, 30, 31, 61, 62, 89, 90, 91, 92, 122, 123, 364, 365, 366, 367, 800),
  fc.integer({ min: -30, max: 380 }),
)
const DATES = ['2024-02-29', '2024-03-01', '2023-03-01', '2025-01-01', '2024-12-31', '2024-05-31', '2023-10-01']

function timestamp(date: string, age: number, time: string): string {
  return `${new Date(Date.parse(`${date}T00:00:00Z`) - age * 86_400_000).toISOString().slice(0, 10)} ${time}`
}

const transaction = (date: string): fc.Arbitrary<Transaction> =>
  fc.record({
    customer: fc.constantFrom('c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7'),
    ts: fc
      .tuple(ages, fc.constantFrom('00:00:00.000', '23:59:59.999', '09:30:00.000', '09:59:59.000', '14:00:00.001'))
      .map(([age, time]) => timestamp(date, age, time)),
    amount: fc.oneof(
      fc.constantFrom(0, 10_000, -10_000, 100_000, 1),
      fc.integer({ min: -1_000_000, max: 99_999_999_999 }),
    ),
    category: fc.constantFrom(null, 'suv', 'van', 'Van', 'ônibus'),
    payment: fc.constantFrom(null, 'card', 'cash'),
  })

const history = fc
  .constantFrom(...DATES)
  .chain((date) =>
    fc.record({ date: fc.constant(date), rows: fc.array(transaction(date), { minLength: 1, maxLength: 60 }) }),
  )

function buy(customer: string, ts: string, more: Partial<Transaction> = {}): Transaction {
  return { customer, ts: `${ts} 12:00:00.000`.slice(0, 23), amount: 10_000, category: null, payment: null, ...more }
}

describe('the customer feature view', () => {
  it('equals an independent implementation of its definition on any history', async () => {
    await fc.assert(
      fc.asyncProperty(history, async ({ date, rows }) => {
        const ours = await compute(rows, [date])
        expectEqual(ours.get(date) ?? new Map(), customerFeatures(rows, date))
      }),
      { numRuns: 30 },
    )
  })

  it('gives for several dates at once what it gives for each of them alone', async () => {
    const dates = fc.uniqueArray(fc.constantFrom(...DATES), { minLength: 2, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(history, dates, async ({ rows }, featureDates) => {
        const together = await compute(rows, featureDates)
        for (const date of featureDates) {
          expect(together.get(date)).toEqual((await compute(rows, [date])).get(date))
          expectEqual(together.get(date) ?? new Map(), customerFeatures(rows, date))
        }
      }),
      { numRuns: 6 },
    )
  })

  it('gives the same in one wide aggregation, as engines without kept CTEs want it', async () => {
    const dates = fc.uniqueArray(fc.constantFrom(...DATES), { minLength: 1, maxLength: 2 })
    await fc.assert(
      fc.asyncProperty(history, dates, async ({ rows }, featureDates) => {
        const wide = await compute(rows, featureDates, { keepsCtes: false })
        for (const date of featureDates) expectEqual(wide.get(date) ?? new Map(), customerFeatures(rows, date))
      }),
      { numRuns: 10 },
    )
  })

  it('does not change when every event at or after the date is deleted', async () => {
    await fc.assert(
      fc.asyncProperty(history, async ({ date, rows }) => {
        const known = rows.filter(({ ts }) => ts < date)
        fc.pre(known.length > 0 && known.length < rows.length)
        expect((await compute(known, [date])).get(date)).toEqual((await compute(rows, [date])).get(date))
      }),
      { numRuns: 8 },
    )
  })

  it('does not depend on the order of the rows', async () => {
    const shuffled = history.chain(({ date, rows }) =>
      fc.record({
        date: fc.constant(date),
        rows: fc.constant(rows),
        other: fc.shuffledSubarray(rows, { minLength: rows.length, maxLength: rows.length }),
      }),
    )
    await fc.assert(
      fc.asyncProperty(shuffled, async ({ date, rows, other }) => {
        expectEqual(
          (await compute(other, [date])).get(date) ?? new Map(),
          (await compute(rows, [date])).get(date) ?? new Map(),
        )
      }),
      { numRuns: 8 },
    )
  })
})

describe('the customer feature view at its edges', () => {
  const DATE = '2024-03-01'
  const only = async (rows: readonly Transaction[], customer = 'c1') => {
    const all = (await compute(rows, [DATE])).get(DATE) ?? new Map()
    expectEqual(all, customerFeatures(rows, DATE))
    return all.get(customer)
  }

  it('has no row for a customer whose last event is 366 days old, and one at 365', async () => {
    expect(await only([buy('c1', '2023-03-01')])).toBeUndefined()
    expect(await only([buy('c1', '2023-03-02')])).toMatchObject({
      total_transactions_365d: 1,
      total_transactions_90d: 0,
    })
  })

  it('has no row for a customer with refunds only', async () => {
    expect(await only([buy('c1', '2024-02-20', { amount: -10_000 }), buy('c2', '2024-02-20')])).toBeUndefined()
  })

  it('counts the leap day and not the day of the date itself', async () => {
    const row = await only([buy('c1', '2024-02-29'), { ...buy('c1', '2024-03-01'), ts: '2024-03-01 00:00:00.000' }])
    expect(row).toMatchObject({ total_transactions_7d: 1, days_since_last_transaction: 1 })
  })

  it('scores everybody 1 in a population of one and the same in a population of equals', async () => {
    expect(await only([buy('c1', '2024-02-20')])).toMatchObject({
      recency_score: 1,
      frequency_score: 1,
      monetary_score: 1,
      customer_segment: 'bronze',
    })
    const equals = ['c1', 'c2', 'c3', 'c4'].map((customer) => buy(customer, '2024-02-20'))
    expect(await only(equals, 'c4')).toMatchObject({ recency_score: 1, monetary_score: 1, customer_segment: 'bronze' })
  })

  it('scores five customers from 1 to 5', async () => {
    const rows = [1, 2, 3, 4, 5].map((n) => buy(`c${n}`, `2024-02-2${n}`, { amount: n * 10_000 }))
    for (const n of [1, 2, 3, 4, 5])
      expect(await only(rows, `c${n}`)).toMatchObject({ recency_score: n, monetary_score: n })
  })

  it('gives a tie of categories to the one used last, then to the alphabetically smallest', async () => {
    const later = [buy('c1', '2024-02-01', { category: 'suv' }), buy('c1', '2024-02-02', { category: 'van' })]
    expect(await only(later)).toMatchObject({ preferred_category: 'van' })
    const same = [buy('c1', '2024-02-02', { category: 'van' }), buy('c1', '2024-02-02', { category: 'suv' })]
    expect(await only(same)).toMatchObject({ preferred_category: 'suv' })
    const more = [buy('c1', '2024-02-01', { category: 'suv' }), buy('c1', '2024-02-01', { category: 'suv' })]
    expect(await only([...more, ...later])).toMatchObject({ preferred_category: 'suv' })
  })

  it('has no preferred category when every value of the window is null or older', async () => {
    const rows = [buy('c1', '2024-02-01'), buy('c1', '2023-11-01', { category: 'suv' })]
    expect(await only(rows)).toMatchObject({ preferred_category: null, preferred_payment_method: null })
  })

  it('has a season only when the source is 365 days old', async () => {
    const old = buy('other', '2023-03-02', { amount: 0 })
    expect(await only([buy('c1', '2024-02-20'), { ...old, ts: old.ts.replace('03-02', '03-03') }])).toMatchObject({
      monthly_seasonality: null,
    })
    const march = buy('c1', '2023-03-20')
    expect(await only([old, buy('c1', '2024-02-20'), march, buy('c1', '2024-02-21')])).toMatchObject({
      monthly_seasonality: 4,
    })
  })

  it('has no standard deviation of one value and 0 of equal ones', async () => {
    expect(await only([buy('c1', '2024-02-25')])).toMatchObject({ std_transaction_value_7d: null })
    expect(await only([buy('c1', '2024-02-25'), buy('c1', '2024-02-26')])).toMatchObject({
      std_transaction_value_7d: 0,
    })
  })

  it('keeps a deviation exact beside a large mean', async () => {
    const amounts = [10_000_000_000_001, 10_000_000_000_002, 10_000_000_000_003]
    const row = await only(amounts.map((amount) => buy('c1', '2024-02-25', { amount })))
    expect(row?.['std_transaction_value_7d']).toBeCloseTo(0.0001, 12)
  })

  it('has no rows for a date before the first event', async () => {
    expect((await compute([buy('c1', '2024-03-01')], [DATE])).get(DATE)?.size).toBe(0)
  })
})
