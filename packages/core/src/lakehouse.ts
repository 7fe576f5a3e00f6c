import type { Frame } from './frame.js'
import type { SqlEngine } from './sql-engine.js'

/**
 * Types of table columns, in Iceberg's words. `timestamp` has no zone and millisecond precision
 * (what Athena can read); `decimal(p,s)` keeps money exact.
 */
export type TableColumnType =
  | 'boolean'
  | 'int'
  | 'long'
  | 'float'
  | 'double'
  | 'string'
  | 'date'
  | 'timestamp'
  | `decimal(${number},${number})`

export interface TableColumn {
  readonly name: string
  readonly type: TableColumnType
  readonly required?: boolean
  readonly doc?: string
}

/** `{ column: 'feature_date', transform: 'month' }`. */
export interface PartitionField {
  readonly column: string
  readonly transform: 'identity' | 'year' | 'month' | 'day' | 'hour'
}

export interface TableDefinition {
  readonly columns: readonly TableColumn[]
  readonly partitionBy?: readonly PartitionField[]
  readonly properties?: Readonly<Record<string, string>>
}

/** A table as its catalog pointer stands now. Snapshot ids are decimal text: they have 63 bits. */
export interface TableState {
  /** `<database>.<table>` */
  readonly name: string
  readonly location: string
  readonly columns: readonly TableColumn[]
  readonly partitionBy: readonly PartitionField[]
  readonly properties: Readonly<Record<string, string>>
  /** Absent before the first commit of data. */
  readonly snapshotId?: string
  readonly rowCount: number
  readonly fileCount: number
  readonly sizeBytes: number
}

export interface Snapshot {
  readonly snapshotId: string
  readonly parentId?: string
  readonly committedAt: Date
  readonly operation: 'append' | 'overwrite' | 'delete' | 'replace'
  readonly summary: Readonly<Record<string, string>>
}

/** Which state of a table to read; the current one when empty. */
export interface TableVersion {
  readonly snapshotId?: string
  readonly asOf?: Date
}

/** One condition of a slice; all conditions of a slice hold at once. A null never matches. */
export interface SliceCondition {
  readonly column: string
  readonly op: '=' | 'in' | '>=' | '<'
  /** Text, number, or `YYYY-MM-DD` / `YYYY-MM-DD hh:mm:ss` for dates and timestamps; a list for `in`. */
  readonly value: string | number | boolean | readonly (string | number)[]
}

export interface Commit {
  /** Same id twice is one commit: the second call changes nothing and returns the first's result. */
  readonly commitId: string
  readonly runId: string
  /** More facts for the snapshot summary. */
  readonly properties?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

export interface CommitResult {
  /** The snapshot that holds the commit; absent when there was nothing to write. */
  readonly snapshotId?: string
  readonly rowsAdded: number
  readonly rowsRemoved: number
  /** False when the commit id was found in the table's history, or there was nothing to write. */
  readonly committed: boolean
}

/**
 * Tables that change only by whole commits. `rows` is a SELECT in the engine's dialect whose columns are
 * matched to the table's by name and cast to its types; missing columns are null.
 */
export interface Lakehouse {
  readonly engine: SqlEngine
  /** Undefined when there is no such table. */
  table(name: string): Promise<TableState | undefined>
  tables(): Promise<readonly TableState[]>
  /** Creates the table, or adds the columns it lacks. @throws EsteiraError ESTEIRA_UNSUPPORTED when a type differs */
  ensureTable(name: string, definition: TableDefinition): Promise<TableState>
  /**
   * SQL text that stands for the table in a FROM clause of this engine. The version is resolved now, once.
   * @throws EsteiraError ESTEIRA_TABLE_MISSING, ESTEIRA_TABLE_CORRUPT
   */
  relation(name: string, version?: TableVersion): Promise<string>
  append(name: string, rows: string, commit: Commit): Promise<CommitResult>
  /** Removes the rows of the slice and adds `rows`, in one commit: readers see before or after. */
  replace(name: string, slice: readonly SliceCondition[], rows: string, commit: Commit): Promise<CommitResult>
  snapshots(name: string): Promise<readonly Snapshot[]>
  /**
   * Writes the rows of a SELECT to a Parquet file outside any table: staged features, training sets.
   * The file appears whole or not at all; row order is kept.
   */
  writeParquet(key: string, rows: string, options?: { readonly signal?: AbortSignal }): Promise<WrittenParquet>
  /** The same for columns held in memory, given in pieces: predictions on their way into a table. */
  writeFrames(key: string, frames: AsyncIterable<Frame> | Iterable<Frame>): Promise<WrittenParquet>
  /** SQL text that stands for a Parquet file written by {@link Lakehouse.writeParquet} in a FROM clause. */
  parquet(key: string): Promise<string>
  close(): Promise<void>
}

export interface WrittenParquet {
  readonly key: string
  readonly rowCount: number
  readonly sizeBytes: number
}
