import { EsteiraError } from '@esteira/core'
import type { TableStorage } from '../storage/table-storage.js'
import { corruptFile } from './corrupt-file.js'
import { type DataFile, ENTRY_STATUS, type ManifestEntry, type ManifestFile } from './data-file.js'
import { decodeManifest } from './manifest.js'
import { decodeManifestList } from './manifest-list.js'
import { partitionColumns } from './partition-columns.js'
import { specById, type TableMetadata, type TableSnapshot } from './table-metadata.js'

const READ_AT_ONCE = 16

/** A data file that a snapshot holds, with the manifest that says so. */
export interface LiveFile {
  readonly file: DataFile
  readonly specId: number
  readonly manifestPath: string
}

/** The manifests of a snapshot that hold live files; none before the first commit. */
export async function liveManifests(
  storage: TableStorage,
  snapshot: TableSnapshot | undefined,
): Promise<readonly ManifestFile[]> {
  if (snapshot === undefined) return []
  const location = snapshot['manifest-list']
  const manifests = decodeManifestList(await storage.read(location), location)
  return manifests.filter((manifest) => manifest.addedFiles + manifest.existingFiles > 0)
}

/** Row deletes of merge-on-read writers are not applied yet: ignoring them would bring deleted rows back. */
function refuseDeletes(table: string, manifests: readonly ManifestFile[]): void {
  const deletes = manifests.find((manifest) => manifest.content === 'deletes')
  if (deletes === undefined) return
  throw new EsteiraError(
    'ESTEIRA_UNSUPPORTED',
    `table ${table} has delete files (${deletes.path}), which are not applied yet`,
    {
      hint: 'Rewrite the table with the engine that deleted rows (Athena: OPTIMIZE … REWRITE DATA USING BIN_PACK), then read it again.',
      details: { table, file: deletes.path },
    },
  )
}

/** Entries of a data manifest with inherited numbers filled in: what an added entry leaves out stands in the list. */
export async function readManifest(
  storage: TableStorage,
  metadata: TableMetadata,
  manifest: ManifestFile,
): Promise<readonly ManifestEntry[]> {
  const columns = partitionColumns(metadata, specById(metadata, manifest.specId))
  const bytes = await storage.read(manifest.path)
  if (bytes.length !== manifest.sizeBytes) {
    throw corruptFile(
      'manifest',
      manifest.path,
      new RangeError(`it has ${bytes.length} bytes, ${manifest.sizeBytes} were written`),
    )
  }
  const entries = decodeManifest(bytes, manifest.path, columns)
  return entries.map((entry) => ({
    ...entry,
    snapshotId: entry.snapshotId ?? manifest.addedSnapshotId,
    sequenceNumber: entry.sequenceNumber ?? manifest.sequenceNumber,
    fileSequenceNumber: entry.fileSequenceNumber ?? manifest.sequenceNumber,
  }))
}

/**
 * The data files of a snapshot, in the order of its manifests.
 * @throws EsteiraError ESTEIRA_UNSUPPORTED when it has delete files, ESTEIRA_TABLE_CORRUPT naming a broken file
 */
export async function liveFiles(
  storage: TableStorage,
  table: string,
  metadata: TableMetadata,
  snapshot: TableSnapshot | undefined,
): Promise<readonly LiveFile[]> {
  const manifests = await liveManifests(storage, snapshot)
  refuseDeletes(table, manifests)
  const files: LiveFile[] = []
  for (let start = 0; start < manifests.length; start += READ_AT_ONCE) {
    const group = manifests.slice(start, start + READ_AT_ONCE)
    const entries = await Promise.all(group.map((manifest) => readManifest(storage, metadata, manifest)))
    entries.forEach((list, index) => {
      const manifest = group[index]
      if (manifest !== undefined) files.push(...liveOf(table, list, manifest))
    })
  }
  return files
}

function liveOf(table: string, entries: readonly ManifestEntry[], manifest: ManifestFile): LiveFile[] {
  return entries.flatMap(({ status, file }) => {
    if (status === ENTRY_STATUS.deleted) return []
    if (file.format === 'PARQUET') return [{ file, specId: manifest.specId, manifestPath: manifest.path }]
    throw new EsteiraError(
      'ESTEIRA_UNSUPPORTED',
      `table ${table} has a data file of format ${file.format} (${file.path}); Parquet is read`,
      {
        details: { table, file: file.path, format: file.format },
      },
    )
  })
}
