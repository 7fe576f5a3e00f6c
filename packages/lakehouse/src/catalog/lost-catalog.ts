import { readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { EsteiraError } from '@esteira/core'

/**
 * A catalog that is not there is made, unless the lakehouse beside it holds tables: then it was lost, and a new one would
 * let writers begin again with empty tables.
 *
 * @throws EsteiraError ESTEIRA_CATALOG_CORRUPT
 */
export async function refuseLostCatalog(path: string): Promise<void> {
  if (await isThere(path)) return
  const folder = await findTable(join(dirname(path), 'lakehouse'))
  // Asked again: who makes the first table has made the catalog before it.
  if (folder === undefined || (await isThere(path))) return
  throw new EsteiraError(
    'ESTEIRA_CATALOG_CORRUPT',
    `catalog ${path} is not there, but there are tables, as in ${folder}`,
    {
      hint: 'Restore catalog.db from a copy. Without one: make an empty file of that name and take each table up again with npx esteira tables register <database>.<table> <folder> --adopt',
      details: { file: path, table: folder },
    },
  )
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined
}

/** A folder `<database>/<table>` with metadata of a table. */
async function findTable(root: string): Promise<string | undefined> {
  for (const database of await namesIn(root)) {
    for (const table of await namesIn(join(root, database))) {
      const files = await namesIn(join(root, database, table, 'metadata'))
      if (files.some((name) => name.endsWith('.metadata.json'))) return join(root, database, table)
    }
  }
  return undefined
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => [])
}
