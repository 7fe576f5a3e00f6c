import { ancestorsOf, snapshotById, type TableMetadata } from '../../iceberg/table-metadata.js'
import type { SmallTable } from '../write/rows-as-sql.js'

/** `$snapshots`: all snapshots that have not expired. */
export function snapshotsTable(metadata: TableMetadata): SmallTable {
  return {
    columns: {
      committed_at: 'TIMESTAMPTZ',
      snapshot_id: 'BIGINT',
      parent_id: 'BIGINT',
      operation: 'VARCHAR',
      manifest_list: 'VARCHAR',
      summary: 'MAP(VARCHAR, VARCHAR)',
    },
    rows: metadata.snapshots.map((snapshot) => {
      const { operation = null, ...summary } = snapshot.summary
      return {
        committed_at: instant(snapshot['timestamp-ms']),
        snapshot_id: String(snapshot['snapshot-id']),
        parent_id: idOf(snapshot['parent-snapshot-id']),
        operation,
        manifest_list: snapshot['manifest-list'] ?? null,
        summary,
      }
    }),
  }
}

/** `$history`: which snapshot was the current one from when on, rolled back ones included. */
export function historyTable(metadata: TableMetadata): SmallTable {
  const ancestors = new Set(Array.from(ancestorsOf(metadata), (each) => each['snapshot-id']))
  return {
    columns: {
      made_current_at: 'TIMESTAMPTZ',
      snapshot_id: 'BIGINT',
      parent_id: 'BIGINT',
      is_current_ancestor: 'BOOLEAN',
    },
    rows: metadata['snapshot-log'].map((entry) => ({
      made_current_at: instant(entry['timestamp-ms']),
      snapshot_id: String(entry['snapshot-id']),
      parent_id: idOf(snapshotById(metadata, entry['snapshot-id'])?.['parent-snapshot-id']),
      is_current_ancestor: ancestors.has(entry['snapshot-id']),
    })),
  }
}

/** `$refs`: branches and tags. */
export function refsTable(metadata: TableMetadata): SmallTable {
  return {
    columns: {
      name: 'VARCHAR',
      type: 'VARCHAR',
      snapshot_id: 'BIGINT',
      max_reference_age_in_ms: 'BIGINT',
      min_snapshots_to_keep: 'INTEGER',
      max_snapshot_age_in_ms: 'BIGINT',
    },
    rows: Object.entries(metadata.refs).map(([name, ref]) => ({
      name,
      type: ref.type.toUpperCase(),
      snapshot_id: String(ref['snapshot-id']),
      max_reference_age_in_ms: numberOf(ref['max-ref-age-ms']),
      min_snapshots_to_keep: numberOf(ref['min-snapshots-to-keep']),
      max_snapshot_age_in_ms: numberOf(ref['max-snapshot-age-ms']),
    })),
  }
}

function instant(ms: number): string {
  return new Date(ms).toISOString()
}

function idOf(id: bigint | null | undefined): string | null {
  return id === undefined || id === null ? null : String(id)
}

function numberOf(value: unknown): string | null {
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : null
}
