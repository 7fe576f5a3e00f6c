import {
  type CommitResult,
  type FeatureView,
  type Lakehouse,
  quoteName,
  quoteText,
  type TableDefinition,
  tableNames,
  toRows,
} from '@esteira/core'
import { ScratchTables } from './point-in-time-tables.js'

/** Shares of the rows that are not null at which a number's quantiles are kept; `p25` is the value at 0.25. */
const QUANTILES = { p01: 0.01, p05: 0.05, p25: 0.25, p50: 0.5, p75: 0.75, p95: 0.95, p99: 0.99 } as const

/** The most frequent levels of a text that are kept. */
const MOST_LEVELS = 20

/** Exact quantiles hold the values in memory: so many at once. */
const VALUES_AT_ONCE = 40_000_000

const SUMMARY_COLUMNS = ['rows', 'nulls', 'levels', 'min', 'max', 'mean', 'std', ...Object.keys(QUANTILES)] as const
const WHOLE: readonly string[] = ['rows', 'nulls', 'levels']

/** Names tables in between: two of one process must not share one. */
let written = 0

export interface StatisticsOptions {
  readonly lakehouse: Lakehouse
  readonly view: FeatureView
  /** SQL text that stands for the rows in a FROM clause: those that were published. */
  readonly rows: string
  readonly featureVersion: number
  readonly featureDates: readonly string[]
  readonly commitId: string
  readonly runId: string
  readonly signal?: AbortSignal
}

/**
 * Writes what the features of some dates look like into `feature_store.<view>_statistics`, in one commit that replaces exactly
 * these dates of the version. Of each date and feature one row with `level` null: rows, nulls, and for numbers minimum, maximum,
 * mean, sample deviation and exact quantiles (between two values by their distance), for texts the number of levels; then one
 * row for each of the 20 most frequent levels of a text, with its `level_rows`.
 */
export async function writeFeatureStatistics(options: StatisticsOptions): Promise<CommitResult> {
  const { lakehouse, view, featureDates, featureVersion, commitId, runId, signal } = options
  const table = tableNames.statistics(view)
  await lakehouse.ensureTable(table, statisticsDefinition(view))
  const abort = signal && { signal }
  written += 1
  const scratch = new ScratchTables({
    engine: lakehouse.engine,
    scratch: `statistics ${written} ${view.name}`,
    ...abort,
  })
  try {
    const parts: string[] = []
    for (const [index, sql] of (await statements(options)).entries()) parts.push(await scratch.make(`${index}`, sql))
    const rows = parts.map((part) => `SELECT * FROM ${part}`).join(' UNION ALL BY NAME ')
    const slice = [
      { column: 'feature_date', op: 'in', value: featureDates },
      { column: '_feature_version', op: '=', value: featureVersion },
    ] as const
    return await lakehouse.replace(table, slice, rows, { commitId, runId, ...abort })
  } finally {
    await scratch.dropAll()
  }
}

function statisticsDefinition(view: FeatureView): TableDefinition {
  return {
    columns: [
      { name: 'feature_date', type: 'date', required: true },
      { name: 'feature', type: 'string', required: true },
      { name: 'level', type: 'string', doc: 'null in the row that is about the whole feature' },
      { name: 'level_rows', type: 'long' },
      ...SUMMARY_COLUMNS.map((name) => ({
        name,
        type: WHOLE.includes(name) ? ('long' as const) : ('double' as const),
      })),
      { name: '_feature_version', type: 'int', required: true },
      { name: '_created_at', type: 'timestamp', doc: 'UTC, of the features' },
    ],
    partitionBy: [{ column: 'feature_date', transform: 'month' }],
    properties: { 'esteira.statistics-of': tableNames.features(view) },
  }
}

