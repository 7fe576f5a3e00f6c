import { createHash } from 'node:crypto'
import type { PruningCondition, TableVersion } from '@esteira/core'
import { parseAthenaSelect } from './parse-athena.js'
import { type RenderedQuery, renderStatement, tableMark } from './render-query.js'
import type { TableRequest } from './table-request.js'

export interface AthenaSelect {
  /** One SELECT in Athena's dialect; WITH and set operations included. */
  readonly sql: string
  /**
   * SQL text that stands for a table in a FROM clause of DuckDB. Names are in lower case, with their database when it
   * was written, and metadata tables keep theirs (`silver.churn_transactions$snapshots`). Names of WITH do not come here.
   * `where` holds what the statement asks of single columns: files without such rows need not be read.
   */
  readonly resolveTable: (
    name: string,
    version: TableVersion | undefined,
    where: readonly PruningCondition[],
  ) => Promise<string>
}

const rendered = new Map<string, Promise<RenderedQuery>>()

/**
 * A query that people wrote for Athena, as a query for DuckDB that gives equal values. `docs/sql-subset.md` lists what
 * can be written. Whatever the two engines would answer differently is written in another way or refused: here, or with
 * an error of the query itself where only the types of the columns tell. A statement is translated once a process; its
 * tables are resolved at every call.
 *
 * @throws EsteiraError ESTEIRA_SQL, and what `resolveTable` throws
 * @example
 * const sql = await athenaSelectToDuckDb({
 *   sql: "SELECT category, count(*) AS n FROM silver.churn_transactions GROUP BY 1",
 *   resolveTable: (name, version, where) => lakehouse.relation(name, version, where),
 * })
 */
export async function athenaSelectToDuckDb({ sql, resolveTable }: AthenaSelect): Promise<string> {
  const query = await renderOnce(sql)
  let text = query.sql
  const resolved = new Map<string, string>()
  for (const [index, table] of query.tables.entries()) {
    const key = JSON.stringify(table)
    const relation = resolved.get(key) ?? (await resolveTable(table.name, table.version, table.where))
    resolved.set(key, relation)
    text = text.replaceAll(tableMark(index), () => relation)
  }
  return text
}

/**
 * Checks a query against the subset without running it, and gives the tables that it reads, in the order of the text.
 * For Athena too: what runs there must run on a laptop.
 * @throws EsteiraError ESTEIRA_SQL
 */
export async function checkAthenaSelect(sql: string): Promise<readonly TableRequest[]> {
  return (await renderOnce(sql)).tables
}

function renderOnce(sql: string): Promise<RenderedQuery> {
  const key = createHash('sha256').update(sql).digest('hex')
  const known = rendered.get(key)
  if (known !== undefined) return known
  const query = render(sql)
  rendered.set(key, query)
  return query
}

async function render(sql: string): Promise<RenderedQuery> {
  return renderStatement(await parseAthenaSelect(sql))
}
