import { gunzipSync } from 'node:zlib'
import { EsteiraError, nearest } from '@esteira/core'
import { corruptFile } from '../iceberg/corrupt-file.js'
import { checkMetadataFile } from '../iceberg/metadata-file.js'
import { parseTableMetadata } from '../iceberg/table-metadata.js'
import type { LoadedTable, Tables } from './tables.js'

/** The table as it stands now; undefined when the catalog has none of that name. */
export async function findTable(
  tables: Pick<Tables, 'catalog' | 'storage' | 'metadataCache'>,
  name: string,
): Promise<LoadedTable | undefined> {
  const pointer = await tables.catalog.pointer(name)
  if (pointer === undefined) return undefined
  const bytes = await tables.storage.read(pointer).catch(async (cause: unknown) => {
    // Old metadata files go after some time: a reader that was that slow asks once more.
    if ((await tables.catalog.pointer(name)) === pointer) throw cause
    return undefined
  })
  if (bytes === undefined) return findTable(tables, name)
  const known = tables.metadataCache.find(name, pointer, bytes)
  if (known !== undefined) return { name, pointer, metadata: known }
  checkMetadataFile({ location: pointer, bytes })
  const metadata = parseTableMetadata(metadataText(bytes, pointer), pointer)
  tables.metadataCache.keep(name, { pointer, bytes, metadata })
  return { name, pointer, metadata }
}

/** The text of a metadata file; those that are packed say so in their name. @throws EsteiraError ESTEIRA_TABLE_CORRUPT */
export function metadataText(bytes: Uint8Array, location: string): string {
  if (!/\.gz(?:\.metadata\.json)?$/.test(location)) return Buffer.from(bytes).toString('utf8')
  try {
    return gunzipSync(bytes).toString('utf8')
  } catch (cause) {
    throw corruptFile('table metadata', location, cause)
  }
}

/** The table as it stands now. @throws EsteiraError ESTEIRA_TABLE_MISSING, ESTEIRA_TABLE_CORRUPT, ESTEIRA_UNSUPPORTED */
export async function loadTable(
  tables: Pick<Tables, 'catalog' | 'storage' | 'metadataCache'>,
  name: string,
): Promise<LoadedTable> {
  const table = await findTable(tables, name)
  if (table !== undefined) return table
  const similar = nearest(name, await tables.catalog.names())
  throw new EsteiraError('ESTEIRA_TABLE_MISSING', `table ${name} does not exist`, {
    hint: similar === undefined ? 'Run the step that writes it first.' : `Did you mean ${similar}?`,
    details: { table: name },
  })
}
