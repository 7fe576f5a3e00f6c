import type { Commit, CommitResult } from '@esteira/core'
import { type DataFile, ENTRY_STATUS, rowsIn } from '../iceberg/data-file.js'
import { liveManifests } from '../iceberg/live-files.js'
import { unusedSnapshotId } from '../iceberg/snapshot-id.js'
import { currentSnapshot } from '../iceberg/table-metadata.js'
import { writeManifest } from '../iceberg/write-manifest.js'
import { type Attempt, abandonWrite, commitTable, type Proposal } from './commit-loop.js'
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
  if (added.length === 0) return { rowsAdded: 0, rowsRemoved: 0, committed: false }
  const specId = table.metadata['default-spec-id']
  const removeAdded = () => tables.storage.remove(added.map(({ path }) => path))
  try {
    const result = await commitTable(tables, name, commit.signal, (attempt) =>
      proposeAppend(tables, attempt, { added, specId, commit }),
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
  const select = await projectRows(engine, table, rows, signal)
  const { name, metadata } = table
  return writeDataFiles({ engine, storage, table: name, metadata, select, writeId: newId(), signal })
}

interface Append {
  readonly added: readonly DataFile[]
  /** The partitioning that the files were written with. */
  readonly specId: number
  readonly commit: Commit
}

async function proposeAppend(
  tables: Tables,
  attempt: Attempt,
  { added, specId, commit }: Append,
): Promise<Proposal<CommitResult>> {
  const { metadata } = attempt.table
  const known = findCommit(metadata, commit.commitId)
  if (known !== undefined) return { settled: known }
  const snapshotId = unusedSnapshotId(metadata, tables.newId)
  const path = `${metadata.location}/metadata/${tables.newId()}-m0.avro`
  attempt.files.push(path)
  const manifest = await writeManifest(tables.storage, metadata, {
    path,
    specId,
    snapshotId,
    sequenceNumber: metadata['last-sequence-number'] + 1,
    entries: added.map((file) => ({ status: ENTRY_STATUS.added, snapshotId, file })),
  })
  const manifests = [manifest, ...(await liveManifests(tables.storage, currentSnapshot(metadata)))]
  const counts = { rowsAdded: rowsIn(added), rowsRemoved: 0 }
  const change = { snapshotId, operation: 'append', commit, manifests, added, removed: [], ...counts } as const
  const next = await addSnapshot(tables, attempt, change)
  return { metadata: next, result: { snapshotId: String(snapshotId), ...counts, committed: true } }
}
