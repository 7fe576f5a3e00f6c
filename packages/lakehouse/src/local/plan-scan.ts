import type { ScanPlan } from '@esteira/core'
import { FILE_CONTENT, type ManifestFile } from '../iceberg/data-file.js'
import { type HeldFile, heldBy, type LiveFile } from '../iceberg/live-files.js'
import { matchDeletes } from '../iceberg/match-deletes.js'
import { partitionColumns } from '../iceberg/partition-columns.js'
import { type BoundCondition, matchFile } from '../iceberg/slice.js'
import { specById, type TableSnapshot } from '../iceberg/table-metadata.js'
import type { ManifestReader } from './manifest-reader.js'
import { matchManifest } from './match-manifest.js'
import type { LoadedTable } from './tables.js'

const READ_AT_ONCE = 16

/** What a read opens, and the numbers of what it passes by. */
export interface PlannedScan {
  readonly files: readonly LiveFile[]
  readonly plan: ScanPlan
}

/**
 * The files of a snapshot that can hold rows of a slice. Manifests are passed by when the ranges of their partitions say so,
 * then files by their partition and their bounds; no data file is opened.
 *
 * @throws EsteiraError ESTEIRA_TABLE_CORRUPT, ESTEIRA_UNSUPPORTED
 */
export async function planScan(
  reader: ManifestReader,
  table: LoadedTable,
  snapshot: TableSnapshot | undefined,
  slice: readonly BoundCondition[],
): Promise<PlannedScan> {
  const { metadata, name } = table
  if (snapshot === undefined) return NOTHING
  const columnsOf = memoize((specId) => partitionColumns(metadata, specById(metadata, specId)))
  const manifests = await reader.manifestsOf(snapshot)
  const isRead = (manifest: ManifestFile) =>
    manifest.content === 'deletes' || matchManifest(slice, manifest, columnsOf(manifest.specId))
  const read = manifests.filter(isRead)
  const statistics = new Set(slice.map(({ fieldId }) => fieldId))
  const held: HeldFile[] = []
  for (let start = 0; start < read.length; start += READ_AT_ONCE) {
    const group = read.slice(start, start + READ_AT_ONCE)
    const entries = await Promise.all(group.map((manifest) => reader.entriesOf(metadata, manifest, statistics)))
    group.forEach((manifest, index) => {
      held.push(...heldBy(name, entries[index] ?? [], manifest))
    })
  }
  const data = held.filter(({ file }) => file.content === FILE_CONTENT.data)
  const wanted = data.filter(({ file, specId }) => matchFile(slice, file, columnsOf(specId)) !== 'none')
  const deletes = held.filter(({ file }) => file.content !== FILE_CONTENT.data)
  const passedBy = manifests.filter((manifest) => !isRead(manifest))
  return {
    files: matchDeletes(metadata, wanted, deletes),
    plan: {
      snapshotId: String(snapshot['snapshot-id']),
      filesRead: wanted.length,
      filesSkipped: data.length - wanted.length + passedBy.reduce((sum, each) => sum + liveCount(each), 0),
      bytesRead: bytesOf(wanted),
      ...bytesSkipped(snapshot, { wanted, held, passedBy }),
      manifestsRead: read.length,
      manifestsSkipped: passedBy.length,
      rowsAtMost: wanted.reduce((sum, { file }) => sum + file.recordCount, 0),
    },
  }
}

const NOTHING: PlannedScan = {
  files: [],
  plan: {
    filesRead: 0,
    filesSkipped: 0,
    bytesRead: 0,
    bytesSkipped: 0,
    manifestsRead: 0,
    manifestsSkipped: 0,
    rowsAtMost: 0,
  },
}

function liveCount({ addedFiles, existingFiles }: ManifestFile): number {
  return addedFiles + existingFiles
}

function bytesOf(files: readonly HeldFile[]): number {
  return files.reduce((sum, { file }) => sum + file.sizeBytes, 0)
}

interface Looked {
  readonly wanted: readonly HeldFile[]
  readonly held: readonly HeldFile[]
  readonly passedBy: readonly ManifestFile[]
}

// A manifest list tells files and rows of a manifest, not bytes: those of manifests that were not read are what is left
// of the snapshot's total, which counts delete files too.
function bytesSkipped(snapshot: TableSnapshot, { wanted, held, passedBy }: Looked): Pick<ScanPlan, 'bytesSkipped'> {
  const seen = bytesOf(held.filter(({ file }) => file.content === FILE_CONTENT.data)) - bytesOf(wanted)
  if (passedBy.length === 0) return { bytesSkipped: seen }
  const total = snapshot.summary['total-files-size']
  if (total === undefined || !/^\d+$/.test(total)) return {}
  return { bytesSkipped: Math.max(seen, Number(total) - bytesOf(held) + seen) }
}

function memoize<T>(make: (key: number) => T): (key: number) => T {
  const made = new Map<number, T>()
  return (key) => {
    const known = made.get(key) ?? make(key)
    made.set(key, known)
    return known
  }
}
