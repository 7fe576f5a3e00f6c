import {
  churnLabel,
  count,
  daysSinceLast,
  defineProject,
  engagement,
  entity,
  gate,
  mode,
  model,
  overdue,
  peakHour,
  rfm,
  seasonality,
  segment,
  source,
  sum,
  view,
  weekendShare,
  windows,
  z,
} from 'esteira'
import { generateBookings } from './generator.js'

const customer = entity('customer_id')

/** Bookings of a marketplace for rented vehicles, as its system exports them: dirt included. */
export const transactions = source('transactions', {
  format: 'csv',
  path: 'data/bookings.csv',
  entity: customer,
  key: 'booking_id',
  time: 'booked_at',
  timezone: 'America/Sao_Paulo',
  amount: 'amount',
  standardize: ['category', 'payment_method'],
  columns: {
    booking_id: 'string',
    customer_id: 'string',
    booked_at: 'timestamp',
    amount: 'decimal(18,4)',
    category: 'string?',
    payment_method: 'string?',
  },
})

const share = z.number().min(0).max(1)
const score = z.number().min(1).max(5)

export const customerFeatures = view('customer_features', {
  description: 'What a customer did before a date: how often, how much, what and when.',
  owner: 'data-science',
  from: transactions,
  features: {
    ...windows(transactions.amount, {
      of: 'transactions',
      as: 'transaction_value',
      days: [7, 30, 90],
      take: ['count', 'avg', 'max', 'min', 'std'],
    }),
    total_transactions_365d: count(transactions, { days: 365 }),
    total_value_365d: sum(transactions.amount, { days: 365 }),
    preferred_category: mode(transactions.category, { days: 90 }),
    preferred_payment_method: mode(transactions.payment_method, { days: 90 }),
    days_since_last_transaction: daysSinceLast(transactions),
    transactions_weekend_ratio: weekendShare(transactions, { days: 90 }),
    peak_hour_transactions: peakHour(transactions, { days: 90 }),
    monthly_seasonality: seasonality(transactions, { days: 365 }),
    engagement_score: engagement(transactions, { blocks: 13, blockDays: 7 }),
    churn_score: overdue(transactions, { days: 365 }),
    ...rfm({
      recency: 'days_since_last_transaction',
      frequency: 'total_transactions_365d',
      monetary: 'total_value_365d',
    }),
    customer_segment: segment('monetary_score'),
  },
  rules: {
    total_transactions_365d: z.number().min(1),
    total_value_365d: z.number().min(0),
    days_since_last_transaction: z.number().min(1).max(365),
    transactions_weekend_ratio: share.nullable(),
    peak_hour_transactions: z.number().min(0).max(23).nullable(),
    monthly_seasonality: z.number().min(0).max(12).nullable(),
    engagement_score: share,
    churn_score: share.nullable(),
    recency_score: score,
    frequency_score: score,
    monetary_score: score,
    customer_segment: z.enum(['bronze', 'regular', 'premium']),
  },
  // A laptop's sample is small; the pipeline's own default is 1,000.
  moreRowsThan: 100,
})

export default defineProject({
  views: [customerFeatures],
  label: churnLabel('churned', { inactiveDays: 90 }),
  model: model.xgboost({ n_estimators: 400, max_depth: 4, learning_rate: 0.05, subsample: 0.8 }),
  gates: [
    gate.above('accuracy', 0.8),
    gate.beats('majority_class'),
    gate.notWorseThanLive('roc_auc', { tolerance: 0.01 }),
  ],
  monitoring: { important: ['days_since_last_transaction'] },
  seed: 7,
  generator: generateBookings,
})
