import type { Commit, CommitResult, SliceCondition } from '@esteira/core'
import { type DataFile, ENTRY_STATUS, type ManifestEntry, type ManifestFile, rowsIn } from '../iceberg/data-file.js'
import { type LiveFile, liveManifests, readManifest } from '../iceberg/live-files.js'
import { bindSlice, sliceSql } from '../iceberg/slice.js'
import { unusedSnapshotId } from '../iceberg/snapshot-id.js'
import { currentSchema, currentSnapshot } from '../iceberg/table-metadata.js'
import { writeManifest } from '../iceberg/write-manifest.js'
import { writeRows } from './append.js'
import { type Attempt, abandonWrite, commitTable, type Proposal } from './commit-loop.js'
import { findAffectedFiles } from './find-affected.js'
import { loadTable } from './load-table.js'
import { addSnapshot, findCommit } from './new-snapshot.js'
import { selectFromFiles } from './read-files.js'
import type { LoadedTable, Tables } from './tables.js'

/**
 * Replaces the rows of a slice in one commit, copy-on-write: files that cannot hold such rows stay, files wholly inside go,
 * the others are rewritten without the rows. After a lost race the slice is looked for again in the new state.
 */
export async function replaceRows(
  tables: Tables,
  name: string,
  slice: readonly SliceCondition[],
  rows: string,
  commit: Commit,
): Promise<CommitResult> {
  const table = await loadTable(tables, name)
  const known = findCommit(table.metadata, commit.commitId)
  if (known !== undefined) return known
  bindSlice(name, currentSchema(table.metadata), slice)
  const added = await writeRows(tables, table, rows, commit.signal)
  const replacement = new Replacement(tables, { slice, added, specId: table.metadata['default-spec-id'], commit })
  try {
    const result = await commitTable(tables, name, commit.signal, (attempt) => replacement.propose(attempt))
    if (!result.committed) await replacement.removeFiles()
    return result
  } catch (cause) {
    return await abandonWrite(cause, () => replacement.removeFiles())
  }
}

interface ReplacementRows {
  readonly slice: readonly SliceCondition[]
  /** Files of the new rows. */
  readonly added: readonly DataFile[]
  /** The partitioning that they were written with. */
  readonly specId: number
  readonly commit: Commit
}

/** Rows that an attempt saved from files that go: another attempt uses them again while those files are the same. */
interface KeptRows {
  readonly source: string
  readonly specId: number
  readonly files: readonly DataFile[]
}

const NOTHING_KEPT: KeptRows = { source: '', specId: 0, files: [] }

class Replacement {
  readonly #tables: Tables
  readonly #rows: ReplacementRows
  #kept = NOTHING_KEPT

  constructor(tables: Tables, rows: ReplacementRows) {
    this.#tables = tables
    this.#rows = rows
  }

  async propose(attempt: Attempt): Promise<Proposal<CommitResult>> {
    const { metadata } = attempt.table
    const { slice, added: newFiles, commit } = this.#rows
    const known = findCommit(metadata, commit.commitId)
    if (known !== undefined) return { settled: known }
    const affected = await findAffectedFiles(this.#tables, attempt.table, slice, commit.signal)
    const counts = { rowsAdded: rowsIn(newFiles), rowsRemoved: affected.rowsRemoved }
    if (counts.rowsAdded === 0 && counts.rowsRemoved === 0) return { settled: { ...counts, committed: false } }
    await this.#keepRows(attempt.table, affected.rewritten)
    const snapshotId = unusedSnapshotId(metadata, this.#tables.newId)
    const added = [...newFiles, ...this.#kept.files]
    const removed = affected.removed.map(({ file }) => file)
    const manifests = await this.#writeManifests(attempt, affected.removed, snapshotId)
    const operation = added.length === 0 ? 'delete' : 'overwrite'
    const change = { snapshotId, operation, commit, manifests, added, removed, ...counts } as const
    const next = await addSnapshot(this.#tables, attempt, change)
    return { metadata: next, result: { snapshotId: String(snapshotId), ...counts, committed: true } }
  }

  /** Removes the data files, when they are not part of the table. */
  async removeFiles(): Promise<void> {
    await this.#tables.storage.remove([...this.#rows.added, ...this.#kept.files].map(({ path }) => path))
  }

  async #keepRows(table: LoadedTable, files: readonly LiveFile[]): Promise<void> {
    const { name, metadata } = table
    const source = [metadata['current-schema-id'], ...files.map(({ file }) => file.path)].join('\n')
    if (source === this.#kept.source) return
    const outdated = this.#kept.files.map(({ path }) => path)
    this.#kept = NOTHING_KEPT
    await this.#tables.storage.remove(outdated)
    if (files.length === 0) return
    const schema = currentSchema(metadata)
    const condition = sliceSql(bindSlice(name, schema, this.#rows.slice))
    const all = selectFromFiles(
      name,
      schema,
      files.map(({ file }) => file),
    )
    const rows = `SELECT * FROM (${all}) WHERE NOT ${condition}`
    const kept = await writeRows(this.#tables, table, rows, this.#rows.commit.signal)
    this.#kept = { source, specId: metadata['default-spec-id'], files: kept }
  }

  async #writeManifests(
    { table, files: written }: Attempt,
    removed: readonly LiveFile[],
    snapshotId: bigint,
  ): Promise<readonly ManifestFile[]> {
    const { metadata } = table
    const { storage, newId } = this.#tables
    const sequenceNumber = metadata['last-sequence-number'] + 1
    const write = async (specId: number, entries: readonly ManifestEntry[]) => {
      const path = `${metadata.location}/metadata/${newId()}-m${written.length}.avro`
      written.push(path)
      return writeManifest(storage, metadata, { path, specId, snapshotId, sequenceNumber, entries })
    }
    const manifests: ManifestFile[] = []
    for (const { specId, files } of [{ specId: this.#rows.specId, files: this.#rows.added }, this.#kept]) {
      const entries = files.map((file): ManifestEntry => ({ status: ENTRY_STATUS.added, snapshotId, file }))
      if (entries.length > 0) manifests.push(await write(specId, entries))
    }
    const touched = new Set(removed.map(({ manifestPath }) => manifestPath))
    const gone = new Set(removed.map(({ file }) => file.path))
    for (const manifest of await liveManifests(storage, currentSnapshot(metadata))) {
      if (!touched.has(manifest.path)) manifests.push(manifest)
      else {
        const entries = await readManifest(storage, metadata, manifest)
        manifests.push(await write(manifest.specId, withoutFiles(entries, gone, snapshotId)))
      }
    }
    return manifests
  }
}

// A removed file is marked deleted by this snapshot; the others stay as they were, existing, with their own numbers.
function withoutFiles(
  entries: readonly ManifestEntry[],
  gone: ReadonlySet<string>,
  snapshotId: bigint,
): readonly ManifestEntry[] {
  return entries
    .filter(({ status }) => status !== ENTRY_STATUS.deleted)
    .map((entry) => {
      if (gone.has(entry.file.path)) return { ...entry, status: ENTRY_STATUS.deleted, snapshotId }
      return { ...entry, status: ENTRY_STATUS.existing }
    })
}
