import { readdir, readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { EsteiraError } from '@esteira/core'
import { pathToUri, uriToPath } from '../../storage/local-storage.js'

const METADATA_FILE = /^(?:v(\d+)|(\d+)-[^/]*)(?:\.gz)?\.metadata\.json(?:\.gz)?$/

/**
 * The current metadata file of a table: the given file, or the newest of a folder. A table of the file-system kind names it
 * in `version-hint.text`, which may be behind; a table of a catalog has files numbered by their commits.
 *
 * @param location a path or a `file:` URI of a metadata file, of a table's folder, or of its `metadata` folder
 * @returns its URI
 * @throws EsteiraError ESTEIRA_SOURCE_MISSING, ESTEIRA_UNSUPPORTED for places that are not on this machine
 */
export async function findMetadata(location: string): Promise<string> {
  const path = /^[a-z][a-z0-9+.-]*:/i.test(location) ? uriToPath(location) : resolve(location)
  const found = await stat(path).catch(() => undefined)
  if (found?.isFile() === true) return pathToUri(path)
  if (found?.isDirectory() !== true) throw missing(location, 'it is not there')
  for (const folder of [join(path, 'metadata'), path]) {
    const newest = await newestIn(folder)
    if (newest !== undefined) return pathToUri(join(folder, newest))
  }
  throw missing(location, 'it holds no metadata file such as metadata/v1.metadata.json')
}

async function newestIn(folder: string): Promise<string | undefined> {
  const names = await readdir(folder).catch((): string[] => [])
  const versions = names.flatMap((name) => {
    const match = METADATA_FILE.exec(name)
    return match === null ? [] : [{ name, number: Number(match[1] ?? match[2]), isChain: match[1] !== undefined }]
  })
  const chain = versions.filter(({ isChain }) => isChain)
  const hint = await hintIn(folder)
  // Both kinds side by side: a hint says that the chain is the one that is kept up.
  const candidates = chain.length > 0 && (hint !== undefined || chain.length === versions.length) ? chain : versions
  const newest = candidates.reduce<(typeof versions)[number] | undefined>(
    (best, each) => (best === undefined || each.number > best.number ? each : best),
    undefined,
  )
  return newest?.name
}

async function hintIn(folder: string): Promise<string | undefined> {
  return readFile(join(folder, 'version-hint.text'), 'utf8').catch(() => undefined)
}

function missing(location: string, reason: string): EsteiraError {
  return new EsteiraError('ESTEIRA_SOURCE_MISSING', `no Iceberg table was found at ${location}: ${reason}`, {
    hint: 'Give the metadata file of the table (…/metadata/00003-….metadata.json) or the folder above it.',
    details: { location },
  })
}
