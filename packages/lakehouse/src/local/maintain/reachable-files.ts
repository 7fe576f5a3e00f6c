import { ENTRY_STATUS, type ManifestFile } from '../../iceberg/data-file.js'
import { manifestsOfSnapshot, readManifest } from '../../iceberg/live-files.js'
import type { TableMetadata, TableSnapshot } from '../../iceberg/table-metadata.js'
import type { Tables } from '../tables.js'

const READ_AT_ONCE = 16

/**
 * The manifests of snapshots, each once, also those that hold nothing live any more. Of snapshots that are `gone`, lists
 * that are not there are passed by: somebody else removes them, too.
 */
export async function manifestsOf(
  { storage }: Pick<Tables, 'storage'>,
  snapshots: readonly TableSnapshot[],
  gone = false,
): Promise<ReadonlyMap<string, ManifestFile>> {
  const manifests = new Map<string, ManifestFile>()
  await inGroups(snapshots, async (snapshot) => {
    if (gone && storage.sizeOf(snapshot['manifest-list']) === undefined) return
    for (const manifest of await manifestsOfSnapshot(storage, snapshot)) manifests.set(manifest.path, manifest)
  })
  return manifests
}

/** Sizes by path of the files that manifests name; `live` leaves out those that they mark as deleted. */
export async function filesIn(
  { storage }: Pick<Tables, 'storage'>,
  metadata: TableMetadata,
  manifests: readonly ManifestFile[],
  which: 'all' | 'live',
): Promise<ReadonlyMap<string, number>> {
  const files = new Map<string, number>()
  await inGroups(manifests, async (manifest) => {
    for (const { status, file } of await readManifest(storage, metadata, manifest))
      if (which === 'all' || status !== ENTRY_STATUS.deleted) files.set(file.path, file.sizeBytes)
  })
  return files
}

/** Statistics files of snapshots (Puffin), as the metadata lists them. */
export function statisticsFiles(
  metadata: TableMetadata,
): readonly { readonly snapshotId: string; readonly path: string }[] {
  return (['statistics', 'partition-statistics'] as const).flatMap((key) => {
    const entries: unknown = metadata[key]
    if (!Array.isArray(entries)) return []
    return entries.flatMap((entry: Readonly<Record<string, unknown>>) => {
      const path = entry['statistics-path']
      return typeof path === 'string' ? [{ snapshotId: String(entry['snapshot-id']), path }] : []
    })
  })
}

async function inGroups<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let start = 0; start < items.length; start += READ_AT_ONCE)
    await Promise.all(items.slice(start, start + READ_AT_ONCE).map(work))
}
