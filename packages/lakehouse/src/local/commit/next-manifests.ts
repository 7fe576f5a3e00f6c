import {
  type DataFile,
  ENTRY_STATUS,
  FILE_CONTENT,
  type ManifestEntry,
  type ManifestFile,
} from '../../iceberg/data-file.js'
import { type HeldFile, type LiveFile, liveManifests, readManifest } from '../../iceberg/live-files.js'
import { currentSnapshot } from '../../iceberg/table-metadata.js'
import { writeManifest } from '../../iceberg/write-manifest.js'
import { groupBy, packInOrder } from '../maintain/pack.js'
import type { Tables } from '../tables.js'
import type { Attempt } from './commit-loop.js'

const READ_AT_ONCE = 16
const DEFAULT_TARGET_BYTES = 8 * 1024 * 1024

/** New data files and the partitioning that they were written with. */
export interface NewFiles {
  readonly specId: number
  readonly files: readonly DataFile[]
}

export interface FileChanges {
  readonly snapshotId: bigint
  readonly added: readonly NewFiles[]
  /** Data files and delete files that the next snapshot does not hold any more. */
  readonly removed: readonly HeldFile[]
}

/**
 * Writes the manifests of the next snapshot: one for new files of each partitioning, new ones in place of those that name a
 * removed file, the others as they are. Newest first.
 */
export async function writeNextManifests(
  tables: Tables,
  attempt: Attempt,
  { snapshotId, added, removed }: FileChanges,
): Promise<readonly ManifestFile[]> {
  const manifests: ManifestFile[] = []
  for (const { specId, files } of added) {
    const entries = files.map((file): ManifestEntry => ({ status: ENTRY_STATUS.added, snapshotId, file }))
    if (entries.length > 0)
      manifests.push(await writeNewManifest(tables, attempt, { snapshotId, specId, content: 'data', entries }))
  }
  const named = new Set(removed.map(({ manifestPath }) => manifestPath))
  const gone = new Set(removed.map(({ file }) => file.path))
  const before = await liveManifests(tables.storage, currentSnapshot(attempt.table.metadata))
  const touched = before.filter(({ path }) => named.has(path))
  for (const bin of manifestBins(attempt, touched)) {
    manifests.push(
      await rewriteManifests(tables, attempt, snapshotId, bin, (entry) =>
        // A removed file is marked deleted by this snapshot; the others stay, existing, with their own numbers.
        gone.has(entry.file.path)
          ? { ...entry, status: ENTRY_STATUS.deleted, snapshotId }
          : { ...entry, status: ENTRY_STATUS.existing },
      ),
    )
  }
  return [...manifests, ...before.filter(({ path }) => !named.has(path))]
}

/** Manifests of one partitioning and kind, put together up to the target size. */
export function manifestBins(
  { table }: Attempt,
  manifests: readonly ManifestFile[],
): readonly (readonly ManifestFile[])[] {
  const groups = groupBy(manifests, ({ specId, content }) => `${specId} ${content}`)
  return groups.flatMap((group) => packInOrder(group, ({ sizeBytes }) => sizeBytes, manifestTarget(table.metadata)))
}

/** Size that manifests are merged to. */
export function manifestTarget({ properties }: Attempt['table']['metadata']): number {
  return positive(properties['commit.manifest.target-size-bytes']) ?? DEFAULT_TARGET_BYTES
}

/** Writes one manifest in place of some, with what they hold live. */
export async function rewriteManifests(
  tables: Tables,
  attempt: Attempt,
  snapshotId: bigint,
  manifests: readonly ManifestFile[],
  change: (entry: ManifestEntry) => ManifestEntry,
): Promise<ManifestFile> {
  const entries: ManifestEntry[] = []
  for (let start = 0; start < manifests.length; start += READ_AT_ONCE) {
    const group = manifests.slice(start, start + READ_AT_ONCE)
    const read = group.map((manifest) => readManifest(tables.storage, attempt.table.metadata, manifest))
    for (const entry of (await Promise.all(read)).flat())
      if (entry.status !== ENTRY_STATUS.deleted) entries.push(change(entry))
  }
  const { specId, content } = manifests[0] ?? { specId: 0, content: 'data' }
  return writeNewManifest(tables, attempt, { snapshotId, specId, content, entries })
}

interface ManifestContent {
  readonly snapshotId: bigint
  readonly specId: number
  readonly content: ManifestFile['content']
  readonly entries: readonly ManifestEntry[]
}

function writeNewManifest(
  { newId }: Tables,
  { table: { metadata }, files, create }: Attempt,
  manifest: ManifestContent,
): Promise<ManifestFile> {
  const path = `${metadata.location}/metadata/${newId()}-m${files.length}.avro`
  files.push(path)
  const storage = { create: async (uri: string, bytes: Uint8Array) => create(uri, bytes) }
  return writeManifest(storage, metadata, { path, sequenceNumber: metadata['last-sequence-number'] + 1, ...manifest })
}

/** Delete files that concern none of the data files that stay: they go together with the data files they concerned. */
export function idleDeletes(
  files: readonly LiveFile[],
  removed: readonly HeldFile[],
  deletes: readonly HeldFile[],
): readonly HeldFile[] {
  if (deletes.length === 0) return []
  const gone = new Set(removed.map(({ file }) => file.path))
  const needed = new Set(
    files.filter(({ file }) => !gone.has(file.path)).flatMap((each) => each.deletes.map(({ file }) => file.path)),
  )
  return deletes.filter(({ file }) => file.content !== FILE_CONTENT.data && !needed.has(file.path))
}

/** A positive whole number of a table property; undefined when it is none. */
export function positive(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d*$/.test(text) ? Number(text) : undefined
}
