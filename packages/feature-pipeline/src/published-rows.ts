import { type FeatureView, quoteText, tableNames, toRows } from '@esteira/core'
import type { CheckOptions } from './feature-checks.js'

/**
 * Rows of each published date of this version of the view, the dates of the batch left out: a rerun is compared with what others
 * were like, not with itself. Those of the version before while this one has none. Empty when no rule asks.
 */
export async function readPublishedRows(
  view: FeatureView,
  options: CheckOptions,
): Promise<ReadonlyMap<string, number>> {
  if (!view.tableRules.some(({ kind }) => kind === 'rowCount')) return new Map()
  const { lakehouse, featureDates, featureVersion, signal } = options
  const table = tableNames.features(view)
  const snapshotId = (await lakehouse.table(table))?.snapshotId
  if (snapshotId === undefined) return new Map()
  const dates = featureDates.map((day) => `DATE ${quoteText(day)}`).join(', ')
  const sql = [
    `SELECT "_feature_version" AS "version", CAST("feature_date" AS VARCHAR) AS "day", count(*) AS "rows"`,
    `FROM ${await lakehouse.relation(table, { snapshotId })} AS t`,
    `WHERE "_feature_version" <= ${featureVersion}${dates === '' ? '' : ` AND "feature_date" NOT IN (${dates})`}`,
    'GROUP BY 1, 2',
  ].join('\n')
  const found = toRows(await lakehouse.engine.query(sql, signal && { signal }))
  const newest = Math.max(...found.map(({ version }) => Number(version)))
  return new Map(
    found
      .filter(({ version }) => Number(version) === newest)
      .map(({ day, rows }) => [String(day), Number(rows)] as const),
  )
}
