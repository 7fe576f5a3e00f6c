import {
  churnLabel,
  count,
  daysSinceLast,
  defineProject,
  engagement,
  entity,
  gate,
  LINE_NUMBER,
  model,
  overdue,
  peakHour,
  rfm,
  seasonality,
  segment,
  source,
  sum,
  unavailable,
  view,
  weekendShare,
  windows,
  z,
} from 'esteira'

const customer = entity('customer_id')

/**
 * Purchases of an online music shop, 1997-01 to 1998-06 (Fader and Hardie). Several equal lines are several orders, so the line
 * is the key; an amount of zero is an order too.
 */
export const transactions = source('transactions', {
  format: 'whitespace',
  path: 'data/CDNOW_master.txt',
  entity: customer,
  key: LINE_NUMBER,
  time: 'date',
  amount: 'dollar_value',
  columns: {
    customer_id: 'string',
    date: { type: 'date', format: '%Y%m%d' },
    number_of_cds: 'int',
    dollar_value: 'decimal(18,4)',
  },
})

const share = z.number().min(0).max(1)
const score = z.number().min(1).max(5)

export const cdnowCustomerFeatures = view('cdnow_customer_features', {
  description: 'What a customer bought before a date: how often, how much and when.',
  owner: 'data-science',
  from: transactions,
  features: {
    ...windows(transactions.dollar_value, {
      of: 'transactions',
      as: 'transaction_value',
      days: [7, 30, 90],
      take: ['count', 'avg', 'max', 'min', 'std'],
    }),
    total_transactions_365d: count(transactions, { days: 365 }),
    total_value_365d: sum(transactions.dollar_value, { days: 365 }),
    preferred_category: unavailable('varchar'),
    preferred_payment_method: unavailable('varchar'),
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
    engagement_score: share,
    churn_score: share.nullable(),
    recency_score: score,
    frequency_score: score,
    monetary_score: score,
    customer_segment: z.enum(['bronze', 'regular', 'premium']),
  },
})

export default defineProject({
  views: [cdnowCustomerFeatures],
  label: churnLabel('churned', { inactiveDays: 90 }),
  model: model.xgboost({ n_estimators: 400, max_depth: 4, learning_rate: 0.05, subsample: 0.8 }),
  gates: [gate.above('roc_auc', 0.7), gate.beats('recency'), gate.notWorseThanLive()],
  monitoring: { important: ['days_since_last_transaction'] },
  seed: 7,
})
