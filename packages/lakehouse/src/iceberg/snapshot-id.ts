import { createHash } from 'node:crypto'
import { snapshotById, type TableMetadata } from './table-metadata.js'

/** A positive id of 63 bits from a fresh UUID. */
function snapshotIdFrom(uuid: string): bigint {
  const id = createHash('sha256').update(uuid).digest().readBigUInt64BE(0) & 0x7fff_ffff_ffff_ffffn
  return id === 0n ? 1n : id
}

/** An id that the table does not have yet. */
export function unusedSnapshotId(metadata: TableMetadata, newId: () => string): bigint {
  let id = snapshotIdFrom(newId())
  while (snapshotById(metadata, id) !== undefined) id = snapshotIdFrom(newId())
  return id
}
