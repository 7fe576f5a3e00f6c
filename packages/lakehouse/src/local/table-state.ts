import type { TableState } from '@esteira/core'
import { columnTypeOf } from '../iceberg/column-types.js'
import { partitionFields } from '../iceberg/partition-columns.js'
import { currentSchema, currentSnapshot, specById } from '../iceberg/table-metadata.js'
import { isReadOnly } from './read-only-tables.js'
import { tableTotals } from './table-totals.js'
import type { LoadedTable, Tables } from './tables.js'
import { countLive, filesOf } from './write/find-affected.js'

/** A table as people see it. */
export async function tableState(tables: Tables, table: LoadedTable): Promise<TableState> {
  const { metadata, name } = table
  const snapshotId = currentSnapshot(metadata)?.['snapshot-id']
  const totals = await tableTotals(tables.storage, table)
  return {
    name,
    location: metadata.location,
    columns: currentSchema(metadata).fields.map((field) => ({
      name: field.name,
      type: columnTypeOf(field, name),
      ...(field.required ? { required: true } : {}),
      ...(field.doc === undefined ? {} : { doc: field.doc }),
    })),
    partitionBy: partitionFields(metadata, specById(metadata, metadata['default-spec-id'])),
    properties: metadata.properties,
    ...(snapshotId === undefined ? {} : { snapshotId: String(snapshotId) }),
    rowCount: totals.deleteFiles === 0 ? totals.rows : await countUndeleted(tables, table),
    fileCount: totals.files,
    sizeBytes: totals.bytes,
    ...((await isReadOnly(tables, table)) ? { readOnly: true } : {}),
  }
}

// The totals of a snapshot count rows that delete files remove.
async function countUndeleted(tables: Tables, table: LoadedTable): Promise<number> {
  const { files } = await filesOf(tables, table)
  const counts = await countLive(tables, table, files, undefined)
  return [...counts.values()].reduce((sum, count) => sum + count, 0)
}
