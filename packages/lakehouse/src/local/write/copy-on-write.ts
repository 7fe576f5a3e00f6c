import type { Commit, CommitResult, Snapshot } from '@esteira/core'
import { type DataFile, rowsIn } from '../../iceberg/data-file.js'
import type { LiveFile } from '../../iceberg/live-files.js'
import { unusedSnapshotId } from '../../iceberg/snapshot-id.js'
import { findCommit } from '../commit/commit-history.js'
import { type Attempt, abandonWrite, commitTable, type Proposal } from '../commit/commit-loop.js'
import { addSnapshot } from '../commit/new-snapshot.js'
import { idleDeletes, type NewFiles, writeNextManifests } from '../commit/next-manifests.js'
import type { LoadedTable, Tables } from '../tables.js'
import { writeRows } from './append.js'
import { type AffectedFiles, filesOf, type TableFiles } from './find-affected.js'

/** A change of rows: new files come, the rows that `find` tells go, and the others of the same files are written again. */
export interface RowChange {
  readonly commit: Commit
  readonly added: NewFiles
  /** The files whose rows go; asked again for every state of the table that the commit meets. */
  readonly find: (table: LoadedTable, files: TableFiles) => Promise<AffectedFiles>
  /** SELECT of the rows of these files that stay. */
  readonly stay: (table: LoadedTable, files: readonly LiveFile[]) => Promise<string>
  /** More counts for the snapshot, e.g. `rows-updated`. */
  readonly facts?: () => Readonly<Record<string, number>>
}

/** Rows that an attempt saved from files that go: another attempt uses them again while those files are the same. */
interface KeptRows extends NewFiles {
  readonly source: string
}

const NOTHING_KEPT: KeptRows = { source: '', specId: 0, files: [] }

/** Makes a change of rows in one commit; files that it wrote go when it does not happen. */
export async function changeRows(tables: Tables, name: string, change: RowChange): Promise<CommitResult> {
  const write = new CopyOnWrite(tables, change)
  try {
    const result = await commitTable(tables, name, change.commit.signal, (attempt) => write.propose(attempt))
    if (!result.committed) await write.removeFiles()
    return result
  } catch (cause) {
    return await abandonWrite(cause, () => write.removeFiles())
  }
}

class CopyOnWrite {
  readonly #tables: Tables
  readonly #change: RowChange
  #kept = NOTHING_KEPT

  constructor(tables: Tables, change: RowChange) {
    this.#tables = tables
    this.#change = change
  }

  async propose(attempt: Attempt): Promise<Proposal<CommitResult>> {
    const { metadata } = attempt.table
    const { added, commit, find, facts } = this.#change
    const known = findCommit(metadata, commit.commitId)
    if (known !== undefined) return { settled: known.result }
    const all = await filesOf(this.#tables, attempt.table)
    const affected = await find(attempt.table, all)
    const counts = { rowsAdded: rowsIn(added.files), rowsRemoved: affected.rowsRemoved }
    if (counts.rowsAdded === 0 && counts.rowsRemoved === 0) return { settled: { ...counts, committed: false } }
    await this.#keepRows(attempt.table, affected.rewritten)
    const snapshotId = unusedSnapshotId(metadata, this.#tables.newId)
    const removed = [...affected.removed, ...idleDeletes(all.files, affected.removed, all.deletes)]
    const manifests = await writeNextManifests(this.#tables, attempt, {
      snapshotId,
      added: [added, this.#kept],
      removed,
    })
    const files = [...added.files, ...this.#kept.files]
    const next = await addSnapshot(this.#tables, attempt, {
      snapshotId,
      operation: operationOf(files, affected.removed),
      commit,
      manifests,
      added: files,
      removed: removed.map(({ file }) => file),
      facts: { 'rows-added': counts.rowsAdded, 'rows-removed': counts.rowsRemoved, ...facts?.() },
    })
    return { metadata: next, result: { snapshotId: String(snapshotId), ...counts, committed: true } }
  }

  /** Removes the data files, when they are not part of the table. */
  async removeFiles(): Promise<void> {
    await this.#tables.storage.remove([...this.#change.added.files, ...this.#kept.files].map(({ path }) => path))
  }

  async #keepRows(table: LoadedTable, files: readonly LiveFile[]): Promise<void> {
    const { metadata } = table
    const names = files.flatMap(({ file, deletes }) => [file, ...deletes.map((each) => each.file)])
    const shape = [metadata['current-schema-id'], metadata['default-spec-id']]
    const source = [...shape, ...names.map(({ path }) => path)].join('\n')
    if (source === this.#kept.source) return
    const outdated = this.#kept.files.map(({ path }) => path)
    this.#kept = NOTHING_KEPT
    await this.#tables.storage.remove(outdated)
    if (files.length === 0) return
    const rows = await this.#change.stay(table, files)
    const kept = await writeRows(this.#tables, table, rows, this.#change.commit.signal)
    this.#kept = { source, specId: metadata['default-spec-id'], files: kept }
  }
}

function operationOf(added: readonly DataFile[], removed: readonly LiveFile[]): Snapshot['operation'] {
  if (removed.length === 0) return 'append'
  return added.length === 0 ? 'delete' : 'overwrite'
}
