import { liveFiles } from '../iceberg/live-files.js'
import { currentSnapshot } from '../iceberg/table-metadata.js'
import type { TableStorage } from '../storage/table-storage.js'
import type { LoadedTable } from './tables.js'

/** How much a table holds. */
export interface TableTotals {
  readonly rows: number
  readonly files: number
  readonly bytes: number
}

/** Totals of the current snapshot: from its summary, or from its manifests where a writer left them out. */
export async function tableTotals(storage: TableStorage, table: LoadedTable): Promise<TableTotals> {
  const snapshot = currentSnapshot(table.metadata)
  if (snapshot === undefined) return { rows: 0, files: 0, bytes: 0 }
  const [rows, files, bytes] = ['total-records', 'total-data-files', 'total-files-size'].map(
    (key) => snapshot.summary[key],
  )
  if (isCount(rows) && isCount(files) && isCount(bytes))
    return { rows: Number(rows), files: Number(files), bytes: Number(bytes) }
  const live = await liveFiles(storage, table.name, table.metadata, snapshot)
  return {
    rows: live.reduce((sum, { file }) => sum + file.recordCount, 0),
    files: live.length,
    bytes: live.reduce((sum, { file }) => sum + file.sizeBytes, 0),
  }
}

function isCount(text: string | undefined): text is string {
  return text !== undefined && /^\d+$/.test(text)
}
