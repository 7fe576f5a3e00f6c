import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { commit, openTestLakehouse, type TestLakehouse } from '../test-lakehouse.js'

export const COLUMNS = [
  { name: 'writer', type: 'string' },
  { name: 'n', type: 'int' },
  { name: 'id', type: 'long' },
  { name: 'filler', type: 'string' },
] as const

export const METADATA = /00001-.*\.metadata\.json$/
export const LIST = /snap-.*\.avro$/
export const MANIFEST = /-m0\.avro$/
export const DATA = /\.parquet$/

export interface WrittenTable extends TestLakehouse {
  readonly folder: string
  /** Path of the last file of the table whose name matches. */
  readonly find: (pattern: RegExp) => Promise<string>
}

/** A table `bronze.t` of three rows in one commit. */
export async function openWritten(): Promise<WrittenTable> {
  const test = await openTestLakehouse()
  await test.lakehouse.ensureTable('bronze.t', { columns: COLUMNS })
  await test.lakehouse.append(
    'bronze.t',
    "SELECT 'first' AS writer, 0 AS n, range AS id FROM range(3)",
    commit('first'),
  )
  const folder = join(test.home, 'lakehouse', 'bronze', 't')
  const find = async (pattern: RegExp) => {
    const names = (await readdir(folder, { recursive: true })).map(String).sort()
    return join(folder, names.findLast((name) => pattern.test(name)) ?? 'nothing')
  }
  return { ...test, folder, find }
}
