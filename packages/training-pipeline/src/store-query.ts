import type { Lakehouse, ObjectStore, TableRead, TableVersion } from '@esteira/core'
import { athenaSelectToDuckDb, explainMissingColumn, keepUnderDigest, type StoredRows } from '@esteira/lakehouse'

/**
 * Runs a SELECT in Athena's dialect over tables at their present snapshots and keeps the rows. Give the query an ORDER BY: the
 * same rows in another order are another digest.
 *
 * @throws EsteiraError ESTEIRA_SQL, ESTEIRA_TABLE_MISSING
 */
export async function storeQuery(options: {
  readonly lakehouse: Lakehouse
  readonly objects: ObjectStore
  readonly query: string
  readonly scratchKey: string
  readonly signal?: AbortSignal
}): Promise<StoredRows & { readonly tables: readonly TableRead[] }> {
  const { lakehouse, objects, query, scratchKey, signal } = options
  const tables: TableRead[] = []
  const sql = await athenaSelectToDuckDb({
    sql: query,
    resolveTable: async (name, asked, where) => {
      const snapshotId = asked?.snapshotId ?? (await snapshotOf(lakehouse, name, asked))
      tables.push({ table: name, snapshotId })
      return lakehouse.relation(name, snapshotId === null ? (asked ?? {}) : { snapshotId }, where)
    },
  })
  const { rowCount } = await lakehouse
    .writeParquet(scratchKey, sql, signal && { signal })
    .catch(async (error: unknown) => {
      throw await explainMissingColumn(error, { sql: query, lakehouse })
    })
  return { ...(await keepUnderDigest(objects, { key: scratchKey, rowCount })), tables }
}

/** The snapshot that a tag, a branch or a point in time means now: the training set is of that one. */
async function snapshotOf(
  lakehouse: Lakehouse,
  name: string,
  version: TableVersion | undefined,
): Promise<string | null> {
  if (name.includes('$')) return null
  const found = version === undefined ? await lakehouse.table(name) : await lakehouse.plan(name, { version })
  return found?.snapshotId ?? null
}
