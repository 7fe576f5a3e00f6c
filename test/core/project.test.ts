import {
  addDays,
  churnLabel,
  count,
  daysSinceLast,
  defineProject,
  definitionOf,
  EsteiraError,
  entity,
  featureHash,
  gate,
  LINE_NUMBER,
  matureMonths,
  mode,
  model,
  monthsBetween,
  recencyFeature,
  rfm,
  source,
  std,
  sum,
  tableNames,
  view,
  windows,
} from '@esteira/core'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'

const COLUMNS = {
  order_id: 'string',
  customer_id: 'string',
  ordered_at: 'timestamp',
  amount: 'decimal(18,4)',
  category: 'string?',
} as const
const OPTIONS = {
  format: 'csv',
  path: 'data/orders.csv',
  entity: entity('customer_id'),
  key: 'order_id',
  time: 'ordered_at',
  amount: 'amount',
  columns: COLUMNS,
} as const
const orders = source('orders', OPTIONS)

function codeAndText(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    if (error instanceof EsteiraError) return `${error.code}: ${error.message} ${error.hint ?? ''}`
    throw error
  }
  return 'nothing was thrown'
}

/** A definition as a JavaScript user may write it: the types do not stop it. */
function unchecked<T>(value: unknown): T {
  return value as T
}

describe('a source', () => {
  it('holds its columns with their types, the optional ones marked', () => {
    const { columns, timezone, freshWithinDays, standardize } = definitionOf(orders)
    expect(columns.find(({ name }) => name === 'amount')).toEqual({
      name: 'amount',
      type: 'decimal(18,4)',
      optional: false,
    })
    expect(columns.find(({ name }) => name === 'category')).toEqual({
      name: 'category',
      type: 'string',
      optional: true,
    })
    expect({ timezone, freshWithinDays, standardize }).toEqual({
      timezone: 'UTC',
      freshWithinDays: 35,
      standardize: [],
    })
    expect(orders.amount).toMatchObject({ column: 'amount', type: 'decimal(18,4)' })
  })

  it('may have its line number as key and a format for dates', () => {
    const time = { type: 'date', format: '%Y%m%d' } as const
    const lines = source('lines', { ...OPTIONS, key: LINE_NUMBER, columns: { ...COLUMNS, ordered_at: time } })
    expect(definitionOf(lines).key).toBe('_line')
    expect(definitionOf(lines).columns[2]).toEqual({
      name: 'ordered_at',
      type: 'date',
      optional: false,
      format: '%Y%m%d',
    })
  })

  it('is refused when a column it names is not there, with the nearest one', () => {
    for (const part of ['key', 'time', 'amount'] as const) {
      const text = codeAndText(() => source('orders', { ...OPTIONS, [part]: unchecked('amuont') }))
      expect(text).toContain('ESTEIRA_PROJECT: sources.orders: "amuont" is no column')
      expect(text).toContain('Did you mean "amount"?')
    }
    const wrong = () => source('orders', { ...OPTIONS, entity: unchecked<typeof OPTIONS.entity>(entity('client_id')) })
    expect(codeAndText(wrong)).toContain('"client_id" is no column; there are order_id, customer_id')
    const standardize = unchecked<['category']>(['categori'])
    expect(codeAndText(() => source('orders', { ...OPTIONS, standardize }))).toContain('Did you mean "category"?')
  })

  it('is refused for a type, a time zone or a name that cannot be', () => {
    const typed = { ...COLUMNS, amount: unchecked<'double'>('money') }
    expect(codeAndText(() => source('orders', { ...OPTIONS, columns: typed }))).toContain(
      'sources.orders.columns.amount: unknown type "money"',
    )
    expect(codeAndText(() => source('orders', { ...OPTIONS, timezone: 'America/Sao Paulo' }))).toContain(
      'sources.orders.timezone: "America/Sao Paulo" is no IANA time zone',
    )
    expect(codeAndText(() => source('orders', { ...OPTIONS, time: 'amount' }))).toContain(
      'expected a date or timestamp column, "amount" is decimal(18,4)',
    )
    expect(codeAndText(() => source('Orders 2', OPTIONS))).toContain('source name "Orders 2": expected lower-case')
    const quoted = { ...COLUMNS, 'drop"': 'string' } as const
    expect(codeAndText(() => source('orders', { ...OPTIONS, columns: quoted }))).toContain('column name "drop\\""')
  })

  it('is refused when a column has a name that its tables add', () => {
    for (const name of ['local_ts', 'is_refund', '_line', '_ingested_at', '_reason']) {
      const columns = { ...COLUMNS, [name]: 'string' } as const
      expect(codeAndText(() => source('orders', { ...OPTIONS, columns }))).toContain(`sources.orders.columns.${name}`)
    }
  })
})

