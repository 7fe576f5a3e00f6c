import type { Commit, CommitResult } from '@esteira/core'
import { type DataFile, ENTRY_STATUS } from '../iceberg/data-file.js'
import { liveManifests } from '../iceberg/live-files.js'
import { unusedSnapshotId } from '../iceberg/snapshot-id.js'
import { currentSnapshot } from '../iceberg/table-metadata.js'
import { writeManifest } from '../iceberg/write-manifest.js'
import { commitTable, type Proposal, UncertainCommit } from './commit-loop.js'
import { loadTable } from './load-table.js'
import { addSnapshot, findCommit } from './new-snapshot.js'
import { projectRows } from './project-rows.js'
import type { LoadedTable, Tables } from './tables.js'
import { writeDataFiles } from './write-data-files.js'

/** Adds rows in one commit. Data files are written once; a lost race repeats only manifest, list and metadata. */
export async function appendRows(tables: Tables, name: string, rows: string, commit: Commit): Promise<CommitResult> {
  const table = await loadTable(tables, name)
  const known = findCommit(table.metadata, commit.commitId)
  if (known !== undefined) return known
  const added = await writeRows(tables, table, rows, commit.signal)
  const rowsAdded = added.reduce((sum, { recordCount }) => sum + recordCount, 0)
  if (rowsAdded === 0) return { rowsAdded: 0, rowsRemoved: 0, committed: false }
  const paths = added.map(({ path }) => path)
  try {
    const result = await commitTable(tables, name, commit.signal, (current) =>
      proposeAppend(tables, current, table, added, commit),
    )
    if (!result.committed) await tables.storage.remove(paths)
    return result
  } catch (cause) {
    if (!(cause instanceof UncertainCommit)) await tables.storage.remove(paths)
    throw cause
  }
}

/** Writes the rows of a SELECT as data files of the table. */
export async function writeRows(
  tables: Tables,
  table: LoadedTable,
  rows: string,
  signal: AbortSignal | undefined,
): Promise<readonly DataFile[]> {
  const { engine, storage } = tables
  const select = await projectRows(engine, table, rows, signal)
  const writeId = tables.newId()
  return writeDataFiles({
    engine,
    storage,
    table: table.name,
    metadata: table.metadata,
    select,
    writeId,
    ...(signal === undefined ? {} : { signal }),
  })
}

async function proposeAppend(
  tables: Tables,
  table: LoadedTable,
  writtenFor: LoadedTable,
  added: readonly DataFile[],
  commit: Commit,
): Promise<Proposal<CommitResult>> {
  const known = findCommit(table.metadata, commit.commitId)
  if (known !== undefined) return { settled: known }
  const { metadata } = table
  const snapshotId = unusedSnapshotId(metadata, tables.newId)
  const rowsAdded = added.reduce((sum, { recordCount }) => sum + recordCount, 0)
  const path = `${metadata.location}/metadata/${tables.newId()}-m0.avro`
  const manifest = await writeManifest(tables.storage, metadata, {
    path,
    specId: writtenFor.metadata['default-spec-id'],
    snapshotId,
    sequenceNumber: metadata['last-sequence-number'] + 1,
    entries: added.map((file) => ({ status: ENTRY_STATUS.added, snapshotId, file })),
  })
  const manifests = [manifest, ...(await liveManifests(tables.storage, currentSnapshot(metadata)))]
  const next = await addSnapshot(tables, table, {
    snapshotId,
    operation: 'append',
    commit,
    manifests,
    added,
    removed: [],
    rowsAdded,
    rowsRemoved: 0,
  })
  return {
    metadata: next.metadata,
    files: [path, next.manifestList],
    result: { snapshotId: String(snapshotId), rowsAdded, rowsRemoved: 0, committed: true },
  }
}
