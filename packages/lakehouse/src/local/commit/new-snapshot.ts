import type { Commit, Snapshot } from '@esteira/core'
import type { DataFile, ManifestFile } from '../../iceberg/data-file.js'
import { encodeManifestList } from '../../iceberg/manifest-list.js'
import { laterOf, withSnapshot } from '../../iceberg/table-changes.js'
import { currentSnapshot, type TableMetadata } from '../../iceberg/table-metadata.js'
import { countFiles, nextTotals, tableTotals, totalsSummary } from '../table-totals.js'
import type { LoadedTable, Tables } from '../tables.js'
import { COMMIT_ID, factKey } from './commit-history.js'
import type { Attempt } from './commit-loop.js'

const RUN_ID = 'esteira.run-id'

export interface SnapshotChange {
  readonly snapshotId: bigint
  readonly operation: Snapshot['operation']
  readonly commit: Commit
  /** All manifests of the new snapshot, newest first. */
  readonly manifests: readonly ManifestFile[]
  readonly added: readonly DataFile[]
  /** Data files and delete files. */
  readonly removed: readonly DataFile[]
  /** Counts as the caller sees them, e.g. `rows-added`: rewritten rows are neither added nor removed. */
  readonly facts: Readonly<Record<string, number>>
}

/** Writes the manifest list and gives the table's next metadata with the snapshot on top. */
export async function addSnapshot(
  tables: Tables,
  { table, files, create }: Attempt,
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
  create(manifestList, encodeManifestList(header, change.manifests))
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
    'removed-delete-files': removed.deleteFiles,
    'removed-position-deletes': removed.positionDeletes,
    'removed-equality-deletes': removed.equalityDeletes,
  }
  const texts = Object.entries(counts).flatMap(([key, count]) => (count === 0 ? [] : [[key, String(count)] as const]))
  const facts = Object.entries(change.facts).map(([name, count]) => [factKey(name), String(count)] as const)
  return {
    operation: change.operation,
    ...change.commit.properties,
    [COMMIT_ID]: change.commit.commitId,
    [RUN_ID]: change.commit.runId,
    ...Object.fromEntries(facts),
    ...Object.fromEntries(texts),
    'changed-partition-count': String(partitions.size),
    ...totalsSummary(nextTotals(before, added, removed)),
  }
}
