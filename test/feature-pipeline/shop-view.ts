import {
  avg,
  count,
  daysSinceLast,
  entity,
  type FeatureView,
  featureValue,
  mode,
  quintile,
  source,
  view,
} from '@esteira/core'
import { z } from 'zod'

export const COLUMNS = {
  order_id: 'string',
  customer_id: 'string',
  ordered_at: 'timestamp',
  amount: 'decimal(18,4)',
  category: 'string?',
} as const

export const SOURCE = {
  format: 'csv',
  path: 'orders.csv',
  entity: entity('customer_id'),
  key: 'order_id',
  time: 'ordered_at',
  amount: 'amount',
  standardize: ['category'],
  columns: COLUMNS,
} as const

export const orders = source('orders', SOURCE)

/** A small view with one feature of each kind. */
export function shopView(from: typeof orders = orders, options: { readonly moreRowsThan?: number } = {}) {
  return view('shop_features', {
    from,
    features: {
      orders_30d: count(from, { days: 30 }),
      avg_value_30d: avg(from.amount, { days: 30 }),
      category: mode(from.category, { days: 90 }),
      days_since_last: daysSinceLast(from),
      quiet_score: quintile(featureValue('days_since_last')),
    },
    rules: { orders_30d: z.number().min(0), days_since_last: z.number().min(1).max(365) },
    moreRowsThan: options.moreRowsThan ?? 0,
  })
}

export const HEADER = 'order_id,customer_id,ordered_at,amount,category'

/** A raw file: the header and the rows. */
export function csv(...rows: readonly string[]): string {
  return `${[HEADER, ...rows].join('\n')}\n`
}

/** A view of another source over the same columns. */
export function viewOf(changed: object): FeatureView {
  return shopView(source('orders', { ...SOURCE, ...changed }) as typeof orders)
}
