import { hashFile, type Lakehouse, type ObjectStore, type TableRead } from '@esteira/core'
import { athenaSelectToDuckDb } from '@esteira/lakehouse'

export interface StoredRows {
  /** sha256 of the stored bytes. */
  readonly digest: string
  readonly dataKey: string
  readonly rowCount: number
}

/** Keeps a scratch Parquet file under the digest of its bytes, once, and removes the scratch. */
export async function keepUnderDigest(
  objects: ObjectStore,
  scratch: { readonly key: string; readonly rowCount: number },
): Promise<StoredRows> {
  const path = await objects.localPath(scratch.key)
  const digest = await hashFile(path)
  const dataKey = `training-sets/${digest}/data.parquet`
  const known = await objects.list(`training-sets/${digest}/`)
  if (!known.some(({ key }) => key === dataKey)) await objects.upload(dataKey, path)
  await objects.delete(scratch.key)
  return { digest, dataKey, rowCount: scratch.rowCount }
}

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
    resolveTable: async (name, asked) => {
      const snapshotId = asked?.snapshotId ?? (asked?.asOf === undefined ? await snapshotOf(lakehouse, name) : null)
      tables.push({ table: name, snapshotId })
      return lakehouse.relation(name, snapshotId === null ? (asked ?? {}) : { snapshotId })
    },
  })
  const { rowCount } = await lakehouse.writeParquet(scratchKey, sql, signal && { signal })
  return { ...(await keepUnderDigest(objects, { key: scratchKey, rowCount })), tables }
}

async function snapshotOf(lakehouse: Lakehouse, name: string): Promise<string | null> {
  return name.includes('$') ? null : ((await lakehouse.table(name))?.snapshotId ?? null)
}
