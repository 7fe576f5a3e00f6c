import { EsteiraError } from '@esteira/core'
import type { TableStorage } from '../storage/table-storage.js'
import { corruptFile } from './corrupt-file.js'
import { type DataFile, ENTRY_STATUS, FILE_CONTENT, type ManifestEntry, type ManifestFile } from './data-file.js'
import { decodeManifest, type ManifestSelection, specIdOf } from './manifest.js'
import { decodeManifestList } from './manifest-list.js'
import { matchDeletes } from './match-deletes.js'
import { partitionColumns } from './partition-columns.js'
import { specById, type TableMetadata, type TableSnapshot } from './table-metadata.js'

const READ_AT_ONCE = 16

/** A file that a snapshot holds, with the manifest that says so. */
export interface HeldFile {
  readonly file: DataFile
  readonly specId: number
  readonly manifestPath: string
  /** Which files a delete file concerns: data files as old as it, or older. */
  readonly sequenceNumber: number
}

/** A data file that a snapshot holds, with the delete files that may remove rows of it. */
export interface LiveFile extends HeldFile {
  readonly deletes: readonly HeldFile[]
}

/** The manifests of a snapshot that hold live files; none before the first commit. */
export async function liveManifests(
  storage: TableStorage,
  snapshot: TableSnapshot | undefined,
): Promise<readonly ManifestFile[]> {
  if (snapshot === undefined) return []
  const manifests = await manifestsOfSnapshot(storage, snapshot)
  return manifests.filter((manifest) => manifest.addedFiles + manifest.existingFiles > 0)
}

/** All manifests of a snapshot, also those that hold nothing live any more. */
export async function manifestsOfSnapshot(
  storage: TableStorage,
  snapshot: TableSnapshot,
): Promise<readonly ManifestFile[]> {
  const location = snapshot['manifest-list']
  if (location !== '') return decodeManifestList(await storage.read(location), location)
  return Promise.all((snapshot.manifests ?? []).map((path) => describeUnlisted(storage, snapshot, path)))
}

// Where no list speaks of a manifest, its own header does.
async function describeUnlisted(storage: TableStorage, snapshot: TableSnapshot, path: string): Promise<ManifestFile> {
  const bytes = await storage.read(path)
  const one = { addedFiles: 1, existingFiles: 1, deletedFiles: 1, addedRows: 1, existingRows: 1, deletedRows: 1 }
  const place = { path, sizeBytes: bytes.length, specId: specIdOf(bytes, path), content: 'data' as const }
  return { ...place, ...one, sequenceNumber: 0, minSequenceNumber: 0, addedSnapshotId: snapshot['snapshot-id'] }
}

/**
 * Entries of a manifest with inherited numbers filled in: what an added entry leaves out stands in the list.
 * @param select as for {@link decodeManifest}
 */
export async function readManifest(
  storage: TableStorage,
  metadata: TableMetadata,
  manifest: ManifestFile,
  select?: ManifestSelection,
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
  const entries = decodeManifest(bytes, manifest.path, columns, select)
  return entries.map((entry) => ({
    ...entry,
    snapshotId: entry.snapshotId ?? manifest.addedSnapshotId,
    sequenceNumber: entry.sequenceNumber ?? manifest.sequenceNumber,
    fileSequenceNumber: entry.fileSequenceNumber ?? manifest.sequenceNumber,
  }))
}

/**
 * The data files of a snapshot, in the order of its manifests, each with the delete files that concern it.
 * @throws EsteiraError ESTEIRA_UNSUPPORTED for files of a format that is not read, ESTEIRA_TABLE_CORRUPT naming a broken file
 */
export async function liveFiles(
  storage: TableStorage,
  table: string,
  metadata: TableMetadata,
  snapshot: TableSnapshot | undefined,
): Promise<readonly LiveFile[]> {
  return (await liveContent(storage, table, metadata, snapshot)).files
}

/** All files of a snapshot: data files, and every delete file, also those that concern no data file any more. */
export async function liveContent(
  storage: TableStorage,
  table: string,
  metadata: TableMetadata,
  snapshot: TableSnapshot | undefined,
): Promise<{ readonly files: readonly LiveFile[]; readonly deletes: readonly HeldFile[] }> {
  const manifests = await liveManifests(storage, snapshot)
  const held: HeldFile[] = []
  for (let start = 0; start < manifests.length; start += READ_AT_ONCE) {
    const group = manifests.slice(start, start + READ_AT_ONCE)
    const entries = await Promise.all(group.map((manifest) => readManifest(storage, metadata, manifest)))
    entries.forEach((list, index) => {
      const manifest = group[index]
      if (manifest !== undefined) held.push(...heldBy(table, list, manifest))
    })
  }
  const data = held.filter(({ file }) => file.content === FILE_CONTENT.data)
  const deletes = held.filter(({ file }) => file.content !== FILE_CONTENT.data)
  return { files: matchDeletes(metadata, data, deletes), deletes }
}

/** The live files that a manifest holds. @throws EsteiraError ESTEIRA_UNSUPPORTED for formats that are not read */
export function heldBy(table: string, entries: readonly ManifestEntry[], manifest: ManifestFile): HeldFile[] {
  return entries.flatMap(({ status, file, sequenceNumber = manifest.sequenceNumber }) => {
    if (status === ENTRY_STATUS.deleted) return []
    if (file.format !== 'PARQUET') throw unreadable(table, file)
    if (file.keyMetadata !== undefined) throw encrypted(table, file.path)
    return [{ file, specId: manifest.specId, manifestPath: manifest.path, sequenceNumber }]
  })
}

function unreadable(table: string, { path, format, content }: DataFile): EsteiraError {
  const what =
    format === 'PUFFIN'
      ? `table ${table} deletes rows by deletion vectors (${path}), which belong to format version 3`
      : `table ${table} has a ${content === FILE_CONTENT.data ? 'data' : 'delete'} file of format ${format} (${path})`
  return new EsteiraError('ESTEIRA_UNSUPPORTED', `${what}; Parquet is read`, {
    hint: 'Rewrite the table as Parquet with format-version 2 by the engine that wrote it, then read it again.',
    details: { table, file: path, format },
  })
}

function encrypted(table: string, path: string): EsteiraError {
  return new EsteiraError('ESTEIRA_UNSUPPORTED', `table ${table} is encrypted (${path}); it cannot be read`, {
    hint: 'Write a copy of the table without encryption by the engine that has its keys.',
    details: { table, file: path },
  })
}
