import { EsteiraError, nearest, type TableVersion } from '@esteira/core'
import {
  currentSchema,
  currentSnapshot,
  schemaOfSnapshot,
  snapshotById,
  type TableSchema,
  type TableSnapshot,
} from '../iceberg/table-metadata.js'
import type { LoadedTable } from './tables.js'

/** One state of a table: the snapshot whose rows are read, and the columns they are read as. */
export interface VersionOfTable {
  /** Absent before the first commit. */
  readonly snapshot: TableSnapshot | undefined
  readonly schema: TableSchema
}

/**
 * The state of a table that a version names. The current one and branches are read with the present columns; tags, snapshots
 * and points in time with those of their snapshot.
 *
 * @throws EsteiraError ESTEIRA_TABLE_MISSING when the table has no such version
 */
export function resolveVersion(table: LoadedTable, version: TableVersion): VersionOfTable {
  const { metadata } = table
  if (version.snapshotId !== undefined) return stateAt(table, snapshotOfId(table, version.snapshotId))
  if (version.ref !== undefined) return stateOfRef(table, version.ref)
  if (version.asOf !== undefined) return stateAt(table, snapshotAt(table, version.asOf))
  return { snapshot: currentSnapshot(metadata), schema: currentSchema(metadata) }
}

function stateAt({ metadata }: LoadedTable, snapshot: TableSnapshot): VersionOfTable {
  return { snapshot, schema: schemaOfSnapshot(metadata, snapshot) }
}

function stateOfRef(table: LoadedTable, name: string): VersionOfTable {
  const { metadata } = table
  const ref = Object.hasOwn(metadata.refs, name) ? metadata.refs[name] : undefined
  // Tables of version 1 may have no refs at all; their current snapshot is the branch main.
  if (ref === undefined && name === 'main')
    return { snapshot: currentSnapshot(metadata), schema: currentSchema(metadata) }
  const near = nearest(name, Object.keys(metadata.refs))
  const missing = () => missingVersion(table, `tag or branch ${name}`, near && `Did you mean ${near}?`)
  if (ref === undefined) throw missing()
  const snapshot = snapshotById(metadata, ref['snapshot-id'])
  if (snapshot === undefined) throw missing()
  return ref.type === 'branch' ? { snapshot, schema: currentSchema(metadata) } : stateAt(table, snapshot)
}

function snapshotOfId(table: LoadedTable, snapshotId: string): TableSnapshot {
  const found = /^\d+$/.test(snapshotId) ? snapshotById(table.metadata, BigInt(snapshotId)) : undefined
  if (found !== undefined) return found
  throw missingVersion(table, `snapshot ${snapshotId}`)
}

function snapshotAt(table: LoadedTable, asOf: Date): TableSnapshot {
  if (Number.isNaN(asOf.getTime())) {
    throw new EsteiraError('ESTEIRA_USAGE', `table ${table.name} was asked for at a point in time that is none`, {
      hint: "Give a valid Date, for example new Date('2026-01-01T00:00:00Z').",
      details: { table: table.name },
    })
  }
  const entry = table.metadata['snapshot-log'].findLast((each) => each['timestamp-ms'] <= asOf.getTime())
  const found = entry === undefined ? undefined : snapshotById(table.metadata, entry['snapshot-id'])
  if (found !== undefined) return found
  throw missingVersion(table, `snapshot at or before ${asOf.toISOString()}`)
}

function missingVersion(table: LoadedTable, what: string, hint?: string): EsteiraError {
  return new EsteiraError('ESTEIRA_TABLE_MISSING', `table ${table.name} has no ${what}`, {
    hint: hint ?? `See the snapshots there are: npx esteira tables snapshots ${table.name}`,
    details: { table: table.name },
  })
}