describe('a view', () => {
  const features = { orders_30d: count(orders, { days: 30 }), value_30d: sum(orders.amount, { days: 30 }) }

  it('has its defaults and reads its rules from zod types', () => {
    const rules = {
      orders_30d: z.number().min(0),
      value_30d: z.number().gt(-1).max(1e6).nullable().meta({ maxNullShare: 0.2 }),
    }
    const built = view('order_features', { from: orders, features, rules })
    expect(built).toMatchObject({ activeWithinDays: 365, moreRowsThan: 1000, name: 'order_features' })
    expect(built.rules).toEqual({
      orders_30d: { maxNullShare: 0, min: 0 },
      value_30d: { maxNullShare: 0.2, exclusiveMin: -1, max: 1_000_000 },
    })
  })

  it('reads enums, literals, integers and free nullable types', () => {
    const built = view('v', {
      from: orders,
      features: {
        a: mode(orders.category, { days: 30 }),
        b: count(orders, { days: 1 }),
        c: features.value_30d,
        d: features.value_30d,
        e: mode(orders.category, { days: 60 }),
      },
      rules: {
        a: z.enum(['suv', 'van']).nullable(),
        b: z.int().min(1),
        c: z.literal(1),
        d: z.number().nullable(),
        e: z.string().nullable().meta({ maxNullShare: 0.5 }),
      },
    })
    expect(built.rules).toEqual({
      a: { maxNullShare: 1, allowed: ['suv', 'van'] },
      b: { maxNullShare: 0, min: 1 },
      c: { maxNullShare: 0, allowed: [1] },
      d: { maxNullShare: 1 },
      e: { maxNullShare: 0.5 },
    })
  })

  it('refuses a rule that would not be checked', () => {
    const withRule = (rule: z.ZodType) =>
      codeAndText(() => view('v', { from: orders, features, rules: { value_30d: rule } }))
    for (const rule of [
      z.date(),
      z.boolean(),
      z.string().min(3),
      z.string().regex(/a/),
      z.number().multipleOf(5),
      z.array(z.number()),
      z.union([z.number(), z.string()]),
    ]) {
      expect(withRule(rule)).toContain('ESTEIRA_PROJECT: rules.value_30d: expected a zod number')
    }
    expect(withRule(z.string().min(3))).toContain('found minLength')
  })

  it('refuses rules of features it does not have, and names its table uses itself', () => {
    const rules = unchecked<Record<'value_30d', z.ZodType>>({ value_30: z.number() })
    expect(codeAndText(() => view('v', { from: orders, features, rules }))).toContain('Did you mean "value_30d"?')
    for (const name of ['customer_id', 'feature_date', '_feature_hash']) {
      const taken = { [name]: features.orders_30d }
      expect(codeAndText(() => view('v', { from: orders, features: taken }))).toContain(
        'taken by the feature table itself',
      )
    }
    expect(codeAndText(() => view('v', { from: orders, features: { 'Value 30d': features.orders_30d } }))).toContain(
      'feature name "Value 30d"',
    )
  })

  it('has a hash of what decides its values and of nothing else', () => {
    const built = view('v', { from: orders, features })
    const same = view('w', {
      from: orders,
      features: { ...features },
      description: 'other words',
      owner: 'somebody',
      rules: { orders_30d: z.number() },
      moreRowsThan: 5,
    })
    expect(featureHash(same)).toBe(featureHash(built))
    expect(featureHash(built)).toMatch(/^[0-9a-f]{64}$/)
    const longer = { ...features, orders_30d: count(orders, { days: 31 }) }
    const others = [
      view('v', { from: orders, features: longer }),
      view('v', { from: orders, features, activeWithinDays: 90 }),
      view('v', { from: source('orders', { ...OPTIONS, timezone: 'Asia/Tokyo' }), features }),
    ]
    const hashes = new Set([built, ...others].map(featureHash))
    expect(hashes.size).toBe(4)
  })

  it('knows which feature is the recency', () => {
    expect(recencyFeature(view('v', { from: orders, features }))).toBeUndefined()
    const recent = view('v', { from: orders, features: { ...features, last: daysSinceLast(orders) } })
    expect(recencyFeature(recent)).toBe('last')
  })
})

