import type { Commit, CompactOptions, CompactResult, SliceCondition } from '@esteira/core'
import { EsteiraError } from '@esteira/core'
import type { DataFile } from '../../iceberg/data-file.js'
import type { LiveFile } from '../../iceberg/live-files.js'
import { liveManifests } from '../../iceberg/live-files.js'
import { partitionKey } from '../../iceberg/match-deletes.js'
import { bindSlice } from '../../iceberg/slice.js'
import { unusedSnapshotId } from '../../iceberg/snapshot-id.js'
import { currentSchema, currentSnapshot } from '../../iceberg/table-metadata.js'
import { findCommit, type KnownCommit } from '../commit/commit-history.js'
import { type Attempt, abandonWrite, commitTable, type Proposal } from '../commit/commit-loop.js'
import { mergeManifests } from '../commit/merge-manifests.js'
import { addSnapshot } from '../commit/new-snapshot.js'
import { idleDeletes, positive, writeNextManifests } from '../commit/next-manifests.js'
import { selectLiveRows } from '../read/read-files.js'
import type { LoadedTable, Tables } from '../tables.js'
import { writeRows } from '../write/append.js'
import { filesOf, matchLiveFile } from '../write/find-affected.js'
import { groupBy, packInOrder } from './pack.js'

const DEFAULT_TARGET_BYTES = 128 * 1024 * 1024
/** A file from this share of the target on is large enough to stay. */
const LARGE_ENOUGH = 0.75
/** DuckDB keeps this many partitions open at once; more would split their files again. */
const PARTITIONS_A_STATEMENT = 90

/**
 * Writes small files of a partition together, applies delete files, brings files of older partitionings to the present one
 * and merges manifests: one commit, operation `replace`. After a lost race it is planned again from the new state.
 */
export async function compactTable(
  tables: Tables,
  name: string,
  options: CompactOptions,
  commit: Commit,
): Promise<CompactResult> {
  const { targetBytes } = options
  if (targetBytes !== undefined && !(targetBytes > 0))
    throw new EsteiraError('ESTEIRA_USAGE', `targetBytes is a number of bytes above 0; ${targetBytes} was given`)
  const compaction = new Compaction(tables, options, commit)
  try {
    const result = await commitTable(tables, name, commit.signal, (attempt) => compaction.propose(attempt))
    if (!result.committed) await compaction.removeFiles()
    return result
  } catch (cause) {
    return await abandonWrite(cause, () => compaction.removeFiles())
  }
}

type Counts = Omit<CompactResult, 'snapshotId' | 'committed'>

class Compaction {
  readonly #tables: Tables
  readonly #options: CompactOptions
  readonly #commit: Commit
  #source = ''
  #written: readonly DataFile[] = []

  constructor(tables: Tables, options: CompactOptions, commit: Commit) {
    this.#tables = tables
    this.#options = options
    this.#commit = commit
  }

