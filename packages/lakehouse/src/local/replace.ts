import type { Commit, CommitResult, SliceCondition } from '@esteira/core'
import { type DataFile, ENTRY_STATUS, type ManifestEntry, type ManifestFile } from '../iceberg/data-file.js'
import { type LiveFile, liveFiles, liveManifests, readManifest } from '../iceberg/live-files.js'
import { partitionColumns } from '../iceberg/partition-columns.js'
import { type BoundCondition, bindSlice, matchFile, sliceSql } from '../iceberg/slice.js'
import { unusedSnapshotId } from '../iceberg/snapshot-id.js'
import { currentSchema, currentSnapshot, specById } from '../iceberg/table-metadata.js'
import { writeManifest } from '../iceberg/write-manifest.js'
import { writeRows } from './append.js'
import { commitTable, type Proposal, UncertainCommit } from './commit-loop.js'
import { loadTable } from './load-table.js'
import { addSnapshot, findCommit } from './new-snapshot.js'
import { checkFiles, selectFromFiles } from './read-files.js'
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
  const replacement = new Replacement(tables, table, slice, commit)
  try {
    await replacement.writeNewRows(rows)
    const result = await commitTable(tables, name, commit.signal, (current) => replacement.propose(current))
    await replacement.removeUnused(result)
    return result
  } catch (cause) {
    if (!(cause instanceof UncertainCommit)) await replacement.removeAll()
    throw cause
  }
}

/** The files that hold rows of a slice in one state of a table. */
interface Affected {
  readonly removed: readonly LiveFile[]
  /** Those of the removed files that also hold rows outside of the slice. */
  readonly rewritten: readonly LiveFile[]
  readonly rowsRemoved: number
}

class Replacement {
  readonly #tables: Tables
  readonly #writtenFor: LoadedTable
  readonly #slice: readonly SliceCondition[]
  readonly #commit: Commit
  #added: readonly DataFile[] = []
  /** Rewritten files by the paths they were made from: a repeated attempt makes them again only when those changed. */
  #kept: { readonly source: string; readonly files: readonly DataFile[] } = { source: '', files: [] }

  constructor(tables: Tables, table: LoadedTable, slice: readonly SliceCondition[], commit: Commit) {
    this.#tables = tables
    this.#writtenFor = table
    this.#slice = slice
    this.#commit = commit
    bindSlice(table.name, currentSchema(table.metadata), slice)
  }

  async writeNewRows(rows: string): Promise<void> {
    this.#added = await writeRows(this.#tables, this.#writtenFor, rows, this.#commit.signal)
  }

