import { quoteName, type SqlEngine, toRows } from '@esteira/core'
import {
  countJoined,
  daySql,
  newestFirst,
  type PointInTimePlan,
  selectJoined,
  type ViewInPlan,
} from './point-in-time-plan.js'

export interface JoinOptions {
  readonly engine: SqlEngine
  /** Prefix of the tables in between, that no other join uses at the same time. */
  readonly scratch: string
  readonly signal?: AbortSignal
}

/**
 * The join in DuckDB, in steps whose results are tables in the engine: what finds the newest date meets narrow rows of numbered
 * entities only, and each step knows the sizes of what it reads. Calls `use` with the SELECT that gives the rows and the one that counts
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
    for (const [index, view] of plan.views.entries()) rows.push(await rowsOfView(tables, plan, index, view))
    const rowsOf = (index: number) => rows[index] ?? ''
    return await use({ select: selectJoined(plan, rowsOf), counts: countJoined(plan, rowsOf) })
  } finally {
    await tables.dropAll()
  }
}

/** One row for each (entity, day) of the spine that has a feature row: `entity`, `day`, `feature_date` and the features. */
async function rowsOfView(
  tables: ScratchTables,
  plan: PointInTimePlan,
  index: number,
  view: ViewInPlan,
): Promise<string> {
  const asked = await keysOfSpine(tables, plan.spine, index, view)
  const likely = await likelyDates(tables, asked, index, view)
  const rows = likely === undefined ? undefined : await rowsAt(tables, likely, `likely_rows_${index}`, view)
  const missed =
    rows === undefined
      ? asked.keys
      : await tables.make(
          `missed_${index}`,
          `SELECT k.* FROM ${asked.keys} AS k JOIN ${asked.ids} AS i ON i."id" = k."id" ANTI JOIN ${rows} AS r ON r."entity" = i."entity" AND r."day" = k."day"`,
        )
  const newest = await newestDates(tables, { ids: asked.ids, keys: missed }, index, view)
  const others = await rowsAt(tables, newest, `rows_${index}`, view)
  const all = rows === undefined ? others : `(SELECT * FROM ${rows} UNION ALL SELECT * FROM ${others})`
  const count = (table: string) => tables.number(`SELECT count(*) FROM ${table} AS t`)
  // Each key has one row, or was missed; each that was missed and found has one.
  const expected = (rows === undefined ? 0 : (await count(asked.keys)) - (await count(missed))) + (await count(newest))
  const isUnique = (await count(all)) === expected
  for (const table of [newest, missed, asked.keys, asked.ids]) await tables.drop(table)
  return isUnique ? all : oneOfEach(tables, all, view, index)
}

/** The feature rows of an entity and date: `entity`, `day`, `feature_date`, `created_at` and the features. */
function rowsAt(tables: ScratchTables, dates: string, name: string, view: ViewInPlan): Promise<string> {
  const values = view.features.map(({ name: feature }, at) => `t.${quoteName(feature)} AS "x${at}"`)
  return tables.make(
    name,
    [
      `SELECT n."entity", n."day", n."feature_date", t."_created_at" AS "created_at", ${values.join(', ')}`,
      `FROM ${view.relation} AS t JOIN ${toBuildOn(dates)} AS n ON t.${quoteName(view.entity.column)} = n."entity"`,
      'AND t."feature_date" = n."feature_date" AND t."_feature_version" = n."version"',
    ].join(' '),
  )
}

interface SpineKeys {
  /** `entity`, `id`, `version`: a number for each entity. */
  readonly ids: string
  /** `id`, `day`, each once. */
  readonly keys: string
}

async function keysOfSpine(tables: ScratchTables, spine: string, index: number, view: ViewInPlan): Promise<SpineKeys> {
  const entity = `s.${quoteName(view.entity.spine)}`
  const day = daySql(view.day, 's')
  const ids = await tables.make(
    `ids_${index}`,
    `SELECT e."entity", CAST(row_number() OVER () AS INTEGER) AS "id", ${view.version} AS "version" FROM (SELECT DISTINCT ${entity} AS "entity" FROM ${spine} AS s WHERE ${entity} IS NOT NULL) AS e`,
  )
  const keys = await tables.make(
    `keys_${index}`,
    `SELECT DISTINCT i."id", ${day} AS "day" FROM ${spine} AS s JOIN ${ids} AS i ON i."entity" = ${entity} WHERE ${day} IS NOT NULL`,
  )
  return { ids, keys }
}

