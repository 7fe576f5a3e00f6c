import { EsteiraError, type OrphanOptions, type OrphanResult } from '@esteira/core'
import type { TableMetadata } from '../../iceberg/table-metadata.js'
import { uriToPath } from '../../storage/local-storage.js'
import { loadTable } from '../load-table.js'
import type { LoadedTable, Tables } from '../tables.js'
import { refuseSharedFiles } from './expire-snapshots.js'
import { filesIn, manifestsOf, statisticsFiles } from './reachable-files.js'

const DEFAULT_AGE_MS = 3 * 86_400_000

/**
 * Files in a table's folder that no snapshot, no reference and no metadata file names: what crashed or lost commits left.
 * Removed only when `dryRun` is false. Files of a commit in flight are protected by their age alone.
 */
export async function removeOrphans(tables: Tables, name: string, options: OrphanOptions): Promise<OrphanResult> {
  const { olderThan = new Date(tables.now().getTime() - DEFAULT_AGE_MS), dryRun = true } = options
  if (Number.isNaN(olderThan.getTime())) throw new EsteiraError('ESTEIRA_USAGE', 'olderThan is no valid time')
  const { location } = (await loadTable(tables, name)).metadata
  // Listed before the table is read: what a commit adds in between is then known to the table.
  const listed = await tables.storage.list(location)
  const table = await loadTable(tables, name)
  if (!dryRun) refuseSharedFiles(name, table.metadata)
  const needed = await neededFiles(tables, table)
  const elsewhere = await otherFolders(tables, name, location)
  const orphans = listed.filter(({ uri, changedAt }) => {
    const path = uriToPath(uri)
    if (changedAt >= olderThan || needed.has(fileName(path)) || isKeptApart(path, location)) return false
    return !elsewhere.some((folder) => path.startsWith(`${folder}/`))
  })
  if (!dryRun) {
    await tables.storage.remove(orphans.map(({ uri }) => uri))
  }
  return {
    files: orphans.map(({ uri, sizeBytes, changedAt }) => ({ path: uri, sizeBytes, changedAt })),
    sizeBytes: orphans.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    dryRun,
  }
}

// By name alone, without folders: one file may be written as file:/a, file:///a or through a link, and names are unique.
async function neededFiles(tables: Tables, { pointer, metadata }: LoadedTable): Promise<ReadonlySet<string>> {
  const manifests = await manifestsOf(tables, metadata.snapshots)
  const files = await filesIn(tables, metadata, [...manifests.values()], 'live')
  const paths = [
    pointer,
    ...metadata['metadata-log'].map((entry) => entry['metadata-file']),
    ...metadata.snapshots.map((each) => each['manifest-list']),
    ...manifests.keys(),
    ...files.keys(),
    ...statisticsFiles(metadata).map(({ path }) => path),
  ]
  return new Set(paths.map(fileName))
}

async function otherFolders(
  tables: Tables,
  name: string,
  location: TableMetadata['location'],
): Promise<readonly string[]> {
  const own = uriToPath(location)
  const names = (await tables.catalog.names()).filter((each) => each !== name)
  const found = await Promise.all(
    names.map(async (each) => {
      // A table that cannot be read may be anywhere: then nothing here is safe to be called an orphan.
      const { metadata } = await loadTable(tables, each)
      return /^(file:|\/)/.test(metadata.location) ? uriToPath(metadata.location) : ''
    }),
  )
  return found.filter((folder) => folder.startsWith(`${own}/`))
}

function fileName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

// Hidden files and the hint of a Hadoop catalog are nobody's orphans.
function isKeptApart(path: string, location: string): boolean {
  const parts = path.slice(uriToPath(location).length + 1).split('/')
  return parts.some((part) => part.startsWith('.')) || parts.at(-1) === 'version-hint.text'
}
