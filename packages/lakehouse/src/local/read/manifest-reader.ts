import type { ManifestEntry, ManifestFile } from '../../iceberg/data-file.js'
import { liveManifests, readManifest } from '../../iceberg/live-files.js'
import type { ManifestSelection } from '../../iceberg/manifest.js'
import type { TableMetadata, TableSnapshot } from '../../iceberg/table-metadata.js'
import type { TableStorage } from '../../storage/table-storage.js'

/** Entries that are kept decoded: some tens of megabytes for wide tables. */
const KEPT_ENTRIES = 50_000
const KEPT_LISTS = 16

/** Reads manifest lists and manifests. Both never change once they are written, so the last ones are kept. */
export class ManifestReader {
  readonly #storage: TableStorage
  readonly #lists = new Map<string, readonly ManifestFile[]>()
  readonly #manifests = new Map<string, KeptEntries>()
  #entries = 0

  constructor(storage: TableStorage) {
    this.#storage = storage
  }

  /** The manifests of a snapshot that hold live files. */
  async manifestsOf(snapshot: TableSnapshot): Promise<readonly ManifestFile[]> {
    const location = snapshot['manifest-list']
    const manifests = this.#lists.get(location) ?? (await liveManifests(this.#storage, snapshot))
    // Snapshots of version 1 may name their manifests without a list.
    if (location !== '') touch(this.#lists, location, manifests)
    for (const oldest of this.#lists.keys()) {
      if (this.#lists.size <= KEPT_LISTS) break
      this.#lists.delete(oldest)
    }
    return manifests
  }

  /** The entries of a manifest, with the numbers they inherit. */
  async entriesOf(metadata: TableMetadata, manifest: ManifestFile): Promise<readonly ManifestEntry[]> {
    return (await this.#read(metadata, manifest, '', undefined)).entries
  }

  /**
   * The entries of a manifest that a read wants, as far as it needs them.
   * @param key tells this selection from every other one
   */
  async selectedOf(
    metadata: TableMetadata,
    manifest: ManifestFile,
    key: string,
    select: Selection,
  ): Promise<KeptEntries> {
    return this.#read(metadata, manifest, key, { ...select, passedBy: { files: 0, bytes: 0 } })
  }

  async #read(
    metadata: TableMetadata,
    manifest: ManifestFile,
    selection: string,
    select: ManifestSelection | undefined,
  ): Promise<KeptEntries> {
    // The columns of a spec decide how partition values are read, the list what entries inherit.
    const { path, sizeBytes, sequenceNumber } = manifest
    const key = [path, sizeBytes, sequenceNumber, metadata['current-schema-id'], selection].join(' ')
    const known = this.#manifests.get(key)
    if (known !== undefined) return known
    const entries = await readManifest(this.#storage, metadata, manifest, select)
    const kept = { entries, passedBy: select?.passedBy ?? { files: 0, bytes: 0 } }
    this.#manifests.set(key, kept)
    // A manifest of which nothing is wanted takes room too.
    this.#entries += entries.length + 1
    for (const [oldest, { entries }] of this.#manifests) {
      if (this.#entries <= KEPT_ENTRIES || oldest === key) break
      this.#manifests.delete(oldest)
      this.#entries -= entries.length + 1
    }
    return kept
  }
}

type Selection = Omit<ManifestSelection, 'passedBy'>

export interface KeptEntries {
  readonly entries: readonly ManifestEntry[]
  /** Live data files that were not wanted. */
  readonly passedBy: { readonly files: number; readonly bytes: number }
}

// A Map keeps its keys in the order they were set: the one used last goes to the end.
function touch<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key)
  map.set(key, value)
}
