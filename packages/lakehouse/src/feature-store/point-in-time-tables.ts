import { quoteName, type SqlEngine, toRows } from '@esteira/core'
import {
  countJoined,
  daySql,
  featureRowsSql,
  newestFirst,
  type PointInTimePlan,
  selectJoined,
  type ViewInPlan,
  valuesOf,
} from './point-in-time-plan.js'

export interface JoinOptions {
  readonly engine: SqlEngine
  /** Prefix of the tables in between, that no other join uses at the same time. */
  readonly scratch: string
  readonly signal?: AbortSignal
}

/**
 * The join in DuckDB, in steps whose results are tables in the engine: the ASOF JOIN meets narrow rows of numbered entities
 * only, and each step knows the sizes of what it reads. Calls `use` with the SELECT that gives the rows and the one that counts
 * them, and removes the tables afterwards. The spine is read several times: a table, or a file. The rows are those of {@link pointInTimeSelect}.
 */
export async function joinInDuckDb<T>(
  plan: PointInTimePlan,
  options: JoinOptions,
  use: (joined: { readonly select: string; readonly counts: string }) => Promise<T>,
): Promise<T> {
  const tables = new ScratchTables(options)
  try {
    const rows: string[] = []
    for (const [index, view] of plan.views.entries()) rows.push(await rowsOfView(tables, plan.spine, view, index))
    const rowsOf = (index: number) => rows[index] ?? ''
    return await use({ select: selectJoined(plan, rowsOf), counts: countJoined(plan, rowsOf) })
  } finally {
    await tables.dropAll()
  }
}

/** One row for each (entity, day) of the spine that has a feature row: `entity`, `day`, `feature_date` and the features. */
async function rowsOfView(tables: ScratchTables, spine: string, view: ViewInPlan, index: number): Promise<string> {
  const entity = `s.${quoteName(view.entity.spine)}`
  const features = `(${featureRowsSql(view)})`
  const ids = await tables.make(
    `ids_${index}`,
    `SELECT "entity", CAST(row_number() OVER () AS INTEGER) AS "id" FROM (SELECT DISTINCT ${entity} AS "entity" FROM ${spine} AS s WHERE ${entity} IS NOT NULL) AS e`,
  )
  const keys = await tables.make(
    `keys_${index}`,
    `SELECT DISTINCT i."id", ${daySql(view.day, 's')} AS "day" FROM ${spine} AS s JOIN ${ids} AS i ON i."entity" = ${entity}`,
  )
  const newest = await tables.make(
    `newest_${index}`,
    [
      'SELECT k."id", k."day", f."feature_date" FROM',
      keys,
      'AS k ASOF JOIN',
      `(SELECT i."id", f."feature_date" FROM ${features} AS f JOIN ${ids} AS i ON i."entity" = f."entity") AS f`,
      'ON f."id" = k."id" AND f."feature_date" <= k."day"',
    ].join(' '),
  )
  const columns = ['i."entity"', 'n."day"', 'n."feature_date"', 'f."created_at"', ...valuesOf(view, 'f')].join(', ')
  const rows = await tables.make(
    `rows_${index}`,
    `SELECT ${columns} FROM ${newest} AS n JOIN ${ids} AS i ON i."id" = n."id" JOIN ${features} AS f ON f."entity" = i."entity" AND f."feature_date" = n."feature_date"`,
  )
  const isUnique = (await tables.count(rows)) === (await tables.count(newest))
  for (const table of [ids, keys, newest]) await tables.drop(table)
  return isUnique ? rows : oneOfEach(tables, rows, view, index)
}

/** The feature table holds several rows of an entity and date, which no publication of ours writes. */
async function oneOfEach(tables: ScratchTables, rows: string, view: ViewInPlan, index: number): Promise<string> {
  const one = await tables.make(
    `one_${index}`,
    `SELECT * FROM ${rows} AS f QUALIFY row_number() OVER (PARTITION BY f."entity", f."day" ORDER BY ${newestFirst(view, 'f')}) = 1`,
  )
  await tables.drop(rows)
  return one
}

/** Tables that live as long as one piece of work. */
export class ScratchTables {
  readonly #options: JoinOptions
  readonly #made = new Set<string>()

  constructor(options: JoinOptions) {
    this.#options = options
  }

  /** Makes a table of a SELECT's rows and gives its quoted name. */
  async make(name: string, select: string): Promise<string> {
    const { engine, scratch, signal } = this.#options
    const table = quoteName(`${scratch} ${name}`)
    this.#made.add(table)
    await engine.query(`CREATE OR REPLACE TABLE ${table} AS ${select}`, signal && { signal })
    return table
  }

  async count(table: string): Promise<number> {
    const [row] = toRows(await this.#options.engine.query(`SELECT count(*) AS "rows" FROM ${table}`))
    return Number(row?.['rows'] ?? 0)
  }

  async drop(table: string): Promise<void> {
    await this.#options.engine.query(`DROP TABLE IF EXISTS ${table}`)
    this.#made.delete(table)
  }

  async dropAll(): Promise<void> {
    for (const table of [...this.#made]) await this.drop(table)
  }
}
