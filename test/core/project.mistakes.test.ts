import { churnLabel, count, EsteiraError, entity, featureHash, mode, source, sum, view, windows } from '@esteira/core'
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

describe('a definition that is not what it seems', () => {
  const options = { of: 'orders', as: 'value', days: [7, 30], take: ['count', 'avg'] } as const

  it('is refused for a misspelt source column, with the columns there are and the nearest', () => {
    const text = codeAndText(() => unchecked<Record<string, typeof orders.amount>>(orders)['amuont'])
    expect(text).toContain('ESTEIRA_PROJECT: sources.orders: "amuont" is no column; there are order_id, customer_id')
    expect(text).toContain('Did you mean "amount"?')
    expect(codeAndText(() => sum(unchecked(undefined), { days: 7 }))).toContain(
      'needs a column of its source, found undefined',
    )
    expect(codeAndText(() => sum(unchecked('amount'), { days: 7 }))).toContain('found "amount"')
  })

  it('lets everything else be asked of a source as of any object', async () => {
    expect(JSON.parse(JSON.stringify(orders))).toHaveProperty('amount')
    expect(await Promise.resolve(orders)).toBe(orders)
    expect(Object.keys(orders)).toEqual(Object.keys(COLUMNS))
    expect(String(orders)).toBe('[object Object]')
  })

  it('is refused for days that are no whole number of at least one', () => {
    const days = unchecked<number>('365')
    expect(codeAndText(() => count(orders, { days }))).toContain(
      'ESTEIRA_PROJECT: days: expected a whole number from 1, found "365"',
    )
    expect(codeAndText(() => count(orders, { days }))).toContain('Write it without quotes: 365.')
    for (const wrong of [0, -1, 1.5, Number.NaN, unchecked<number>(undefined)]) {
      expect(codeAndText(() => sum(orders.amount, { days: wrong }))).toContain('days: expected a whole number from 1')
      expect(codeAndText(() => mode(orders.category, { days: wrong }))).toContain(
        'days: expected a whole number from 1',
      )
      expect(codeAndText(() => churnLabel('churned', { inactiveDays: wrong }))).toContain(
        'inactiveDays: expected a whole number',
      )
    }
    const features = { orders_7d: count(orders, { days: 7 }) }
    const built = (more: object) => codeAndText(() => view('v', { from: orders, features, ...more }))
    expect(built({ activeWithinDays: '365' })).toContain(
      'views.v.activeWithinDays: expected a whole number from 1, found "365"',
    )
    expect(built({ ttlDays: -1 })).toContain('views.v.ttlDays: expected a whole number from 0, found -1')
    expect(view('v', { from: orders, features, ttlDays: 0 }).ttlDays).toBe(0)
  })

  it('is refused when two windows give one name to different features, also when one hides the other wholly', () => {
    const other = source('orders', { ...OPTIONS, columns: { ...COLUMNS, fee: 'double' } })
    const both = (as: string) => ({ ...windows(other.amount, options), ...windows(other.fee, { ...options, as }) })
    const text = codeAndText(() => view('v', { from: other, features: both('value') }))
    expect(text).toContain('ESTEIRA_PROJECT: views.v.features.avg_value_7d: two features have this name')
    expect(text).toContain('the one of windows(amount) would be lost')
    const byHand = { ...windows(other.amount, options), avg_value_7d: sum(other.fee, { days: 7 }) }
    expect(codeAndText(() => view('v', { from: other, features: byHand }))).toContain('views.v.features.avg_value_7d')
    // The counts of both are the same feature.
    const { features } = view('v', { from: other, features: both('fee') })
    expect(Object.keys(features)).toHaveLength(6)
    expect(Object.getOwnPropertySymbols(features)).toEqual([])
  })

  it('is refused for what is no feature', () => {
    const features = unchecked<Record<string, ReturnType<typeof count>>>({ orders_7d: 7 })
    expect(codeAndText(() => view('v', { from: orders, features }))).toContain(
      'views.v.features.orders_7d: expected a feature, found number',
    )
  })

  it('keeps its hash when only owner, description, time to live or rules change', () => {
    const features = { orders_7d: count(orders, { days: 7 }) }
    const plain = featureHash(view('v', { from: orders, features }))
    const rules = { orders_7d: z.number().min(0) }
    expect(featureHash(view('v', { from: orders, features, owner: 'a', description: 'b', ttlDays: 3, rules }))).toBe(
      plain,
    )
    expect(featureHash(view('v', { from: orders, features: { orders_7d: count(orders, { days: 8 }) } }))).not.toBe(
      plain,
    )
  })
})

it('refuses a number of rows that is none: the gate would stand open', () => {
  const options = { from: orders, features: { n: count(orders, { days: 30 }) }, moreRowsThan: unchecked<number>('100') }
  expect(codeAndText(() => view('few', options))).toMatch(
    /^ESTEIRA_PROJECT: views\.few\.moreRowsThan: expected a whole number from 0/,
  )
})
