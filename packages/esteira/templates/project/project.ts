import {
  churnLabel,
  count,
  daysSinceLast,
  defineProject,
  engagement,
  entity,
  gate,
  model,
  overdue,
  source,
  sum,
  view,
  weekendShare,
  windows,
  z,
} from 'esteira'
import { generateOrders } from './generator.js'

// 1. The raw rows: name your file, its columns and their types. Nothing is guessed.
export const orders = source('orders', {
  format: 'csv',
  path: 'data/orders.csv',
  entity: entity('customer_id'),
  key: 'order_id',
  time: 'ordered_at',
  amount: 'amount',
  columns: { order_id: 'string', customer_id: 'string', ordered_at: 'timestamp', amount: 'decimal(18,4)' },
})

// 2. The features of a customer at a date, from what happened before it.
export const customerFeatures = view('__VIEW__', {
  from: orders,
  features: {
    ...windows(orders.amount, { of: 'orders', as: 'order_value', days: [30, 90], take: ['count', 'avg', 'std'] }),
    total_orders_365d: count(orders, { days: 365 }),
    total_value_365d: sum(orders.amount, { days: 365 }),
    days_since_last_order: daysSinceLast(orders),
    weekend_ratio: weekendShare(orders, { days: 90 }),
    engagement_score: engagement(orders, { blocks: 13, blockDays: 7 }),
    overdue_score: overdue(orders, { days: 365 }),
  },
  rules: { total_orders_365d: z.number().min(1), days_since_last_order: z.number().min(1).max(365) },
  moreRowsThan: 100,
})

// 3. What is predicted, by what, and what a model must reach to go live.
export default defineProject({
  views: [customerFeatures],
  label: churnLabel('churned', { inactiveDays: 60 }),
  model: model.xgboost({ n_estimators: 200, max_depth: 4, learning_rate: 0.05 }),
  gates: [gate.beats('majority_class'), gate.above('roc_auc', 0.7), gate.notWorseThanLive()],
  monitoring: { important: ['days_since_last_order'] },
  generator: generateOrders,
})
