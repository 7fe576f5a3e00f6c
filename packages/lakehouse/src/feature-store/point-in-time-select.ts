import { quoteName } from '@esteira/core'
import {
  daySql,
  featureRowsSql,
  newestFirst,
  type PointInTimePlan,
  selectJoined,
  type ViewInPlan,
  valuesOf,
} from './point-in-time-plan.js'

/**
 * The join as one SELECT of standard SQL: Trino, which has no ASOF JOIN, executes it, and so does DuckDB. For each (entity, day)
 * of the spine the newest feature date up to the day, then the one row of that date.
 *
 * The text of the spine stands in it several times: it must give the same rows each time.
 */
export function pointInTimeSelect(plan: PointInTimePlan): string {
  const ctes = plan.views.flatMap((view, index) => viewCtes(view, index))
  return `WITH spine AS (SELECT * FROM ${plan.spine} AS s),\n${ctes.join(',\n')}\n${selectJoined({ ...plan, spine: 'spine' }, (index) => `rows_${index}`)}`
}

function viewCtes(view: ViewInPlan, index: number): string[] {
  const entity = `s.${quoteName(view.entity.spine)}`
  const day = daySql(view.day, 's')
  const keys = `SELECT DISTINCT ${entity} AS "entity", ${day} AS "day" FROM spine AS s WHERE ${entity} IS NOT NULL AND ${day} IS NOT NULL`
  const newest = [
    'SELECT k."entity", k."day", max(f."feature_date") AS "feature_date"',
    `FROM (${keys}) AS k JOIN features_${index} AS f ON f."entity" = k."entity" AND f."feature_date" <= k."day"`,
    'GROUP BY k."entity", k."day"',
  ].join(' ')
  const columns = ['n."entity"', 'n."day"', 'n."feature_date"', ...valuesOf(view, 'f')].join(', ')
  const rows = [
    `SELECT * FROM (SELECT ${columns}, row_number() OVER (PARTITION BY n."entity", n."day" ORDER BY ${newestFirst(view, 'f')}) AS "place"`,
    `FROM newest_${index} AS n JOIN features_${index} AS f ON f."entity" = n."entity" AND f."feature_date" = n."feature_date") AS p`,
    'WHERE p."place" = 1',
  ].join(' ')
  return [
    `features_${index} AS (${featureRowsSql(view)})`,
    `newest_${index} AS (${newest})`,
    `rows_${index} AS (${rows})`,
  ]
}
