import { column, type FeatureView, type Lakehouse, type QueryOptions, toRows } from '@esteira/core'
import { columnChecks } from './column-checks.js'
import { checkColumnTypes } from './column-types-check.js'
import { dateChecks } from './date-checks.js'
import { type FailedExample, type FeatureCheck, percent, rowsText } from './feature-check.js'
import { readPublishedRows } from './published-rows.js'
import { openReferences, type ReferenceTables } from './references.js'
import type { RowCheck, StagedRows } from './row-check.js'
import { findExamples } from './row-examples.js'
import { keyChecks, tableRuleChecks } from './table-rule-checks.js'

export interface CheckOptions {
  readonly lakehouse: Lakehouse
  /** FROM clause of the staged rows. */
  readonly staged: string
  readonly featureDates: readonly string[]
  /** Version of the view's definition that the rows are published as. */
  readonly featureVersion: number
  /** Day of the newest event before each date. */
  readonly newestEvents: Readonly<Record<string, string>>
  /** Where `references` rules look; needed only by views that have some. */
  readonly references?: ReferenceTables
  readonly signal?: AbortSignal
}

export interface CheckedRows {
  readonly rowCount: number
  readonly checks: readonly FeatureCheck[]
}

/**
 * Runs the view's rules over staged rows as SQL: one statement for everything that a row can break by itself, one for each rule
 * that holds rows against others, one for the rows of each date, one for the examples when something failed. Column types, key present and unique, every date there with enough rows and
 * a source that was fresh, no NaN or infinity, the zod types of the features, the table rules. Columns of wrong types are all that
 * is told: nothing else can be asked of them.
 *
 * @throws EsteiraError ESTEIRA_TABLE_MISSING, ESTEIRA_COLUMN_MISSING for what a rule refers to
 */
export async function checkFeatures(view: FeatureView, options: CheckOptions): Promise<CheckedRows> {
  const { lakehouse, staged } = options
  const query: QueryOptions = options.signal === undefined ? {} : { signal: options.signal }
  const mistyped = await checkColumnTypes(view, lakehouse, staged)
  if (mistyped.length > 0) return { rowCount: await countRows(lakehouse, staged, query), checks: mistyped }
  const rows: StagedRows = {
    view,
    dialect: lakehouse.engine.dialect,
    staged,
    entity: column(view.from.entity.column),
    featureDate: column('feature_date'),
  }
  const checks = [
    ...keyChecks(rows, options.featureVersion),
    ...columnChecks(rows),
    ...tableRuleChecks(rows, await openReferences(view, lakehouse, options.references)),
  ]
  const { rowCount, counts } = await countFailures(lakehouse, staged, checks, query)
  const failing = checks.filter(({ atMost }, index) => shareOf(counts[index] ?? 0, rowCount) > atMost)
  const examples = await findExamples(lakehouse, failing, query)
  const rowsByDay = await readRowsByDay(lakehouse, staged, query)
  const { featureDates, newestEvents } = options
  const publishedByDay = await readPublishedRows(view, options)
  return {
    rowCount,
    checks: [
      ...dateChecks(view, { featureDates, newestEvents, rowsByDay, publishedByDay }),
      ...checks.map((check, index) => conclude(check, counts[index] ?? 0, rowCount, examples.get(check))),
    ],
  }
}

async function countRows(lakehouse: Lakehouse, staged: string, query: QueryOptions): Promise<number> {
  const [found] = toRows(await lakehouse.engine.query(`SELECT count(*) AS "rows" FROM ${staged} AS s`, query))
  return Number(found?.['rows'] ?? 0)
}

async function countFailures(
  lakehouse: Lakehouse,
  staged: string,
  checks: readonly RowCheck[],
  query: QueryOptions,
): Promise<{ readonly rowCount: number; readonly counts: readonly number[] }> {
  const aggregates = checks.map(({ count }, index) =>
    'aggregate' in count ? `, ${count.aggregate} AS "c${index}"` : '',
  )
  const sql = `SELECT count(*) AS "rows"${aggregates.join('')} FROM ${staged} AS s`
  const [shared = {}] = toRows(await lakehouse.engine.query(sql, query))
  const counts: number[] = []
  for (const [index, { count }] of checks.entries()) {
    const [own] = 'select' in count ? toRows(await lakehouse.engine.query(count.select, query)) : []
    counts.push(Number(own?.['failed'] ?? shared[`c${index}`] ?? 0))
  }
  return { rowCount: Number(shared['rows'] ?? 0), counts }
}

async function readRowsByDay(lakehouse: Lakehouse, staged: string, query: QueryOptions): Promise<Map<string, number>> {
  const sql = `SELECT CAST("feature_date" AS VARCHAR) AS "day", count(*) AS "rows" FROM ${staged} AS s GROUP BY 1`
  return new Map(toRows(await lakehouse.engine.query(sql, query)).map(({ day, rows }) => [String(day), Number(rows)]))
}

/** Compared as a quotient: 29 of 100 rows are no more than 0.29, but 29 is more than 0.29 * 100. */
function shareOf(rows: number, rowCount: number): number {
  return rowCount === 0 ? 0 : rows / rowCount
}

function conclude(
  check: RowCheck,
  failedRows: number,
  rowCount: number,
  examples: readonly FailedExample[] = [],
): FeatureCheck {
  const { name, rule, severity, atMost, inShares = atMost > 0 } = check
  const share = shareOf(failedRows, rowCount)
  const passed = share <= atMost
  const tolerated = atMost > 0 && rule !== 'nulls' ? `, except in at most ${percent(atMost)} of the rows` : ''
  return {
    name,
    rule,
    ...(check.column !== undefined && { column: check.column }),
    severity,
    expected: `${check.expected}${tolerated}`,
    found:
      rowCount === 0
        ? 'no rows'
        : inShares
          ? `${percent(share)} (${rowsText(failedRows)})`
          : failedRows === 0
            ? 'none'
            : rowsText(failedRows),
    passed,
    ...(!passed && { failedRows, share, examples }),
  }
}
