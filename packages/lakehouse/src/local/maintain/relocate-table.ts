import { resolve } from 'node:path'
import { EsteiraError, quoteText, type RelocateResult } from '@esteira/core'
import { type DataFile, FILE_CONTENT, type ManifestEntry, type ManifestFile } from '../../iceberg/data-file.js'
import { decodeManifest } from '../../iceberg/manifest.js'
import { decodeManifestList, encodeManifestList } from '../../iceberg/manifest-list.js'
import { partitionColumns } from '../../iceberg/partition-columns.js'
import { specById, type TableMetadata, type TableSnapshot } from '../../iceberg/table-metadata.js'
import { writeManifest } from '../../iceberg/write-manifest.js'
import { pathToUri, uriToPath } from '../../storage/local-storage.js'
import { abandonWrite, commitTable, type Proposal } from '../commit/commit-loop.js'
import { loadTable } from '../load-table.js'
import type { LoadedTable, Tables } from '../tables.js'
import { refuseSharedFiles } from './expire-snapshots.js'
import { filesIn, manifestsOf, statisticsFiles } from './reachable-files.js'

/** Ids that the specification reserves for the columns of position delete files. */
const DELETE_PATH_ID = 2147483546
const DELETE_POS_ID = 2147483545

/**
 * Moves a table: copies its files, rewrites every path in metadata, lists, manifests and position deletes, then swaps the
 * pointer. The old files go after that, unless they are to be kept.
 */
export async function relocateTable(
  tables: Tables,
  name: string,
  location: string,
  keepOld: boolean,
): Promise<RelocateResult> {
  const table = await loadTable(tables, name)
  const from = table.metadata.location
  const to = targetOf(location)
  const unchanged = { from, to, files: 0, sizeBytes: 0, committed: false }
  if (uriToPath(from) === uriToPath(to)) return unchanged
  if (!keepOld) refuseSharedFiles(name, table.metadata)
  await checkTarget(tables, name, to)
  const move = new Relocation(tables, from, to)
  try {
    await commitTable(tables, name, undefined, (attempt) => move.propose(attempt.table))
  } catch (cause) {
    return await abandonWrite(cause, () => move.removeCopies())
  }
  if (!keepOld) await move.removeOld()
  return { ...unchanged, ...move.counts, committed: true }
}

class Relocation {
  readonly #tables: Tables
  readonly #from: string
  readonly #to: string
  /** New file by old file: a second attempt copies only what came since. */
  readonly #copied = new Map<string, string>()
  readonly #manifests = new Map<string, ManifestFile>()
  readonly #sizes = new Map<string, number>()
  #old: readonly string[] = []

  constructor(tables: Tables, from: string, to: string) {
    this.#tables = tables
    this.#from = uriToPath(from)
    this.#to = to
  }

