import type { ManifestEntry, ManifestFile } from '../iceberg/data-file.js'
import { liveManifests, readManifest } from '../iceberg/live-files.js'
import type { TableMetadata, TableSnapshot } from '../iceberg/table-metadata.js'
import type { TableStorage } from '../storage/table-storage.js'

/** Entries that are kept decoded: some tens of megabytes for wide tables. */
const KEPT_ENTRIES = 50_000
const KEPT_LISTS = 16

/** Reads manifest lists and manifests. Both never change once they are written, so the last ones are kept. */
export class ManifestReader {
  readonly #storage: TableStorage
  readonly #lists = new Map<string, readonly ManifestFile[]>()
  readonly #manifests = new Map<string, readonly ManifestEntry[]>()
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

  /**
   * The entries of a manifest, with the numbers they inherit.
   * @param statistics the columns (field ids) whose bounds and counts are wanted; default all
   */
  async entriesOf(
    metadata: TableMetadata,
    manifest: ManifestFile,
    statistics?: ReadonlySet<number>,
  ): Promise<readonly ManifestEntry[]> {
    // The columns of a spec decide how partition values are read, the list what entries inherit.
    const whole = [manifest.path, manifest.sizeBytes, manifest.sequenceNumber, metadata['current-schema-id']].join(' ')
    const key = statistics === undefined ? whole : `${whole} ${[...statistics].sort().join()}`
    const known = this.#manifests.get(key) ?? this.#manifests.get(whole)
    if (known !== undefined) return known
    const entries = await readManifest(this.#storage, metadata, manifest, statistics)
    this.#manifests.set(key, entries)
    this.#entries += entries.length
    for (const [oldest, { length }] of this.#manifests) {
      if (this.#entries <= KEPT_ENTRIES || oldest === key) break
      this.#manifests.delete(oldest)
      this.#entries -= length
    }
    return entries
  }
}

// A Map keeps its keys in the order they were set: the one used last goes to the end.
function touch<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key)
  map.set(key, value)
}
