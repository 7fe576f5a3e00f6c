import { EsteiraError, quoteName, quoteText } from '@esteira/core'
import { columnTypeOf, duckDbTypeOf } from '../iceberg/column-types.js'
import type { DataFile } from '../iceberg/data-file.js'
import type { TableSchema } from '../iceberg/table-metadata.js'
import { uriToPath } from '../storage/local-storage.js'
import type { TableStorage } from '../storage/table-storage.js'

/** SELECT of all rows of data files, columns found by field id: added, renamed and widened ones come out right. */
export function selectFromFiles(table: string, schema: TableSchema, files: readonly DataFile[]): string {
  const columns = schema.fields.map((field) => ({ ...field, duckDbType: duckDbTypeOf(columnTypeOf(field, table)) }))
  if (files.length === 0) {
    const empty = columns.map(({ name, duckDbType }) => `CAST(NULL AS ${duckDbType}) AS ${quoteName(name)}`)
    return `SELECT ${empty.join(', ')} WHERE false`
  }
  const entries = columns.map(
    ({ id, name, duckDbType }) =>
      `${id}: {name: ${quoteText(name)}, type: ${quoteText(duckDbType)}, default_value: NULL}`,
  )
  const paths = files.map((file) => quoteText(uriToPath(file.path)))
  const names = columns.map(({ name }) => quoteName(name))
  return `SELECT ${names.join(', ')} FROM read_parquet([${paths.join(', ')}], hive_partitioning = false, schema = MAP {${entries.join(', ')}})`
}

/** @throws EsteiraError ESTEIRA_TABLE_CORRUPT naming a file that is gone or has another size than it was written with */
export function checkFiles(table: string, storage: TableStorage, files: readonly DataFile[]): void {
  for (const file of files) {
    const size = storage.sizeOf(file.path)
    if (size === file.sizeBytes) continue
    const found = size === undefined ? 'it is not there' : `it has ${size} bytes, ${file.sizeBytes} were written`
    throw new EsteiraError(
      'ESTEIRA_TABLE_CORRUPT',
      `data file ${file.path} of table ${table} cannot be read: ${found}`,
      {
        hint: 'Restore the file, or read a snapshot that does not need it.',
        details: { table, file: file.path },
      },
    )
  }
}
