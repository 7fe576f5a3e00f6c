import { EsteiraError, type Frame, quoteName, type ScanOptions } from '@esteira/core'
import type { RecordBatch } from 'apache-arrow'
import { sliceSql } from '../../iceberg/slice.js'
import type { SchemaField } from '../../iceberg/table-metadata.js'
import type { Tables } from '../tables.js'
import { arrowPieces, arrowSchema } from './arrow-batches.js'
import { chooseColumns } from './choose-columns.js'
import { selectLiveRows } from './read-files.js'
import type { TableViews } from './table-view.js'

interface PreparedScan {
  readonly sql: string
  readonly fields: readonly SchemaField[]
}

/** The rows of a table in frames. Nothing is read ahead of the caller but what DuckDB buffers: about a megabyte. */
export async function* scanTable(
  tables: Tables,
  views: TableViews,
  name: string,
  options: ScanOptions,
): AsyncGenerator<Frame> {
  const { sql } = await prepareScan(tables, views, name, options)
  yield* tables.engine.stream(sql, signalOf(options))
}

/** The same as record batches of Arrow. The library is loaded at the first call: it takes about a tenth of a second. */
export async function* scanArrowTable(
  tables: Tables,
  views: TableViews,
  name: string,
  options: ScanOptions,
): AsyncGenerator<RecordBatch> {
  const { sql, fields } = await prepareScan(tables, views, name, options)
  const arrow = await import('apache-arrow')
  const schema = arrowSchema(arrow, fields)
  yield* tables.engine.streamAs(sql, arrowPieces(arrow, schema), signalOf(options))
}

function signalOf({ signal }: ScanOptions): Pick<ScanOptions, 'signal'> {
  return signal === undefined ? {} : { signal }
}

async function prepareScan(
  tables: Tables,
  views: TableViews,
  name: string,
  options: ScanOptions,
): Promise<PreparedScan> {
  const { columns, signal } = options
  const { table, state, slice, planned } = await views.planned(name, options)
  if (columns?.length === 0) {
    throw new EsteiraError('ESTEIRA_USAGE', `no column of table ${name} was asked for`, {
      hint: 'Name at least one column, or leave columns out for all of them.',
      details: { table: name },
    })
  }
  const fields = columns === undefined ? state.schema.fields : chooseColumns(name, state.schema, columns)
  const rows = await selectLiveRows(tables, { table, schema: state.schema, files: planned.files, signal })
  const condition = slice.length === 0 ? '' : ` WHERE ${sliceSql(slice)}`
  const list = fields.map((field) => quoteName(field.name)).join(', ')
  return { sql: `SELECT ${list} FROM (${rows}) AS t${condition}`, fields }
}