  async propose(attempt: Attempt): Promise<Proposal<CompactResult>> {
    const { table } = attempt
    const { metadata } = table
    const known = findCommit(metadata, this.#commit.commitId)
    if (known !== undefined) return { settled: knownResult(known) }
    const all = await filesOf(this.#tables, table)
    const bins = planBins(table, all.files, this.#options)
    const sources = bins.flat()
    await this.#rewrite(table, bins)
    const removed = [...sources, ...idleDeletes(all.files, sources, all.deletes)]
    const snapshotId = unusedSnapshotId(metadata, this.#tables.newId)
    const before = await liveManifests(this.#tables.storage, currentSnapshot(metadata))
    const added = [{ specId: metadata['default-spec-id'], files: this.#written }]
    const next = await writeNextManifests(this.#tables, attempt, { snapshotId, added, removed })
    const manifests = await mergeManifests(this.#tables, attempt, snapshotId, { manifests: next, minCount: 2 })
    const counts: Counts = {
      filesBefore: all.files.length,
      filesAfter: all.files.length - sources.length + this.#written.length,
      bytesBefore: bytesOf(all.files.map(({ file }) => file)),
      bytesAfter:
        bytesOf(all.files.map(({ file }) => file)) - bytesOf(sources.map(({ file }) => file)) + bytesOf(this.#written),
      deleteFilesRemoved: removed.length - sources.length,
      manifestsBefore: before.length,
      manifestsAfter: manifests.length,
    }
    if (removed.length === 0 && manifests.length >= before.length)
      return { settled: { ...counts, manifestsAfter: before.length, committed: false } }
    const state = await addSnapshot(this.#tables, attempt, {
      snapshotId,
      operation: 'replace',
      commit: this.#commit,
      manifests,
      added: this.#written,
      removed: removed.map(({ file }) => file),
      facts: { 'rows-added': 0, 'rows-removed': 0, ...factsOf(counts) },
    })
    return { metadata: state, result: { snapshotId: String(snapshotId), committed: true, ...counts } }
  }

  async removeFiles(): Promise<void> {
    await this.#tables.storage.remove(this.#written.map(({ path }) => path))
  }

  // What an attempt wrote is used by the next one when it starts from the same files.
  async #rewrite(table: LoadedTable, bins: readonly (readonly LiveFile[])[]): Promise<void> {
    const { metadata } = table
    const names = bins.map((bin) =>
      bin.flatMap(({ file, deletes }) => [file.path, ...deletes.map((each) => each.file.path)]),
    )
    const source = JSON.stringify([metadata['current-schema-id'], metadata['default-spec-id'], names])
    if (source === this.#source) return
    await this.removeFiles()
    this.#written = []
    this.#source = source
    const written: DataFile[] = []
    for (const group of statements(bins)) {
      const schema = currentSchema(metadata)
      const { signal } = this.#commit
      const rows = await selectLiveRows(this.#tables, { table, schema, files: group, signal })
      written.push(...(await writeRows(this.#tables, table, rows, signal)))
      this.#written = written
    }
  }
}

/**
 * Files that are to become one, bin by bin: small ones, torn ones and those of an older partitioning. A single file is left
 * alone unless it must change.
 */
function planBins(
  table: LoadedTable,
  files: readonly LiveFile[],
  { slice = [], targetBytes }: CompactOptions,
): readonly (readonly LiveFile[])[] {
  const { metadata } = table
  const specId = metadata['default-spec-id']
  const target = targetBytes ?? positive(metadata.properties['write.target-file-size-bytes']) ?? DEFAULT_TARGET_BYTES
  const mustChange = (each: LiveFile) => each.deletes.length > 0 || each.specId !== specId
  const wanted = files.filter((each) => inSlice(table, slice, each))
  const candidates = wanted.filter((each) => mustChange(each) || each.file.sizeBytes < target * LARGE_ENOUGH)
  // In the order of the files: rows that were written together stay together.
  return groupBy(candidates, partitionKey)
    .flatMap((group) => packInOrder(group, ({ file }) => file.sizeBytes, target))
    .filter((bin) => bin.length > 1 || bin.some(mustChange))
}

function inSlice(table: LoadedTable, slice: readonly SliceCondition[], file: LiveFile): boolean {
  if (slice.length === 0) return true
  return matchLiveFile(table, bindSlice(table.name, currentSchema(table.metadata), slice), file) !== 'none'
}

/** Bins of different partitions can be written by one statement: it makes one file of each partition. */
function statements(bins: readonly (readonly LiveFile[])[]): readonly (readonly LiveFile[])[] {
  const rounds: { readonly partitions: Set<string>; readonly files: LiveFile[] }[] = []
  const next = new Map<string, number>()
  for (const bin of bins) {
    const [first] = bin
    if (first === undefined) continue
    const key = partitionKey(first)
    let at = next.get(key) ?? 0
    while ((rounds[at]?.partitions.size ?? 0) >= PARTITIONS_A_STATEMENT) at += 1
    rounds[at] ??= { partitions: new Set(), files: [] }
    rounds[at]?.partitions.add(key)
    rounds[at]?.files.push(...bin)
    next.set(key, at + 1)
  }
  return rounds.map(({ files }) => files)
}

function bytesOf(files: readonly DataFile[]): number {
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
}

const FACTS = [
  ['filesBefore', 'files-before'],
  ['filesAfter', 'files-after'],
  ['bytesBefore', 'bytes-before'],
  ['bytesAfter', 'bytes-after'],
  ['deleteFilesRemoved', 'delete-files-removed'],
  ['manifestsBefore', 'manifests-before'],
  ['manifestsAfter', 'manifests-after'],
] as const satisfies readonly (readonly [keyof Counts, string])[]

function factsOf(counts: Counts): Readonly<Record<string, number>> {
  return Object.fromEntries(FACTS.map(([name, fact]) => [fact, counts[name]]))
}

function knownResult({ result, fact }: KnownCommit): CompactResult {
  const { snapshotId } = result
  return {
    ...(snapshotId === undefined ? {} : { snapshotId }),
    committed: false,
    filesBefore: fact('files-before'),
    filesAfter: fact('files-after'),
    bytesBefore: fact('bytes-before'),
    bytesAfter: fact('bytes-after'),
    deleteFilesRemoved: fact('delete-files-removed'),
    manifestsBefore: fact('manifests-before'),
    manifestsAfter: fact('manifests-after'),
  }
}
