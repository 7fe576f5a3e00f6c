import type { Commit, CommitResult, Snapshot } from '@esteira/core'
import type { DataFile, ManifestFile } from '../iceberg/data-file.js'
import { encodeManifestList } from '../iceberg/manifest-list.js'
import { laterOf, withSnapshot } from '../iceberg/table-changes.js'
import { ancestorsOf, currentSnapshot, type TableMetadata } from '../iceberg/table-metadata.js'
import type { Attempt } from './commit-loop.js'
import { tableTotals } from './table-totals.js'
import type { LoadedTable, Tables } from './tables.js'

const COMMIT_ID = 'esteira.commit-id'
const RUN_ID = 'esteira.run-id'
const ROWS_ADDED = 'esteira.rows-added'
const ROWS_REMOVED = 'esteira.rows-removed'

export interface SnapshotChange {
  readonly snapshotId: bigint
  readonly operation: Snapshot['operation']
  readonly commit: Commit
  /** All manifests of the new snapshot, newest first. */
  readonly manifests: readonly ManifestFile[]
  readonly added: readonly DataFile[]
  readonly removed: readonly DataFile[]
  /** As the caller counts them: rewritten rows are neither added nor removed. */
  readonly rowsAdded: number
  readonly rowsRemoved: number
}

/** Writes the manifest list and gives the table's next metadata with the snapshot on top. */
export async function addSnapshot(
  tables: Tables,
  { table, files }: Attempt,
  change: SnapshotChange,
): Promise<TableMetadata> {
  const { metadata } = table
  const parent = currentSnapshot(metadata)?.['snapshot-id']
  const sequenceNumber = metadata['last-sequence-number'] + 1
  const manifestList = `${metadata.location}/metadata/snap-${change.snapshotId}-1-${tables.newId()}.avro`
  const header = {
    snapshotId: change.snapshotId,
    sequenceNumber,
    ...(parent === undefined ? {} : { parentSnapshotId: parent }),
  }
  files.push(manifestList)
  await tables.storage.create(manifestList, encodeManifestList(header, change.manifests))
  const snapshot = {
    'snapshot-id': change.snapshotId,
    ...(parent === undefined ? {} : { 'parent-snapshot-id': parent }),
    'sequence-number': sequenceNumber,
    'timestamp-ms': laterOf(metadata, tables.now().getTime()),
    summary: await summaryOf(tables, table, change),
    'manifest-list': manifestList,
    'schema-id': metadata['current-schema-id'],
  }
  return withSnapshot(metadata, snapshot)
}

async function summaryOf(tables: Tables, table: LoadedTable, change: SnapshotChange): Promise<Record<string, string>> {
  const before = await tableTotals(tables.storage, table)
  const added = countFiles(change.added)
  const removed = countFiles(change.removed)
  const partitions = new Set([...change.added, ...change.removed].map(({ partition }) => [...partition].join()))
  const counts = {
    'added-data-files': added.files,
    'added-records': added.rows,
    'added-files-size': added.bytes,
    'deleted-data-files': removed.files,
    'deleted-records': removed.rows,
    'removed-files-size': removed.bytes,
  }
  const texts = Object.entries(counts).flatMap(([key, count]) => (count === 0 ? [] : [[key, String(count)] as const]))
  return {
    operation: change.operation,
    ...change.commit.properties,
    [COMMIT_ID]: change.commit.commitId,
    [RUN_ID]: change.commit.runId,
    [ROWS_ADDED]: String(change.rowsAdded),
    [ROWS_REMOVED]: String(change.rowsRemoved),
    ...Object.fromEntries(texts),
    'changed-partition-count': String(partitions.size),
    'total-records': String(before.rows + added.rows - removed.rows),
    'total-files-size': String(before.bytes + added.bytes - removed.bytes),
    'total-data-files': String(before.files + added.files - removed.files),
    'total-delete-files': '0',
    'total-position-deletes': '0',
    'total-equality-deletes': '0',
  }
}

function countFiles(files: readonly DataFile[]) {
  return {
    files: files.length,
    rows: files.reduce((sum, { recordCount }) => sum + recordCount, 0),
    bytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  }
}

/** The result of a commit that the table's history holds already. */
export function findCommit(metadata: TableMetadata, commitId: string): CommitResult | undefined {
  for (const snapshot of ancestorsOf(metadata)) {
    const { summary } = snapshot
    if (summary[COMMIT_ID] !== commitId) continue
    return {
      snapshotId: String(snapshot['snapshot-id']),
      rowsAdded: Number(summary[ROWS_ADDED] ?? 0),
      rowsRemoved: Number(summary[ROWS_REMOVED] ?? 0),
      committed: false,
    }
  }
  return undefined
}
