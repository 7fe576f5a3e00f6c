import { EsteiraError } from '@esteira/core'
import { snapshotById, type TableSnapshot } from '../../iceberg/table-metadata.js'
import type { LoadedTable } from '../tables.js'

/** The snapshot of that id, as people write it. @throws EsteiraError ESTEIRA_TABLE_MISSING */
export function snapshotInTable(table: LoadedTable, snapshotId: string): TableSnapshot {
  const found = /^\d{1,19}$/.test(snapshotId) ? snapshotById(table.metadata, BigInt(snapshotId)) : undefined
  if (found !== undefined) return found
  throw new EsteiraError('ESTEIRA_TABLE_MISSING', `table ${table.name} has no snapshot ${snapshotId}`, {
    hint: `See the snapshots there are: npx esteira tables snapshots ${table.name}`,
    details: { table: table.name, snapshotId },
  })
}
