import type { SliceCondition } from '@esteira/core'
import { type HeldFile, type LiveFile, liveContent } from '../../iceberg/live-files.js'
import { partitionColumns } from '../../iceberg/partition-columns.js'
import { type BoundCondition, bindSlice, matchFile, type SliceMatch, sliceSql } from '../../iceberg/slice.js'
import { currentSchema, currentSnapshot, specById } from '../../iceberg/table-metadata.js'
import { originOf, selectLiveRows } from '../read/read-files.js'
import type { LoadedTable, Tables } from '../tables.js'

/** The files that hold rows which go, in one state of a table. */
export interface AffectedFiles {
  readonly removed: readonly LiveFile[]
  /** Those of the removed files that also hold rows which stay. */
  readonly rewritten: readonly LiveFile[]
  readonly rowsRemoved: number
}

/** All files of one state of a table. */
export interface TableFiles {
  readonly files: readonly LiveFile[]
  readonly deletes: readonly HeldFile[]
}

export function filesOf(tables: Tables, { name, metadata }: LoadedTable): Promise<TableFiles> {
  return liveContent(tables.storage, name, metadata, currentSnapshot(metadata))
}

/** The files that hold rows of a slice. Partitions and bounds are looked at first; rows are counted only where those leave it open. */
export async function findAffectedFiles(
  tables: Tables,
  table: LoadedTable,
  conditions: readonly SliceCondition[],
  signal: AbortSignal | undefined,
  { files }: TableFiles,
): Promise<AffectedFiles> {
  const slice = bindSlice(table.name, currentSchema(table.metadata), conditions)
  const matches = files.map((each) => matchLiveFile(table, slice, each))
  const whole = files.filter((_, index) => matches[index] === 'all')
  const open = files.filter((_, index) => matches[index] === 'some')
  const matching = await countRows(tables, table, open, { condition: sliceSql(slice), signal })
  const holding = open.filter((each) => (matching.get(each) ?? 0) > 0)
  const live = await countLive(tables, table, [...whole, ...holding], signal)
  const gone = (each: LiveFile) => matching.get(each) ?? live.get(each) ?? 0
  const removed = [...whole, ...holding]
  return {
    removed,
    rewritten: holding.filter((each) => gone(each) < (live.get(each) ?? 0)),
    rowsRemoved: removed.reduce((sum, each) => sum + gone(each), 0),
  }
}

export function matchLiveFile(
  { metadata }: LoadedTable,
  slice: readonly BoundCondition[],
  { file, specId }: LiveFile,
): SliceMatch {
  return matchFile(slice, file, partitionColumns(metadata, specById(metadata, specId)))
}

/** Rows that each file holds: as its manifest says, or counted where delete files remove some. */
export async function countLive(
  tables: Tables,
  table: LoadedTable,
  files: readonly LiveFile[],
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<LiveFile, number>> {
  const counts = new Map(files.map((each) => [each, each.file.recordCount]))
  const torn = files.filter(({ deletes }) => deletes.length > 0)
  const counted = await countRows(tables, table, torn, { condition: 'true', signal })
  for (const each of torn) counts.set(each, counted.get(each) ?? 0)
  return counts
}

/** Rows of each file for which the condition holds; files without one are left out. */
export async function countRows(
  tables: Tables,
  table: LoadedTable,
  files: readonly LiveFile[],
  { condition, signal }: { readonly condition: string; readonly signal: AbortSignal | undefined },
): Promise<ReadonlyMap<LiveFile, number>> {
  if (files.length === 0) return new Map()
  const schema = currentSchema(table.metadata)
  const rows = await selectLiveRows(tables, { table, schema, files, origin: true, signal })
  const sql = `SELECT _esteira_file AS file, count(*) AS found FROM (${rows}) WHERE ${condition} GROUP BY _esteira_file`
  const counted = await tables.engine.readRows(sql, signal === undefined ? {} : { signal })
  const byName = new Map(counted.map(({ file, found }) => [String(file), Number(found)]))
  return new Map(
    files.flatMap((each) => {
      const found = byName.get(originOf(each.file))
      return found === undefined ? [] : [[each, found] as const]
    }),
  )
}
