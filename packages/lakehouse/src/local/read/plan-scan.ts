import type { ScanPlan } from '@esteira/core'
import { type DataFile, FILE_CONTENT, type ManifestFile, type PartitionColumn } from '../../iceberg/data-file.js'
import { type HeldFile, heldBy, type LiveFile } from '../../iceberg/live-files.js'
import { matchDeletes } from '../../iceberg/match-deletes.js'
import { partitionColumns } from '../../iceberg/partition-columns.js'
import { type BoundCondition, matchFile } from '../../iceberg/slice.js'
import { specById, type TableSnapshot } from '../../iceberg/table-metadata.js'
import type { LoadedTable } from '../tables.js'
import type { KeptEntries, ManifestReader } from './manifest-reader.js'
import { matchManifest } from './match-manifest.js'

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
  const held: HeldFile[] = []
  const passedBy = { files: 0, bytes: 0 }
  for (let start = 0; start < read.length; start += READ_AT_ONCE) {
    const group = read.slice(start, start + READ_AT_ONCE)
    const kept = await Promise.all(
      group.map((manifest) => readSelected(reader, table, manifest, { slice, columns: columnsOf(manifest.specId) })),
    )
    for (const [index, manifest] of group.entries()) {
      held.push(...heldBy(name, kept[index]?.entries ?? [], manifest))
      passedBy.files += kept[index]?.passedBy.files ?? 0
      passedBy.bytes += kept[index]?.passedBy.bytes ?? 0
    }
  }
  const data = held.filter(({ file }) => file.content === FILE_CONTENT.data)
  const wanted = data.filter(({ file, specId }) => matchFile(slice, file, columnsOf(specId)) !== 'none')
  const deletes = held.filter(({ file }) => file.content !== FILE_CONTENT.data)
  const unread = manifests.filter((manifest) => !isRead(manifest))
  const seen = {
    files: passedBy.files + data.length - wanted.length,
    bytes: passedBy.bytes + bytesOf(data) - bytesOf(wanted),
  }
  const readBytes = bytesOf(wanted) + bytesOf(deletes)
  return {
    files: matchDeletes(metadata, wanted, deletes),
    plan: {
      snapshotId: String(snapshot['snapshot-id']),
      filesRead: wanted.length,
      filesSkipped:
        seen.files + unread.reduce((sum, { addedFiles, existingFiles }) => sum + addedFiles + existingFiles, 0),
      bytesRead: bytesOf(wanted),
      ...(unread.length === 0 ? { bytesSkipped: seen.bytes } : bytesBeyond(snapshot, readBytes)),
      manifestsRead: read.length,
      manifestsSkipped: unread.length,
      rowsAtMost: wanted.reduce((sum, { file }) => sum + file.recordCount, 0),
    },
  }
}

interface SliceOfSpec {
  readonly slice: readonly BoundCondition[]
  readonly columns: readonly PartitionColumn[]
}

/** The entries of a manifest whose partition leaves them in question, with the statistics that the slice asks for. */
function readSelected(
  reader: ManifestReader,
  { metadata }: LoadedTable,
  manifest: ManifestFile,
  { slice, columns }: SliceOfSpec,
): Promise<KeptEntries> {
  const statistics = new Set(slice.map(({ fieldId }) => fieldId))
  const byPartition = slice.filter(({ fieldId }) => columns.some(({ sourceId }) => sourceId === fieldId))
  const isNarrow = byPartition.length > 0 && manifest.content === 'data'
  const wants = (partition: DataFile['partition']) =>
    matchFile(byPartition, { ...FILE_OF_A_PARTITION, partition }, columns) !== 'none'
  const key = JSON.stringify([[...statistics].sort(), isNarrow ? byPartition.map(({ sql }) => sql) : []])
  return reader.selectedOf(metadata, manifest, key, isNarrow ? { statistics, wants } : { statistics })
}

/** A file of which nothing but its partition is known. */
const FILE_OF_A_PARTITION = {
  content: FILE_CONTENT.data,
  path: '',
  format: 'PARQUET',
  recordCount: Number.MAX_SAFE_INTEGER,
  sizeBytes: 0,
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

function bytesOf(files: readonly HeldFile[]): number {
  return files.reduce((sum, { file }) => sum + file.sizeBytes, 0)
}

// A manifest list tells files and rows of a manifest, not bytes: those of manifests that were not read are what is left of the
// snapshot's total, which counts delete files too.
function bytesBeyond(snapshot: TableSnapshot, bytesRead: number): Pick<ScanPlan, 'bytesSkipped'> {
  const total = snapshot.summary['total-files-size']
  if (total === undefined || !/^\d+$/.test(total)) return {}
  return { bytesSkipped: Math.max(0, Number(total) - bytesRead) }
}

function memoize<T>(make: (key: number) => T): (key: number) => T {
  const made = new Map<number, T>()
  return (key) => {
    const known = made.get(key) ?? make(key)
    made.set(key, known)
    return known
  }
}
