import { addDays, type ColumnRule, type FeatureView, type Lakehouse, quoteName, quoteText, toRows } from '@esteira/core'
import { checkColumnTypes } from './column-types-check.js'

/** One check of staged features, as it ended. */
export interface FeatureCheck {
  /** `unique_key`, `rows`, or the feature and the rule: `churn_score.max`. */
  readonly name: string
  readonly expected: string
  readonly found: string
  readonly passed: boolean
  /** Rows that broke the rule, where rows can. */
  readonly failedRows?: number
}

interface CountedCheck {
  readonly name: string
  readonly expected: string
  /** SQL that counts what the verdict is made of. */
  readonly sql: string
  readonly judge: (count: number, rows: number) => { readonly passed: boolean; readonly found: string }
}

export interface CheckOptions {
  readonly lakehouse: Lakehouse
  /** FROM clause of the staged rows. */
  readonly staged: string
  readonly featureDates: readonly string[]
  /** Day of the newest event before each date. */
  readonly newestEvents: Readonly<Record<string, string>>
}

/**
 * Runs the view's rules over staged rows, in one statement for all columns and one for the dates: the type of each column, key
 * present and unique, every date there with more than `moreRowsThan` rows and a source that was fresh, null share, range and
 * allowed values of each feature, no NaN or infinity. Columns of wrong types are all that is told: nothing else can be asked of them.
 */
export async function checkFeatures(view: FeatureView, options: CheckOptions): Promise<FeatureCheck[]> {
  const { lakehouse, staged } = options
  const mistyped = await checkColumnTypes(view, lakehouse, staged)
  if (mistyped.length > 0) return mistyped
  const checks = [...keyChecks(view), ...Object.keys(view.features).flatMap((name) => columnChecks(view, name))]
  const selected = checks.map(({ sql }, index) => `${sql.replaceAll('STAGED', staged)} AS "c${index}"`)
  const [counts = {}] = toRows(
    await lakehouse.engine.query(`SELECT count(*) AS "rows", ${selected.join(', ')} FROM ${staged} AS s`),
  )
  const rows = Number(counts['rows'] ?? 0)
  const column = checks.map(({ name, expected, judge }, index) => {
    const count = Number(counts[`c${index}`] ?? 0)
    const verdict = judge(count, rows)
    return { name, expected, ...verdict, ...(verdict.passed ? {} : { failedRows: count }) }
  })
  return [freshness(view, options), ...(await dateChecks(view, options)), ...column]
}

/** A source without recent events may be one that is not delivered any more; that must not be read as customers who left. */
function freshness(view: FeatureView, { featureDates, newestEvents }: CheckOptions): FeatureCheck {
  const { freshWithinDays } = view.from
  const stale = featureDates.filter((day) => (newestEvents[day] ?? '') < addDays(day, -freshWithinDays))
  return {
    name: 'fresh',
    expected: `an event in the ${freshWithinDays} days before each date`,
    found:
      stale.length === 0
        ? 'one'
        : stale
            .slice(0, 5)
            .map((day) => `${day}: ${newestEvents[day] ?? 'none'}`)
            .join(', '),
    passed: stale.length === 0,
  }
}

const NONE_FAILED: CountedCheck['judge'] = (count) => ({
  passed: count === 0,
  found: count === 0 ? 'none' : `${count.toLocaleString('en-US')} rows`,
})

function keyChecks(view: FeatureView): CountedCheck[] {
  const entity = quoteName(view.from.entity.column)
  return [
    {
      name: `${view.from.entity.column}.present`,
      expected: 'no null',
      sql: `count(*) FILTER (WHERE ${entity} IS NULL)`,
      judge: NONE_FAILED,
    },
    {
      name: 'unique_key',
      expected: `one row per ${view.from.entity.column} and feature_date`,
      sql: `count(*) - (SELECT count(*) FROM (SELECT DISTINCT ${entity}, "feature_date" FROM STAGED))`,
      judge: NONE_FAILED,
    },
  ]
}

function columnChecks(view: FeatureView, name: string): CountedCheck[] {
  const type = view.features[name]?.type
  const rule: ColumnRule | undefined = view.rules[name]
  const value = quoteName(name)
  const failing = (what: string, expected: string, condition: string): CountedCheck => ({
    name: `${name}.${what}`,
    expected,
    sql: `count(*) FILTER (WHERE ${condition})`,
    judge: NONE_FAILED,
  })
  const checks: CountedCheck[] = []
  if (type === 'double') {
    checks.push(
      failing(
        'finite',
        'no NaN, no infinity',
        `${value} IS NOT NULL AND NOT (abs(${value}) < CAST('Infinity' AS DOUBLE))`,
      ),
    )
  }
  if (rule === undefined) return checks
  if (rule.maxNullShare < 1) {
    const { maxNullShare } = rule
    checks.push({
      name: `${name}.nulls`,
      expected: maxNullShare === 0 ? 'no null' : `at most ${(100 * maxNullShare).toFixed(1)} % nulls`,
      sql: `count(*) FILTER (WHERE ${value} IS NULL)`,
      judge: (count, rows) => ({
        passed: count <= maxNullShare * rows,
        found:
          rows === 0 ? 'no rows' : `${((100 * count) / rows).toFixed(1)} % (${count.toLocaleString('en-US')} rows)`,
      }),
    })
  }
  if (rule.min !== undefined) checks.push(failing('min', `at least ${rule.min}`, `${value} < ${rule.min}`))
  if (rule.max !== undefined) checks.push(failing('max', `at most ${rule.max}`, `${value} > ${rule.max}`))
  if (rule.exclusiveMin !== undefined)
    checks.push(failing('min', `above ${rule.exclusiveMin}`, `${value} <= ${rule.exclusiveMin}`))
  if (rule.exclusiveMax !== undefined)
    checks.push(failing('max', `below ${rule.exclusiveMax}`, `${value} >= ${rule.exclusiveMax}`))
  if (rule.allowed !== undefined) {
    const allowed = rule.allowed.map((item) => (typeof item === 'number' ? String(item) : quoteText(item)))
    checks.push(failing('allowed', `one of ${rule.allowed.join(', ')}`, `${value} NOT IN (${allowed.join(', ')})`))
  }
  return checks
}

async function dateChecks(
  view: FeatureView,
  { lakehouse, staged, featureDates }: CheckOptions,
): Promise<FeatureCheck[]> {
  const sql = `SELECT CAST("feature_date" AS VARCHAR) AS "day", count(*) AS "rows" FROM ${staged} AS s GROUP BY 1`
  const byDay = new Map(toRows(await lakehouse.engine.query(sql)).map(({ day, rows }) => [String(day), Number(rows)]))
  const strange = [...byDay.keys()].filter((day) => !featureDates.includes(day))
  const small = featureDates.filter((day) => (byDay.get(day) ?? 0) <= view.moreRowsThan)
  const describe = (day: string) => `${day}: ${(byDay.get(day) ?? 0).toLocaleString('en-US')}`
  return [
    {
      name: 'feature_dates',
      expected: 'only the dates asked for',
      found: strange.length === 0 ? 'those' : strange.join(', '),
      passed: strange.length === 0,
    },
    {
      name: 'rows',
      expected: `more than ${view.moreRowsThan.toLocaleString('en-US')} rows a date`,
      found:
        small.length === 0
          ? `at least ${Math.min(...byDay.values()).toLocaleString('en-US')}`
          : small.slice(0, 5).map(describe).join(', '),
      passed: small.length === 0,
    },
  ]
}
