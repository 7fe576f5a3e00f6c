import type { SliceCondition } from '@esteira/core'
import { rowsIn } from '../iceberg/data-file.js'
import { type LiveFile, liveFiles } from '../iceberg/live-files.js'
import { partitionColumns } from '../iceberg/partition-columns.js'
import { type BoundCondition, bindSlice, matchFile, sliceSql } from '../iceberg/slice.js'
import { currentSchema, currentSnapshot, specById } from '../iceberg/table-metadata.js'
import { checkFiles, selectFromFiles } from './read-files.js'
import type { LoadedTable, Tables } from './tables.js'

/** Statements over files are put together from this many files at once. */
const FILES_A_STATEMENT = 100

/** The files that hold rows of a slice in one state of a table. */
export interface AffectedFiles {
  readonly removed: readonly LiveFile[]
  /** Those of the removed files that also hold rows outside of the slice. */
  readonly rewritten: readonly LiveFile[]
  readonly rowsRemoved: number
}

/** Looks at partitions and bounds first, and counts rows only in files where those leave it open. */
export async function findAffectedFiles(
  tables: Tables,
  table: LoadedTable,
  conditions: readonly SliceCondition[],
  signal: AbortSignal | undefined,
): Promise<AffectedFiles> {
  const { metadata, name } = table
  const slice = bindSlice(name, currentSchema(metadata), conditions)
  const live = await liveFiles(tables.storage, name, metadata, currentSnapshot(metadata))
  const matches = live.map((each) => {
    return matchFile(slice, each.file, partitionColumns(metadata, specById(metadata, each.specId)))
  })
  const whole = live.filter((_, index) => matches[index] === 'all')
  const open = live.filter((_, index) => matches[index] === 'some')
  const counts = await countMatches(tables, table, slice, open, signal)
  const countOf = (each: LiveFile) => counts.get(each) ?? 0
  const holding = open.filter((each) => countOf(each) > 0)
  return {
    removed: [...whole, ...holding],
    rewritten: holding.filter((each) => countOf(each) < each.file.recordCount),
    rowsRemoved: rowsIn(whole.map(({ file }) => file)) + holding.reduce((sum, each) => sum + countOf(each), 0),
  }
}

async function countMatches(
  tables: Tables,
  table: LoadedTable,
  slice: readonly BoundCondition[],
  files: readonly LiveFile[],
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<LiveFile, number>> {
  checkFiles(
    table.name,
    tables.storage,
    files.map(({ file }) => file),
  )
  const schema = currentSchema(table.metadata)
  const counts = new Map<LiveFile, number>()
  for (let start = 0; start < files.length; start += FILES_A_STATEMENT) {
    const group = files.slice(start, start + FILES_A_STATEMENT)
    const selects = group.map(({ file }, index) => {
      const rows = selectFromFiles(table.name, schema, [file])
      return `SELECT ${index} AS file, count(*) AS matches FROM (${rows}) WHERE ${sliceSql(slice)}`
    })
    const sql = `${selects.join(' UNION ALL ')} ORDER BY file`
    const rows = await tables.engine.readRows(sql, signal === undefined ? {} : { signal })
    group.forEach((each, index) => {
      counts.set(each, Number(rows[index]?.['matches'] ?? 0))
    })
  }
  return counts
}
