import type { Commit, CommitResult } from '@esteira/core'
import { type DataFile, rowsIn } from '../../iceberg/data-file.js'
import { unusedSnapshotId } from '../../iceberg/snapshot-id.js'
import { fileOrder } from '../../iceberg/sort-order.js'
import { findCommit } from '../commit/commit-history.js'
import { type Attempt, abandonWrite, commitTable, type Proposal } from '../commit/commit-loop.js'
import { mergeWhenMany } from '../commit/merge-manifests.js'
import { addSnapshot } from '../commit/new-snapshot.js'
import { type NewFiles, writeNextManifests } from '../commit/next-manifests.js'
import { loadTable } from '../load-table.js'
import type { LoadedTable, Tables } from '../tables.js'
import { projectRows } from './project-rows.js'
import { writeDataFiles } from './write-data-files.js'

/** Adds rows in one commit. Data files are written once; a lost race repeats only manifest, list and metadata. */
export async function appendRows(tables: Tables, name: string, rows: string, commit: Commit): Promise<CommitResult> {
  const table = await loadTable(tables, name)
  const known = findCommit(table.metadata, commit.commitId)
  if (known !== undefined) return known.result
  const files = await writeRows(tables, table, rows, commit.signal)
  if (files.length === 0) return { rowsAdded: 0, rowsRemoved: 0, committed: false }
  const added = { specId: table.metadata['default-spec-id'], files }
  const removeAdded = () => tables.storage.remove(files.map(({ path }) => path))
  try {
    const result = await commitTable(tables, name, commit.signal, (attempt) =>
      proposeAppend(tables, attempt, added, commit),
    )
    if (!result.committed) await removeAdded()
    return result
  } catch (cause) {
    return await abandonWrite(cause, removeAdded)
  }
}

/** Writes the rows of a SELECT as data files of the table. */
export async function writeRows(
  tables: Tables,
  table: LoadedTable,
  rows: string,
  signal: AbortSignal | undefined,
): Promise<readonly DataFile[]> {
  const { engine, storage, newId } = tables
  const { name, metadata } = table
  const select = await projectRows(engine, table, rows, signal)
  const order = fileOrder(metadata)
  const write = { engine, storage, table: name, metadata, select, writeId: newId(), newId, orderBy: order?.sql, signal }
  const files = await writeDataFiles(write)
  return order === undefined ? files : files.map((file) => ({ ...file, sortOrderId: order.orderId }))
}

async function proposeAppend(
  tables: Tables,
  attempt: Attempt,
  added: NewFiles,
  commit: Commit,
): Promise<Proposal<CommitResult>> {
  const { metadata } = attempt.table
  const known = findCommit(metadata, commit.commitId)
  if (known !== undefined) return { settled: known.result }
  const snapshotId = unusedSnapshotId(metadata, tables.newId)
  const all = await writeNextManifests(tables, attempt, { snapshotId, added: [added], removed: [] })
  const manifests = await mergeWhenMany(tables, attempt, snapshotId, all)
  const rowsAdded = rowsIn(added.files)
  const next = await addSnapshot(tables, attempt, {
    snapshotId,
    operation: 'append',
    commit,
    manifests,
    added: added.files,
    removed: [],
    facts: { 'rows-added': rowsAdded, 'rows-removed': 0 },
  })
  return { metadata: next, result: { snapshotId: String(snapshotId), rowsAdded, rowsRemoved: 0, committed: true } }
}
