import {
  churnLabel,
  count,
  daysSinceLast,
  defineProject,
  entity,
  type Feature,
  type FeatureView,
  mode,
  model,
  type SourceColumnRef,
  source,
  sum,
  view,
  windows,
} from '@esteira/core'
import { describe, expect, expectTypeOf, it } from 'vitest'

const orders = source('orders', {
  format: 'csv',
  path: 'orders.csv',
  entity: entity('customer_id'),
  key: 'order_id',
  time: 'ordered_at',
  columns: {
    order_id: 'string',
    customer_id: 'string',
    ordered_at: { type: 'timestamp', format: '%d.%m.%Y %H:%M' },
    amount: 'decimal(18,4)',
    category: 'string?',
  },
})

const features = {
  ...windows(orders.amount, { of: 'orders', as: 'order_value', days: [7, 30], take: ['count', 'avg'] }),
  last: daysSinceLast(orders),
  category: mode(orders.category, { days: 30 }),
}

const base = {
  views: [view('order_features', { from: orders, features })],
  label: churnLabel('churned', { inactiveDays: 90 }),
  model: model.xgboost(),
} as const

// What must not compile is marked; the type check of the tests fails when a marked line compiles.
describe('the types of a project', () => {
  it('know the columns of a source', () => {
    expectTypeOf(orders.amount).toEqualTypeOf<SourceColumnRef<'decimal(18,4)'>>()
    expectTypeOf(orders.category).toEqualTypeOf<SourceColumnRef<'string'>>()
    expectTypeOf(orders.ordered_at).toEqualTypeOf<SourceColumnRef<'timestamp'>>()
    // @ts-expect-error: no such column
    expect(() => orders.amuont).toThrow('"amuont" is no column')
  })

  it('refuse a mode of numbers', () => {
    // @ts-expect-error: most frequent values are of text columns
    const feature = mode(orders.amount, { days: 30 })
    expect(feature.kind).toBe('mostFrequent')
  })

  it('know the features by name and type', () => {
    expectTypeOf(features.total_orders_7d).toEqualTypeOf<Feature<'bigint'>>()
    expectTypeOf(features.avg_order_value_30d).toEqualTypeOf<Feature<'double'>>()
    expectTypeOf(features.last).toEqualTypeOf<Feature<'integer'>>()
    expectTypeOf(features.category).toEqualTypeOf<Feature<'varchar'>>()
    expectTypeOf(base.views[0]).toExtend<FeatureView<typeof features>>()
    // @ts-expect-error: there is no window of 8 days
    expect(features.total_orders_8d).toBeUndefined()
  })

  it('refuse an important feature that is misspelt', () => {
    expect(defineProject({ ...base, monitoring: { important: ['last', 'avg_order_value_7d'] } }).seed).toBe(7)
    // @ts-expect-error: misspelt
    expect(() => defineProject({ ...base, monitoring: { important: ['lats'] } })).toThrow('"lats" is no feature')
  })

  it('refuse a source whose key, time or entity is no column', () => {
    const options = { format: 'csv', path: 'o.csv', columns: { id: 'string', customer: 'string', at: 'date' } } as const
    const customer = entity('customer')
    const good = source('o', { ...options, entity: customer, key: 'id', time: 'at' })
    expect(count(good, { days: 7 }).type).toBe('bigint')
    // @ts-expect-error: key
    expect(() => source('o', { ...options, entity: customer, key: 'idd', time: 'at' })).toThrow('"idd" is no column')
    // @ts-expect-error: time
    expect(() => source('o', { ...options, entity: customer, key: 'id', time: 'when' })).toThrow('"when" is no column')
    // @ts-expect-error: entity
    expect(() => source('o', { ...options, entity: entity('client'), key: 'id', time: 'at' })).toThrow('"client"')
  })

  it('refuse a rule for a feature that is not there', () => {
    const options = { from: orders, features: { value: sum(orders.amount, { days: 7 }) } }
    // @ts-expect-error: misspelt
    expect(() => view('v', { ...options, rules: { valu: undefined } })).toThrow('"valu" is no feature')
  })
})
