import { type DataFile, FILE_CONTENT } from '../iceberg/data-file.js'
import { liveContent } from '../iceberg/live-files.js'
import { currentSnapshot } from '../iceberg/table-metadata.js'
import type { TableStorage } from '../storage/table-storage.js'
import type { LoadedTable } from './tables.js'

/** How much a table holds. Rows are those of its data files: rows that delete files remove are among them. */
export interface TableTotals {
  readonly rows: number
  readonly files: number
  /** Of data files and delete files. */
  readonly bytes: number
  readonly deleteFiles: number
  readonly positionDeletes: number
  readonly equalityDeletes: number
}

const NOTHING: TableTotals = { rows: 0, files: 0, bytes: 0, deleteFiles: 0, positionDeletes: 0, equalityDeletes: 0 }

const KEYS: readonly (readonly [keyof TableTotals, string])[] = [
  ['rows', 'total-records'],
  ['files', 'total-data-files'],
  ['bytes', 'total-files-size'],
  ['deleteFiles', 'total-delete-files'],
  ['positionDeletes', 'total-position-deletes'],
  ['equalityDeletes', 'total-equality-deletes'],
]

/** Totals of the current snapshot: from its summary, or from its manifests where a writer left them out. */
export async function tableTotals(storage: TableStorage, table: LoadedTable): Promise<TableTotals> {
  const snapshot = currentSnapshot(table.metadata)
  if (snapshot === undefined) return NOTHING
  const { summary } = snapshot
  if (KEYS.every(([, key]) => isCount(summary[key]))) {
    const entries = KEYS.map(([name, key]) => [name, Number(summary[key])] as const)
    return { ...NOTHING, ...Object.fromEntries(entries) }
  }
  const { files, deletes } = await liveContent(storage, table.name, table.metadata, snapshot)
  return countFiles([...files, ...deletes].map(({ file }) => file))
}

/** Totals as a snapshot's summary writes them. */
export function totalsSummary(totals: TableTotals): Readonly<Record<string, string>> {
  return Object.fromEntries(KEYS.map(([name, key]) => [key, String(totals[name])]))
}

/** Totals after files have come and gone. */
export function nextTotals(before: TableTotals, added: TableTotals, removed: TableTotals): TableTotals {
  const entries = KEYS.map(([name]) => [name, before[name] + added[name] - removed[name]] as const)
  return { ...NOTHING, ...Object.fromEntries(entries) }
}

export function countFiles(files: readonly DataFile[]): TableTotals {
  const data = files.filter(({ content }) => content === FILE_CONTENT.data)
  const deletes = (content: DataFile['content']) =>
    files.reduce((sum, file) => sum + (file.content === content ? file.recordCount : 0), 0)
  return {
    rows: data.reduce((sum, { recordCount }) => sum + recordCount, 0),
    files: data.length,
    bytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    deleteFiles: files.length - data.length,
    positionDeletes: deletes(FILE_CONTENT.positionDeletes),
    equalityDeletes: deletes(FILE_CONTENT.equalityDeletes),
  }
}

function isCount(text: string | undefined): text is string {
  return text !== undefined && /^\d+$/.test(text)
}
