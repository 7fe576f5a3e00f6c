import {
  EsteiraError,
  formatTimestamp,
  type Lakehouse,
  quoteText,
  type SourceDefinition,
  tableNames,
} from '@esteira/core'
import type { KnownSource } from '@esteira/lakehouse'
import { classifiedRows, silverRows } from './process-silver.js'

/**
 * Silver as it was known at a moment: made anew of the bronze rows ingested up to it, which bronze keeps as they came. A row that
 * was corrected later is there as it was before; one that came later is not there.
 *
 * @throws EsteiraError ESTEIRA_TABLE_MISSING when nothing was ingested
 */
export async function silverKnownAt(options: {
  readonly project: string
  readonly source: SourceDefinition
  readonly lakehouse: Lakehouse
  readonly knownAt: Date
}): Promise<KnownSource> {
  const { project, source, lakehouse, knownAt } = options
  const table = tableNames.bronze(project, source)
  const snapshotId = (await lakehouse.table(table))?.snapshotId
  if (snapshotId === undefined) {
    throw new EsteiraError('ESTEIRA_TABLE_MISSING', `${table} holds no rows`, {
      hint: 'Run the step ingest_raw first.',
    })
  }
  const bronze = await lakehouse.relation(table, { snapshotId })
  const until = formatTimestamp(BigInt(knownAt.getTime()) * 1000n)
  const known = `(SELECT * FROM ${bronze} AS b WHERE "_ingested_at" <= TIMESTAMP ${quoteText(until)})`
  const runDay = knownAt.toISOString().slice(0, 10)
  const rows = silverRows(source, `(${classifiedRows({ source, runDay }, known)})`)
  return { relation: `(${rows})`, read: { table, snapshotId } }
}
