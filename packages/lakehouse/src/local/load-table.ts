import { EsteiraError, nearest } from '@esteira/core'
import { parseTableMetadata } from '../iceberg/table-metadata.js'
import type { LoadedTable, Tables } from './tables.js'

/** The table as it stands now; undefined when the catalog has none of that name. */
export async function findTable(
  tables: Pick<Tables, 'catalog' | 'storage'>,
  name: string,
): Promise<LoadedTable | undefined> {
  const pointer = await tables.catalog.pointer(name)
  if (pointer === undefined) return undefined
  const text = Buffer.from(await tables.storage.read(pointer)).toString('utf8')
  return { name, pointer, metadata: parseTableMetadata(text, pointer) }
}

/** The table as it stands now. @throws EsteiraError ESTEIRA_TABLE_MISSING, ESTEIRA_TABLE_CORRUPT, ESTEIRA_UNSUPPORTED */
export async function loadTable(tables: Pick<Tables, 'catalog' | 'storage'>, name: string): Promise<LoadedTable> {
  const table = await findTable(tables, name)
  if (table !== undefined) return table
  const similar = nearest(name, await tables.catalog.names())
  throw new EsteiraError('ESTEIRA_TABLE_MISSING', `table ${name} does not exist`, {
    hint: similar === undefined ? 'Run the step that writes it first.' : `Did you mean ${similar}?`,
    details: { table: name },
  })
}