  get counts(): { readonly files: number; readonly sizeBytes: number } {
    return { files: this.#copied.size, sizeBytes: [...this.#sizes.values()].reduce((sum, size) => sum + size, 0) }
  }

  async propose(table: LoadedTable): Promise<Proposal<void>> {
    const { metadata } = table
    const manifests = await manifestsOf(this.#tables, metadata.snapshots)
    const live = await filesIn(this.#tables, metadata, [...manifests.values()], 'live')
    for (const manifest of manifests.values()) await this.#moveManifest(metadata, manifest, live)
    for (const { path } of statisticsFiles(metadata)) if (this.#isThere(path)) await this.#copy(path)
    const snapshots: TableSnapshot[] = []
    for (const snapshot of metadata.snapshots) snapshots.push(await this.#moveList(snapshot))
    await this.#tables.storage.makeDurable([...this.#copied.values()])
    this.#old = [
      table.pointer,
      ...metadata['metadata-log'].map((entry) => entry['metadata-file']),
      ...this.#copied.keys(),
    ]
    return { metadata: this.#moved(metadata, snapshots), result: undefined }
  }

  /** Removes what was copied, when the table stays where it is. */
  async removeCopies(): Promise<void> {
    await this.#tables.storage.remove([...this.#copied.values()])
    await this.#tables.storage.removeEmptyFolders(this.#to)
  }

  async removeOld(): Promise<void> {
    await this.#tables.storage.remove(this.#old.filter((uri) => this.#newPlace(uri) !== uri))
    await this.#tables.storage.removeEmptyFolders(pathToUri(this.#from))
  }

  #moved(metadata: TableMetadata, snapshots: TableSnapshot[]): TableMetadata {
    const properties = Object.entries(metadata.properties).map(([key, value]) => [
      key,
      key.startsWith('write.') && key.endsWith('.path') ? this.#newPlace(value) : value,
    ])
    const statistics = (['statistics', 'partition-statistics'] as const).flatMap((key) => {
      const entries: unknown = metadata[key]
      if (!Array.isArray(entries)) return []
      // Statistics are a help to planners, no more: those whose file is lost are left out.
      const moved = entries
        .filter((each: Readonly<Record<string, unknown>>) => this.#isThere(String(each['statistics-path'])))
        .map((each) => ({ ...each, 'statistics-path': this.#newPlace(String(each['statistics-path'])) }))
      return [[key, moved] as const]
    })
    return {
      ...metadata,
      location: this.#to,
      snapshots,
      'metadata-log': [],
      properties: Object.fromEntries(properties),
      ...Object.fromEntries(statistics),
    }
  }

  /** Where a file of the table is afterwards. What lies outside of the table's folder stays there. */
  #newPlace(uri: string): string {
    const path = /^(file:|\/)/.test(uri) ? uriToPath(uri) : uri
    return path.startsWith(`${this.#from}/`) ? `${this.#to}${path.slice(this.#from.length)}` : uri
  }

  #isThere(uri: string): boolean {
    return this.#tables.storage.sizeOf(uri) !== undefined
  }

  async #copy(uri: string): Promise<void> {
    const target = this.#newPlace(uri)
    if (target === uri || this.#copied.has(uri)) return
    this.#copied.set(uri, target)
    await this.#tables.storage.copy(uri, target)
    this.#sizes.set(uri, this.#tables.storage.sizeOf(target) ?? 0)
  }

  async #moveList(snapshot: TableSnapshot): Promise<TableSnapshot> {
    const list = snapshot['manifest-list']
    const target = this.#newPlace(list)
    // A list outside of the folder names manifests inside of it: it needs a new place too.
    const place = target === list ? `${this.#to}/metadata/${list.slice(list.lastIndexOf('/') + 1)}` : target
    if (!this.#copied.has(list)) {
      const { storage } = this.#tables
      const manifests = decodeManifestList(await storage.read(list), list)
      const parent = snapshot['parent-snapshot-id']
      const header = {
        snapshotId: snapshot['snapshot-id'],
        sequenceNumber: snapshot['sequence-number'],
        ...(parent === undefined || parent === null ? {} : { parentSnapshotId: parent }),
      }
      const moved = manifests.map((each) => this.#manifests.get(each.path) ?? each)
      await this.#create(list, place, encodeManifestList(header, moved))
    }
    return { ...snapshot, 'manifest-list': place }
  }

  async #moveManifest(
    metadata: TableMetadata,
    manifest: ManifestFile,
    live: ReadonlyMap<string, number>,
  ): Promise<void> {
    if (this.#manifests.has(manifest.path)) return
    const { storage } = this.#tables
    const columns = partitionColumns(metadata, specById(metadata, manifest.specId))
    const entries: ManifestEntry[] = []
    for (const entry of decodeManifest(await storage.read(manifest.path), manifest.path, columns)) {
      const isLive = live.has(entry.file.path)
      const isPositions = entry.file.content === FILE_CONTENT.positionDeletes
      if (isLive && !isPositions) await this.#copy(entry.file.path)
      const file = isPositions && isLive ? await this.#movePositions(entry.file) : this.#movedFile(entry.file)
      entries.push({ ...entry, file })
    }
    const target = this.#newPlace(manifest.path)
    const path = target === manifest.path ? `${this.#to}/metadata/${this.#tables.newId()}-m0.avro` : target
    this.#copied.set(manifest.path, path)
    const { specId, content, sequenceNumber, addedSnapshotId: snapshotId } = manifest
    const written = await writeManifest(storage, metadata, {
      path,
      specId,
      content,
      sequenceNumber,
      snapshotId,
      entries,
    })
    this.#sizes.set(manifest.path, written.sizeBytes)
    this.#manifests.set(manifest.path, { ...manifest, path, sizeBytes: written.sizeBytes })
  }

  #movedFile(file: DataFile): DataFile {
    const { referencedDataFile } = file
    return {
      ...file,
      path: this.#newPlace(file.path),
      ...(referencedDataFile === undefined ? {} : { referencedDataFile: this.#newPlace(referencedDataFile) }),
    }
  }

  // A position delete file holds the paths of data files in its rows and in its bounds.
  async #movePositions(file: DataFile): Promise<DataFile> {
    const moved = this.#movedFile(file)
    const { engine, storage } = this.#tables
    const source = `read_parquet(${quoteText(uriToPath(file.path))}, hive_partitioning = false)`
    const target = moved.path === file.path ? `${this.#to}/data/${this.#tables.newId()}-deletes.parquet` : moved.path
    if (!this.#copied.has(file.path)) {
      const names = await engine.readRows(`SELECT DISTINCT file_path AS path FROM ${source}`)
      const pairs = names.map(({ path }) => `(${quoteText(String(path))}, ${quoteText(this.#newPlace(String(path)))})`)
      const places =
        pairs.length === 0
          ? "(SELECT '' AS old, '' AS new WHERE false)"
          : `(VALUES ${pairs.join(', ')}) AS places(old, new)`
      await storage.prepareFolder(target.slice(0, target.lastIndexOf('/')))
      this.#copied.set(file.path, target)
      await engine.readRows(
        `COPY (SELECT new AS file_path, pos FROM ${source} AS deleted JOIN ${places} ON file_path = old ORDER BY new, pos)
          TO ${quoteText(uriToPath(target))} (FORMAT parquet, COMPRESSION zstd, FIELD_IDS {file_path: ${DELETE_PATH_ID}, pos: ${DELETE_POS_ID}})`,
      )
      this.#sizes.set(file.path, storage.sizeOf(target) ?? 0)
    }
    return {
      ...moved,
      path: target,
      sizeBytes: storage.sizeOf(target) ?? 0,
      ...this.#movedBounds(file),
    }
  }

  #movedBounds(file: DataFile): Pick<DataFile, 'lowerBounds' | 'upperBounds'> {
    const move = (bounds: DataFile['lowerBounds']) => {
      const bytes = bounds?.get(DELETE_PATH_ID)
      if (bounds === undefined || bytes === undefined) return bounds
      const text = Buffer.from(bytes).toString('utf8')
      const place = this.#newPlace(text)
      const others = [...bounds].filter(([id]) => id !== DELETE_PATH_ID)
      // A bound that was cut short is no path: without it readers look into the file.
      return new Map(place === text ? others : [...others, [DELETE_PATH_ID, Buffer.from(place)] as const])
    }
    const [lowerBounds, upperBounds] = [move(file.lowerBounds), move(file.upperBounds)]
    return {
      ...(lowerBounds === undefined ? {} : { lowerBounds }),
      ...(upperBounds === undefined ? {} : { upperBounds }),
    }
  }

  async #create(old: string, uri: string, bytes: Uint8Array): Promise<void> {
    this.#copied.set(old, uri)
    await this.#tables.storage.create(uri, bytes)
    this.#sizes.set(old, bytes.length)
  }
}

function targetOf(location: string): string {
  if (location.trim() === '') throw new EsteiraError('ESTEIRA_USAGE', 'the new location of a table is empty')
  const path = /^[a-z][a-z0-9+.-]+:/i.test(location) ? uriToPath(location) : resolve(location)
  return pathToUri(path.length > 1 ? path.replace(/\/+$/, '') : path)
}

async function checkTarget(tables: Tables, name: string, to: string): Promise<void> {
  const folder = uriToPath(to)
  for (const each of await tables.catalog.names()) {
    const { location } = (await loadTable(tables, each)).metadata
    if (!/^(file:|\/)/.test(location)) continue
    const other = uriToPath(location)
    if (!`${folder}/`.startsWith(`${other}/`) && !`${other}/`.startsWith(`${folder}/`)) continue
    throw new EsteiraError(
      'ESTEIRA_USAGE',
      `table ${name} cannot be moved to ${to}: table ${each} lies at ${location}`,
      {
        hint: 'Choose a folder that is in no other table and holds none.',
        details: { table: name, location: to },
      },
    )
  }
  if ((await tables.storage.list(to)).length === 0) return
  throw new EsteiraError('ESTEIRA_USAGE', `table ${name} cannot be moved to ${to}: the folder is not empty`, {
    hint: 'Choose a new folder, or empty this one first.',
    details: { table: name, location: to },
  })
}
