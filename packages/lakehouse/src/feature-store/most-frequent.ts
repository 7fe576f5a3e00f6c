import { renderExpression } from '@esteira/core'
import { onEvents } from './event-rows.js'
import { type MostFrequentFeature, midnight, type ViewPlan } from './view-plan.js'

/**
 * The most frequent value of each row's window. `min_by` takes any row of a tie, so the order is total: most events, then used
 * last where ties say so, then the smallest value.
 */
export function mostFrequentSql(plan: ViewPlan, feature: MostFrequentFeature): string {
  const keys = plan.keys.map((key) => `"${key}"`).join(', ')
  const isLatest = feature.ties === 'latest'
  const value = renderExpression(onEvents(plan, feature.of), plan.dialect)
  return [
    `SELECT ${keys}, min_by("value", ${orderOf(plan, feature)}) AS "value" FROM (`,
    `  SELECT ${keys}, "value", count(*) AS "events"${isLatest ? ', max("local_ts") AS "last_ts"' : ''}`,
    `  FROM (SELECT ${keys}, "local_ts", ${value} AS "value" FROM events WHERE "age" <= ${feature.withinDays}) AS v`,
    `  WHERE "value" IS NOT NULL GROUP BY ${keys}, "value"`,
    `) AS counted GROUP BY ${keys}`,
  ].join('\n')
}

function orderOf(plan: ViewPlan, { type, ties }: MostFrequentFeature): string {
  if (ties === 'smallest') {
    // One number orders like the pair where values have 32 bits, and numbers are compared far faster than rows.
    return type === 'integer' ? '"value" - "events" * 4294967296' : 'ROW(0 - "events", "value")'
  }
  const end = renderExpression(midnight(plan.dates.at(-1) ?? ''), plan.dialect)
  return `ROW(0 - "events", date_diff('millisecond', "last_ts", ${end}), "value")`
}