  async propose(table: LoadedTable): Promise<Proposal<CommitResult>> {
    const known = findCommit(table.metadata, this.#commit.commitId)
    if (known !== undefined) return { settled: known }
    const affected = await this.#findAffected(table)
    const rowsAdded = rowsIn(this.#added)
    const { rowsRemoved } = affected
    if (rowsAdded === 0 && rowsRemoved === 0) return { settled: { rowsAdded, rowsRemoved, committed: false } }
    await this.#rewrite(table, affected.rewritten)
    const snapshotId = unusedSnapshotId(table.metadata, this.#tables.newId)
    const added = [...this.#added, ...this.#kept.files]
    const { manifests, written } = await this.#writeManifests(table, affected, added, snapshotId)
    const next = await addSnapshot(this.#tables, table, {
      snapshotId,
      operation: added.length === 0 ? 'delete' : 'overwrite',
      commit: this.#commit,
      manifests,
      added,
      removed: affected.removed.map(({ file }) => file),
      rowsAdded,
      rowsRemoved,
    })
    const result = { snapshotId: String(snapshotId), rowsAdded, rowsRemoved, committed: true }
    return { metadata: next.metadata, files: [...written, next.manifestList], result }
  }

  /** After the commit: files that were written but are not part of it. */
  async removeUnused(result: CommitResult): Promise<void> {
    if (!result.committed) await this.removeAll()
  }

  async removeAll(): Promise<void> {
    await this.#tables.storage.remove([...this.#added, ...this.#kept.files].map(({ path }) => path))
  }

  async #findAffected(table: LoadedTable): Promise<Affected> {
    const { metadata, name } = table
    const slice = bindSlice(name, currentSchema(metadata), this.#slice)
    const live = await liveFiles(this.#tables.storage, name, metadata, currentSnapshot(metadata))
    const removed: LiveFile[] = []
    const unsure: LiveFile[] = []
    for (const each of live) {
      const match = matchFile(slice, each.file, partitionColumns(metadata, specById(metadata, each.specId)))
      if (match === 'all') removed.push(each)
      if (match === 'some') unsure.push(each)
    }
    const counts = await this.#countMatches(table, slice, unsure)
    const holding = unsure.filter((_, index) => (counts[index] ?? 0) > 0)
    const whole = (each: LiveFile) => counts[unsure.indexOf(each)] === each.file.recordCount
    return {
      removed: [...removed, ...holding],
      rewritten: holding.filter((each) => !whole(each)),
      rowsRemoved: rowsIn(removed.map(({ file }) => file)) + counts.reduce((sum, count) => sum + count, 0),
    }
  }

  async #countMatches(
    table: LoadedTable,
    slice: readonly BoundCondition[],
    files: readonly LiveFile[],
  ): Promise<readonly number[]> {
    if (files.length === 0) return []
    checkFiles(
      table.name,
      this.#tables.storage,
      files.map(({ file }) => file),
    )
    const schema = currentSchema(table.metadata)
    const selects = files.map(
      ({ file }, index) =>
        `SELECT ${index} AS file, count(*) AS matches FROM (${selectFromFiles(table.name, schema, [file])}) WHERE ${sliceSql(slice)}`,
    )
    const rows = await this.#tables.engine.readRows(`${selects.join(' UNION ALL ')} ORDER BY file`, this.#options())
    return rows.map((row) => Number(row['matches']))
  }

  async #rewrite(table: LoadedTable, files: readonly LiveFile[]): Promise<void> {
    const source = [table.metadata['current-schema-id'], ...files.map(({ file }) => file.path)].join('\n')
    if (source === this.#kept.source || (files.length === 0 && this.#kept.files.length === 0)) return
    await this.#tables.storage.remove(this.#kept.files.map(({ path }) => path))
    this.#kept = { source: '', files: [] }
    if (files.length === 0) return
    const schema = currentSchema(table.metadata)
    const slice = bindSlice(table.name, schema, this.#slice)
    const all = selectFromFiles(
      table.name,
      schema,
      files.map(({ file }) => file),
    )
    const kept = await writeRows(
      this.#tables,
      table,
      `SELECT * FROM (${all}) WHERE NOT ${sliceSql(slice)}`,
      this.#commit.signal,
    )
    this.#kept = { source, files: kept }
  }

  async #writeManifests(
    table: LoadedTable,
    affected: Affected,
    added: readonly DataFile[],
    snapshotId: bigint,
  ): Promise<{ readonly manifests: readonly ManifestFile[]; readonly written: readonly string[] }> {
    const { metadata } = table
    const { storage, newId } = this.#tables
    const sequenceNumber = metadata['last-sequence-number'] + 1
    const touched = new Set(affected.removed.map(({ manifestPath }) => manifestPath))
    const gone = new Set(affected.removed.map(({ file }) => file.path))
    const written: string[] = []
    const write = async (specId: number, entries: readonly ManifestEntry[]) => {
      const path = `${metadata.location}/metadata/${newId()}-m${written.length}.avro`
      written.push(path)
      return writeManifest(storage, metadata, { path, specId, snapshotId, sequenceNumber, entries })
    }
    const manifests: ManifestFile[] = []
    if (added.length > 0) {
      const entries = added.map((file): ManifestEntry => ({ status: ENTRY_STATUS.added, snapshotId, file }))
      manifests.push(await write(this.#writtenFor.metadata['default-spec-id'], entries))
    }
    for (const manifest of await liveManifests(storage, currentSnapshot(metadata))) {
      if (!touched.has(manifest.path)) manifests.push(manifest)
      else
        manifests.push(
          await write(manifest.specId, withoutFiles(await readManifest(storage, metadata, manifest), gone, snapshotId)),
        )
    }
    return { manifests, written }
  }

  #options(): { readonly signal?: AbortSignal } {
    return this.#commit.signal === undefined ? {} : { signal: this.#commit.signal }
  }
}

// A removed file is marked deleted by this snapshot, the others are marked as they were: existing, with their own numbers.
function withoutFiles(
  entries: readonly ManifestEntry[],
  gone: ReadonlySet<string>,
  snapshotId: bigint,
): ManifestEntry[] {
  return entries
    .filter(({ status }) => status !== ENTRY_STATUS.deleted)
    .map((entry) =>
      gone.has(entry.file.path)
        ? { ...entry, status: ENTRY_STATUS.deleted, snapshotId }
        : { ...entry, status: ENTRY_STATUS.existing },
    )
}

function rowsIn(files: readonly DataFile[]): number {
  return files.reduce((sum, { recordCount }) => sum + recordCount, 0)
}
