/** A transaction as the definition of the view sees it; `ts` is the wall clock of the source, `YYYY-MM-DD hh:mm:ss.mmm`. */
export interface Transaction {
  readonly customer: string
  readonly ts: string
  /** In ten-thousandths: exact. A negative one is a refund. */
  readonly amount: number
  readonly category: string | null
  readonly payment: string | null
}

export type FeatureRow = Readonly<Record<string, string | number | null>>

const DAY_MS = 86_400_000
const WINDOWS = [7, 30, 90] as const

/**
 * The customer feature view at one date, by customer: a second implementation, straight from its definition and slow. It shares
 * no code with ours.
 */
export function customerFeatures(all: readonly Transaction[], date: string): Map<string, FeatureRow> {
  const asOf = dayNumber(date)
  const past = all.filter(({ amount, ts }) => amount >= 0 && dayNumber(ts) < asOf)
  const first = Math.min(...past.map(({ ts }) => dayNumber(ts)))
  const rows = new Map<string, Record<string, string | number | null>>()
  for (const customer of new Set(past.map((each) => each.customer))) {
    const own = past.filter((each) => each.customer === customer)
    const year = within(own, asOf, 365)
    if (year.length > 0) rows.set(customer, describe(own, { date, asOf, isYoung: asOf - first < 365 }))
  }
  addScores([...rows.values()])
  return rows
}

interface AsOf {
  readonly date: string
  readonly asOf: number
  readonly isYoung: boolean
}

function describe(own: readonly Transaction[], { date, asOf, isYoung }: AsOf): Record<string, string | number | null> {
  const row: Record<string, string | number | null> = {}
  for (const days of WINDOWS) {
    const exact = within(own, asOf, days).map(({ amount }) => amount)
    const amounts = exact.map((amount) => amount / 10_000)
    row[`total_transactions_${days}d`] = amounts.length
    row[`avg_transaction_value_${days}d`] = amounts.length === 0 ? null : total(amounts) / amounts.length
    row[`max_transaction_value_${days}d`] = amounts.length === 0 ? null : Math.max(...amounts)
    row[`min_transaction_value_${days}d`] = amounts.length === 0 ? null : Math.min(...amounts)
    row[`std_transaction_value_${days}d`] = amounts.length < 2 ? null : sampleDeviation(exact) / 10_000
  }
  const year = within(own, asOf, 365)
  const quarter = within(own, asOf, 90)
  row['total_transactions_365d'] = year.length
  row['total_value_365d'] = total(year.map(({ amount }) => amount)) / 10_000
  row['preferred_category'] = mostFrequent(quarter, ({ category }) => category)
  row['preferred_payment_method'] = mostFrequent(quarter, ({ payment }) => payment)
  row['days_since_last_transaction'] = asOf - Math.max(...own.map(({ ts }) => dayNumber(ts)))
  const weekend = quarter.filter(({ ts }) => [0, 6].includes(new Date(dayNumber(ts) * DAY_MS).getUTCDay()))
  row['transactions_weekend_ratio'] = quarter.length === 0 ? null : weekend.length / quarter.length
  row['peak_hour_transactions'] = peakHour(quarter)
  const sameMonth = year.filter(({ ts }) => ts.slice(5, 7) === date.slice(5, 7))
  row['monthly_seasonality'] = isYoung ? null : (12 * sameMonth.length) / year.length
  row['engagement_score'] = engagement(own, asOf)
  row['churn_score'] = overdue(year, Number(row['days_since_last_transaction']))
  return row
}

function addScores(rows: readonly Record<string, string | number | null>[]): void {
  const score = (name: string, value: (row: Record<string, string | number | null>) => number) => {
    const values = rows.map(value)
    for (const row of rows) {
      const rank = 1 + values.filter((other) => other < value(row)).length
      const fifth = Math.floor((5 * (rank - 1)) / (rows.length - 1))
      row[name] = rows.length === 1 ? 1 : 1 + Math.min(4, fifth)
    }
  }
  score('recency_score', (row) => -Number(row['days_since_last_transaction']))
  score('frequency_score', (row) => Number(row['total_transactions_365d']))
  score('monetary_score', (row) => Number(row['total_value_365d']))
  for (const row of rows) {
    const money = Number(row['monetary_score'])
    row['customer_segment'] = money === 5 ? 'premium' : money >= 3 ? 'regular' : 'bronze'
  }
}

function dayNumber(text: string): number {
  return Date.parse(`${text.slice(0, 10)}T00:00:00Z`) / DAY_MS
}

function within(rows: readonly Transaction[], asOf: number, days: number): Transaction[] {
  return rows.filter(({ ts }) => dayNumber(ts) >= asOf - days && dayNumber(ts) < asOf)
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0)
}

/** Of integers, exact up to the root: the mean of n values is their sum / n, so n times each deviation is an integer. */
function sampleDeviation(values: readonly number[]): number {
  const n = BigInt(values.length)
  const sum = values.reduce((total, value) => total + BigInt(value), 0n)
  const squares = values.reduce((total, value) => total + (n * BigInt(value) - sum) ** 2n, 0n)
  return Math.sqrt(Number(squares) / (values.length - 1)) / values.length
}

/** Most rows; then used last; then alphabetically smallest. */
function mostFrequent(rows: readonly Transaction[], pick: (row: Transaction) => string | null): string | null {
  const groups = new Map<string, { count: number; last: string }>()
  for (const row of rows) {
    const value = pick(row)
    if (value === null) continue
    const group = groups.get(value) ?? { count: 0, last: '' }
    groups.set(value, { count: group.count + 1, last: row.ts > group.last ? row.ts : group.last })
  }
  const best = [...groups].sort(([a, x], [b, y]) => y.count - x.count || compare(y.last, x.last) || compare(a, b))
  return best[0]?.[0] ?? null
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function peakHour(rows: readonly Transaction[]): number | null {
  const counts = Array.from(
    { length: 24 },
    (_, hour) => rows.filter(({ ts }) => Number(ts.slice(11, 13)) === hour).length,
  )
  return rows.length === 0 ? null : counts.indexOf(Math.max(...counts))
}

function engagement(own: readonly Transaction[], asOf: number): number {
  const blocks = within(own, asOf, 91).map(({ ts }) => Math.floor((asOf - dayNumber(ts) - 1) / 7))
  return new Set(blocks).size / 13
}

function overdue(year: readonly Transaction[], daysSinceLast: number): number | null {
  const days = new Set(year.map(({ ts }) => dayNumber(ts)))
  if (days.size < 2) return null
  const meanGap = (Math.max(...days) - Math.min(...days)) / (days.size - 1)
  return Math.min(1, daysSinceLast / (3 * meanGap))
}
