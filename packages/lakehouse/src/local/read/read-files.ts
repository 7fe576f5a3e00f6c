import { EsteiraError, quoteName } from '@esteira/core'
import { columnTypeOf, duckDbTypeOf } from '../../iceberg/column-types.js'
import type { DataFile } from '../../iceberg/data-file.js'
import type { LiveFile } from '../../iceberg/live-files.js'
import type { TableSchema } from '../../iceberg/table-metadata.js'
import { uriToPath } from '../../storage/local-storage.js'
import type { TableStorage } from '../../storage/table-storage.js'
import type { LoadedTable, Tables } from '../tables.js'
import { selectUndeleted } from './apply-deletes.js'
import { scanFiles } from './scan-files.js'

export interface LiveRows {
  readonly table: Pick<LoadedTable, 'name' | 'metadata'>
  /** The columns to read: those of the current schema, of an older one for time travel, or some of them. */
  readonly schema: Pick<TableSchema, 'fields'>
  readonly files: readonly LiveFile[]
  /** Adds the columns `_esteira_file` (as {@link originOf} names it) and `_esteira_pos` (row in the file, from 0). */
  readonly origin?: boolean
  readonly signal?: AbortSignal | undefined
}

/**
 * SELECT of the rows that data files hold and no delete file removes. Columns are found by field id: added, renamed and
 * widened ones come out right. Every file is looked at first: one that is gone or has another size is an error.
 *
 * @throws EsteiraError ESTEIRA_TABLE_CORRUPT, ESTEIRA_UNSUPPORTED
 */
export async function selectLiveRows(tables: Pick<Tables, 'engine' | 'storage'>, rows: LiveRows): Promise<string> {
  const { table, schema, files, origin = false, signal } = rows
  const { fields } = schema
  const types = fields.map((field) => duckDbTypeOf(columnTypeOf(field, table.name)))
  checkFiles(table.name, tables.storage, filesToRead(files))
  const whole = files.filter(({ deletes }) => deletes.length === 0)
  const torn = files.filter(({ deletes }) => deletes.length > 0)
  const nameOf = ({ name }: { readonly name: string }) => name
  const selects: string[] = []
  if (whole.length > 0) selects.push(await scanFiles(tables, { table, fields, files: whole, nameOf, origin, signal }))
  if (torn.length > 0) selects.push(await selectUndeleted(tables, { table, fields, files: torn, origin, signal }))
  if (selects.length > 0) return selects.join(' UNION ALL ')
  const empty = fields.map(({ name }, index) => `CAST(NULL AS ${types[index]}) AS ${quoteName(name)}`)
  if (origin) empty.push('CAST(NULL AS VARCHAR) AS _esteira_file', 'CAST(NULL AS BIGINT) AS _esteira_pos')
  return `SELECT ${empty.join(', ')} WHERE false`
}

/** How the column `_esteira_file` of {@link selectLiveRows} names a file. */
export function originOf(file: DataFile): string {
  return uriToPath(file.path)
}

/** Data files with their delete files, each once. */
export function filesToRead(files: readonly LiveFile[]): readonly DataFile[] {
  const all = new Set<DataFile>()
  for (const { file, deletes } of files) {
    all.add(file)
    for (const each of deletes) all.add(each.file)
  }
  return [...all]
}

/** @throws EsteiraError ESTEIRA_TABLE_CORRUPT naming a file that is gone or has another size than it was written with */
export function checkFiles(table: string, storage: TableStorage, files: readonly DataFile[]): void {
  for (const file of files) {
    const size = storage.sizeOf(file.path)
    if (size === file.sizeBytes) continue
    const found = size === undefined ? 'it is not there' : `it has ${size} bytes, ${file.sizeBytes} were written`
    const what = file.content === 0 ? 'data file' : 'delete file'
    throw new EsteiraError('ESTEIRA_TABLE_CORRUPT', `${what} ${file.path} of table ${table} cannot be read: ${found}`, {
      hint: 'Restore the file, or read a snapshot that does not need it.',
      details: { table, file: file.path },
    })
  }
}
