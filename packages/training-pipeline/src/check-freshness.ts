import { addDays, EsteiraError, type Lakehouse, toRows } from '@esteira/core'

export interface FreshnessQuestion {
  readonly lakehouse: Lakehouse
  readonly silverTable: string
  /** Silver as it stood at this snapshot; as it stands now when absent. */
  readonly silverSnapshotId?: string
  readonly runDay: string
  /** Days that the newest row may be older than the run date. */
  readonly freshWithinDays: number
}

export interface Freshness {
  readonly rows: number
  /** Day of the newest row. */
  readonly newest: string
}

/**
 * Refuses a source without rows, or whose newest row is too old for the run date: a customer without rows would be learnt as
 * churned, though only the file is late.
 *
 * @throws EsteiraError ESTEIRA_NO_DATA, ESTEIRA_SOURCE_STALE
 */
export async function checkFreshness(question: FreshnessQuestion): Promise<Freshness> {
  const { lakehouse, silverTable, silverSnapshotId, runDay, freshWithinDays } = question
  const relation = await lakehouse.relation(
    silverTable,
    silverSnapshotId === undefined ? {} : { snapshotId: silverSnapshotId },
  )
  const sql = `SELECT count(*) AS "rows", CAST(max("local_ts") AS DATE) AS "newest" FROM ${relation} AS s`
  const [found = {}] = toRows(await lakehouse.engine.query(sql))
  const newest = found['newest']
  if (typeof newest !== 'string') throw new EsteiraError('ESTEIRA_NO_DATA', `${silverTable} holds no rows`)
  const oldest = addDays(runDay, -freshWithinDays)
  if (newest >= oldest) return { rows: Number(found['rows']), newest }
  throw new EsteiraError(
    'ESTEIRA_SOURCE_STALE',
    `${silverTable}: the newest row is of ${newest}; expected one of ${oldest} or later for the run date ${runDay}`,
    {
      hint: `Customers without rows would be learnt as churned. Ingest newer data, or run with --run-date ${addDays(newest, 1)}.`,
      details: { table: silverTable, newest, expected: oldest, freshWithinDays },
    },
  )
}