/** One pass over the rows for the numbers, as long as their values fit in memory; one column each for the texts. */
async function statements({ lakehouse, view, rows }: StatisticsOptions): Promise<string[]> {
  const [counted] = toRows(await lakehouse.engine.query(`SELECT count(*) AS "rows" FROM ${rows} AS s`))
  const entries = Object.entries(view.features)
  const numbers = entries.filter(([, { type }]) => type !== 'varchar').map(([name]) => name)
  const texts = entries.filter(([, { type }]) => type === 'varchar').map(([name]) => name)
  const atOnce = Math.max(1, Math.floor(VALUES_AT_ONCE / Math.max(1, Number(counted?.['rows'] ?? 0))))
  const parts: string[] = []
  for (let first = 0; first < numbers.length; first += atOnce) {
    parts.push(numberStatistics(rows, numbers.slice(first, first + atOnce)))
  }
  return [...parts, ...texts.map((name) => textStatistics(rows, name))]
}

const KEYS = '"feature_date", "_feature_version"'
const COMMON = `${KEYS}, count(*) AS "rows", max("_created_at") AS "_created_at"`

/** Null where a value is so large that its square is no number: the engine would end the statement. */
function withinReach(aggregate: string, value: string): string {
  return `CASE WHEN max(abs(${value})) < 1e150 THEN ${aggregate}(CASE WHEN abs(${value}) < 1e150 THEN ${value} END) END`
}

function numberStatistics(rows: string, features: readonly string[]): string {
  const points = Object.values(QUANTILES).join(', ')
  const columns = features.flatMap((name, index) => {
    const value = `CAST(${quoteName(name)} AS DOUBLE)`
    return [
      `count(${value}) AS "n${index}", min(${value}) AS "min${index}", max(${value}) AS "max${index}"`,
      `${withinReach('avg', value)} AS "mean${index}", ${withinReach('stddev_samp', value)} AS "std${index}"`,
      `quantile_cont(${value}, [${points}]) AS "q${index}"`,
    ]
  })
  const selects = features.map((name, index) => {
    const quantiles = Object.keys(QUANTILES).map((label, at) => `"q${index}"[${at + 1}] AS ${quoteName(label)}`)
    return [
      `SELECT ${KEYS}, "_created_at", ${quoteText(name)} AS "feature", "rows", "rows" - "n${index}" AS "nulls",`,
      `"min${index}" AS "min", "max${index}" AS "max", "mean${index}" AS "mean", "std${index}" AS "std", ${quantiles.join(', ')}`,
      'FROM summary',
    ].join(' ')
  })
  return `WITH summary AS MATERIALIZED (SELECT ${COMMON}, ${columns.join(', ')} FROM ${rows} AS s GROUP BY ${KEYS})\n${selects.join('\nUNION ALL ')}`
}

function textStatistics(rows: string, feature: string): string {
  const counted = `SELECT ${COMMON}, ${quoteName(feature)} AS "level" FROM ${rows} AS s GROUP BY ${KEYS}, ${quoteName(feature)}`
  const whole = [
    `SELECT ${KEYS}, max("_created_at") AS "_created_at", ${quoteText(feature)} AS "feature", CAST(sum("rows") AS BIGINT) AS "rows",`,
    'CAST(coalesce(sum("rows") FILTER (WHERE "level" IS NULL), 0) AS BIGINT) AS "nulls", count("level") AS "levels",',
    `CAST(NULL AS VARCHAR) AS "level", CAST(NULL AS BIGINT) AS "level_rows" FROM counted GROUP BY ${KEYS}`,
  ].join(' ')
  const place = `row_number() OVER (PARTITION BY ${KEYS} ORDER BY "rows" DESC, "level") AS "place"`
  const levels = [
    `SELECT ${KEYS}, "_created_at", ${quoteText(feature)} AS "feature", CAST(NULL AS BIGINT) AS "rows", CAST(NULL AS BIGINT) AS "nulls",`,
    'CAST(NULL AS BIGINT) AS "levels", "level", "rows" AS "level_rows"',
    `FROM (SELECT *, ${place} FROM counted WHERE "level" IS NOT NULL) AS r WHERE "place" <= ${MOST_LEVELS}`,
  ].join(' ')
  return `WITH counted AS MATERIALIZED (${counted})\n${whole}\nUNION ALL ${levels}`
}