/** With as many dates in the whole table, each is taken for one at which all entities have rows. */
const FEW_PUBLICATIONS = 64

/**
 * A view that is published at few dates has most rows of its entities at each of them: the newest date of the table up to the day is
 * then most often the entity's newest. Only keys without a row there are looked for among the dates of their own.
 */
async function likelyDates(
  tables: ScratchTables,
  { ids, keys }: SpineKeys,
  index: number,
  view: ViewInPlan,
): Promise<string | undefined> {
  const published = await tables.make(
    `published_${index}`,
    `SELECT DISTINCT t."feature_date" FROM ${view.relation} AS t WHERE t."_feature_version" = ${view.version}`,
  )
  const isFew = (await tables.number(`SELECT count(*) FROM ${published}`)) <= FEW_PUBLICATIONS
  if (!isFew) return undefined
  return tables.make(
    `likely_${index}`,
    `SELECT i."entity", i."version", k."day", p."feature_date" FROM ${keys} AS k ASOF JOIN ${published} AS p ON p."feature_date" <= k."day" JOIN ${ids} AS i ON i."id" = k."id"`,
  )
}

/**
 * A table as the side of a join that is kept in memory. DuckDB does not know how many rows a feature table has (it takes each file
 * for a thousand) and would keep that one instead; of a list's elements it expects few. The version is compared in the join for
 * the same reason: a filter would make the table look smaller still.
 */
function toBuildOn(table: string): string {
  return `(SELECT unnest(list(r), recursive := true) FROM ${table} AS r)`
}

/** Up to as many dates an entity, looking through all of them is faster than sorting. */
const FEW_DATES = 100

/** The newest feature date of each (entity, day): `entity`, `version`, `day`, `feature_date`. */
async function newestDates(
  tables: ScratchTables,
  { ids, keys }: SpineKeys,
  index: number,
  view: ViewInPlan,
): Promise<string> {
  const missed = `(SELECT i.* FROM ${ids} AS i SEMI JOIN ${keys} AS k ON k."id" = i."id")`
  const dates = await tables.make(
    `dates_${index}`,
    [
      `SELECT i."id", list(t."feature_date") AS "dates" FROM ${view.relation} AS t`,
      `JOIN ${toBuildOn(missed)} AS i ON i."entity" = t.${quoteName(view.entity.column)} AND i."version" = t."_feature_version" GROUP BY i."id"`,
    ].join(' '),
  )
  const isFew = (await tables.number(`SELECT coalesce(avg(len("dates")), 0) FROM ${dates}`)) <= FEW_DATES
  const found = isFew
    ? `SELECT k."id", k."day", list_max(list_filter(d."dates", lambda x: x <= k."day")) AS "feature_date" FROM ${keys} AS k JOIN ${dates} AS d ON d."id" = k."id"`
    : `SELECT k."id", k."day", d."feature_date" FROM ${keys} AS k ASOF JOIN (SELECT "id", unnest("dates") AS "feature_date" FROM ${dates}) AS d ON d."id" = k."id" AND d."feature_date" <= k."day"`
  const newest = await tables.make(
    `newest_${index}`,
    `SELECT i."entity", i."version", f."day", f."feature_date" FROM (${found}) AS f JOIN ${ids} AS i ON i."id" = f."id" WHERE f."feature_date" IS NOT NULL`,
  )
  await tables.drop(dates)
  return newest
}

/** The feature table holds several rows of an entity and date, which no publication of ours writes. */
async function oneOfEach(tables: ScratchTables, rows: string, view: ViewInPlan, index: number): Promise<string> {
  const one = await tables.make(
    `one_${index}`,
    `SELECT * FROM ${rows} AS f QUALIFY row_number() OVER (PARTITION BY f."entity", f."day" ORDER BY ${newestFirst(view, 'f')}) = 1`,
  )
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

  /** The one number that a SELECT gives. */
  async number(select: string): Promise<number> {
    const [row = {}] = toRows(await this.#options.engine.query(select))
    return Number(Object.values(row)[0] ?? 0)
  }

  async drop(table: string): Promise<void> {
    await this.#options.engine.query(`DROP TABLE IF EXISTS ${table}`)
    this.#made.delete(table)
  }

  async dropAll(): Promise<void> {
    for (const table of [...this.#made]) await this.drop(table)
  }
}