describe('features', () => {
  it('of windows are named by aggregate and days', () => {
    const options = { of: 'orders', as: 'order_value', days: [7, 30], take: ['count', 'avg', 'std'] } as const
    expect(Object.keys(windows(orders.amount, options))).toEqual([
      'total_orders_7d',
      'avg_order_value_7d',
      'std_order_value_7d',
      'total_orders_30d',
      'avg_order_value_30d',
      'std_order_value_30d',
    ])
  })

  it('are plain JSON', () => {
    const all = {
      ...windows(orders.amount, { of: 'o', as: 'v', days: [7], take: ['count', 'std'] }),
      s: std(orders.amount, { days: 7 }),
    }
    expect(JSON.parse(JSON.stringify(all))).toEqual(Object.fromEntries(Object.entries(all)))
  })
})

describe('a project', () => {
  const built = view('order_features', { from: orders, features: { last: daysSinceLast(orders) } })
  const options = {
    views: [built],
    label: churnLabel('churned', { inactiveDays: 90 }),
    model: model.xgboost(),
  } as const

  it('has its defaults', () => {
    expect(defineProject(options)).toMatchObject({
      view: built,
      gates: [{ kind: 'beats', baseline: 'majority_class', metric: 'accuracy' }],
      trainingMonths: 12,
      seed: 7,
      monitoring: {},
    })
    expect(gate.beats('recency')).toEqual({ kind: 'beats', baseline: 'recency', metric: 'roc_auc' })
  })

  it('refuses a label with the name of a feature and important features that are not there', () => {
    const label = churnLabel('last', { inactiveDays: 90 })
    expect(codeAndText(() => defineProject({ ...options, label }))).toContain(
      'ESTEIRA_PROJECT: label "last": a feature',
    )
    const monitoring = { important: unchecked<['last']>(['lats']) }
    const text = codeAndText(() => defineProject({ ...options, monitoring }))
    expect(text).toContain('monitoring.important: "lats" is no feature of the view Did you mean "last"?')
  })

  it('names its tables without the dashes of its name', () => {
    const from = definitionOf(orders)
    expect(tableNames.bronze('Rent-A-Car', from)).toBe('bronze.rent_a_car_orders')
    expect(tableNames.silver('shop', from)).toBe('silver.shop_orders')
    expect(tableNames.features(built)).toBe('feature_store.order_features')
    expect(tableNames.predictions('a.b')).toBe('predictions.a_b')
  })
})

describe('scores by rank', () => {
  it('name the features they are made of', () => {
    const scores = rfm({ recency: 'a', frequency: 'b', monetary: 'c' })
    expect(Object.keys(scores)).toEqual(['recency_score', 'frequency_score', 'monetary_score'])
    expect(JSON.stringify(scores.monetary_score)).toContain('"name":"c"')
  })
})

describe('feature dates', () => {
  it('move by days over months, years and leap days', () => {
    expect(addDays('2024-02-28', 1)).toBe('2024-02-29')
    expect(addDays('2024-03-01', -1)).toBe('2024-02-29')
    expect(addDays('2023-12-31', 1)).toBe('2024-01-01')
    expect(addDays('2024-01-01', -366)).toBe('2022-12-31')
  })

  it('are first days of months whose label is mature', () => {
    expect(matureMonths('1998-07-01', 90, 3)).toEqual(['1998-02-01', '1998-03-01', '1998-04-01'])
    expect(matureMonths('1998-06-29', 90, 1)).toEqual(['1998-03-01'])
    expect(matureMonths('1998-06-30', 90, 1)).toEqual(['1998-04-01'])
    expect(matureMonths('2024-01-15', 0, 2)).toEqual(['2023-12-01', '2024-01-01'])
  })

  it('of a range are the first days of months in it', () => {
    expect(monthsBetween('2024-01-01', '2024-03-01')).toEqual(['2024-01-01', '2024-02-01', '2024-03-01'])
    expect(monthsBetween('2023-12-15', '2024-02-29')).toEqual(['2024-01-01', '2024-02-01'])
    expect(monthsBetween('2024-01-02', '2024-01-31')).toEqual([])
    expect(monthsBetween('2024-03-01', '2024-01-01')).toEqual([])
  })
})
