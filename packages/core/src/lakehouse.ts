import type { Frame } from './frame.js'
import type { SqlEngine } from './sql-engine.js'

/**
 * Types of table columns, in Iceberg's words. `timestamp` has no zone and millisecond precision
 * (what Athena can read); `decimal(p,s)` keeps money exact. Nested: `list<string>`, `map<string, long>`,
 * `struct<name: string, "odd name": list<int>>`.
 */
export type TableColumnType =
  | 'boolean'
  | 'int'
  | 'long'
  | 'float'
  | 'double'
  | 'string'
  | 'date'
  | 'time'
  | 'timestamp'
  | 'timestamptz'
  | 'uuid'
  | 'binary'
  | `fixed(${number})`
  | `decimal(${number},${number})`
  | `list<${string}>`
  | `map<${string}>`
  | `struct<${string}>`

export interface TableColumn {
  readonly name: string
  readonly type: TableColumnType
  readonly required?: boolean
  readonly doc?: string
}

/** `{ column: 'feature_date', transform: 'month' }`, `{ column: 'customer_id', transform: 'bucket[16]' }`. */
export interface PartitionField {
  readonly column: string
  readonly transform:
    | 'identity'
    | 'year'
    | 'month'
    | 'day'
    | 'hour'
    | 'void'
    | `bucket[${number}]`
    | `truncate[${number}]`
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
  /** The table belongs to others and was registered without being adopted: every write is refused. */
  readonly readOnly?: boolean
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
  /** Name of a tag or a branch. */
  readonly ref?: string
}

/** One condition of a slice; all conditions of a slice hold at once. A null matches `is null` alone. */
export interface SliceCondition {
  readonly column: string
  readonly op: '=' | '!=' | '<' | '<=' | '>' | '>=' | 'in' | 'not in' | 'is null' | 'is not null'
  /**
   * Text, number, or `YYYY-MM-DD` / `YYYY-MM-DD hh:mm:ss` for dates and timestamps; a list for `in` and `not in`;
   * left out for `is null` and `is not null`.
   */
  readonly value?: string | number | boolean | readonly (string | number)[]
}

/** A condition that the reader of a table puts to its rows anyway. */
export interface PruningCondition extends SliceCondition {
  /** What a text stands for, when the column must be of that kind for the condition to say anything. */
  readonly valueType?: 'date' | 'timestamp'
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

export interface UpsertResult extends CommitResult {
  /** Keys that the table did not have. */
  readonly rowsInserted: number
  /** Keys that it had. */
  readonly rowsUpdated: number
}

/** One field of a sort order: files written from then on hold their rows in this order. */
export interface SortField {
  readonly column: string
  /** Default `asc`. */
  readonly direction?: 'asc' | 'desc'
  /** Default `first` for `asc`, `last` for `desc`, as in Iceberg. */
  readonly nulls?: 'first' | 'last'
}

/** One change of a table. A column inside a struct is named by its path: `address.city`. */
export type TableChange =
  | {
      readonly op: 'add'
      readonly column: string
      readonly type: TableColumnType
      readonly required?: boolean
      readonly doc?: string
    }
  | { readonly op: 'rename'; readonly column: string; readonly to: string }
  | { readonly op: 'drop'; readonly column: string }
  /** To the front when `after` is left out. */
  | { readonly op: 'move'; readonly column: string; readonly after?: string }
  /** int to long, float to double, a decimal to more digits. */
  | { readonly op: 'widen'; readonly column: string; readonly type: TableColumnType }
  | { readonly op: 'make optional'; readonly column: string }
  | { readonly op: 'describe'; readonly column: string; readonly doc: string }
  /** The whole new partitioning; files that are there keep theirs. */
  | { readonly op: 'partition by'; readonly fields: readonly PartitionField[] }
  | { readonly op: 'add partition'; readonly field: PartitionField }
  | { readonly op: 'drop partition'; readonly field: PartitionField }
  | { readonly op: 'sort by'; readonly fields: readonly SortField[] }
  | { readonly op: 'set'; readonly properties: Readonly<Record<string, string>> }
  | { readonly op: 'unset'; readonly properties: readonly string[] }

export interface RefOptions {
  readonly snapshotId?: string
  /** The reference itself expires after this time; never when left out. */
  readonly maxRefAgeMs?: number
}

export interface TableRef {
  readonly name: string
  readonly type: 'branch' | 'tag'
  readonly snapshotId: string
  readonly maxRefAgeMs?: number
}

export interface RollbackResult {
  readonly snapshotId: string
  /** False when the commit was made before, or the table stands there already. */
  readonly committed: boolean
}

export interface ExpireOptions {
  /** Newest snapshots that stay. */
  readonly keepLast?: number
  /** Only snapshots committed before this time go. Without both options: the table's properties, else 5 days. */
  readonly olderThan?: Date
  readonly dryRun?: boolean
}

export interface ExpireResult {
  readonly snapshots: readonly string[]
  readonly dataFiles: number
  readonly metadataFiles: number
  readonly sizeBytes: number
  readonly dryRun: boolean
}

export interface CompactOptions {
  /** Only files that can hold rows of this slice. */
  readonly slice?: readonly SliceCondition[]
  /** Default: the table's `write.target-file-size-bytes`, else 128 MiB. */
  readonly targetBytes?: number
}

export interface CompactResult {
  readonly snapshotId?: string
  readonly committed: boolean
  readonly filesBefore: number
  readonly filesAfter: number
  readonly bytesBefore: number
  readonly bytesAfter: number
  readonly deleteFilesRemoved: number
  readonly manifestsBefore: number
  readonly manifestsAfter: number
}

export interface OrphanOptions {
  /** Only files last changed before this time; default 3 days ago. Files of a commit in flight are younger. */
  readonly olderThan?: Date
  /** Default true. */
  readonly dryRun?: boolean
}

export interface OrphanResult {
  readonly files: readonly { readonly path: string; readonly sizeBytes: number; readonly changedAt: Date }[]
  readonly sizeBytes: number
  readonly dryRun: boolean
}

export interface RelocateResult {
  readonly from: string
  readonly to: string
  readonly files: number
  readonly sizeBytes: number
  readonly committed: boolean
}

/** What a read of a table touches: numbers of its plan, made from metadata alone. */
export interface ScanPlan {
  /** The snapshot that is read; absent when the table has none. */
  readonly snapshotId?: string
  /** Data files; delete files are not counted. */
  readonly filesRead: number
  readonly filesSkipped: number
  readonly bytesRead: number
  /** Absent when the writer of the table left its totals out and whole manifests were skipped. */
  readonly bytesSkipped?: number
  readonly manifestsRead: number
  readonly manifestsSkipped: number
  /** Rows of the files that are read, before conditions and deletes. */
  readonly rowsAtMost: number
}

export interface PlanOptions {
  readonly version?: TableVersion
  /** Files that surely hold no such row are not opened. */
  readonly where?: readonly PruningCondition[]
}

export interface ScanOptions {
  readonly version?: TableVersion
  /** Only rows of this slice come, and only files that can hold some are opened. */
  readonly where?: readonly SliceCondition[]
  /** Default: all columns, in the order of the table. */
  readonly columns?: readonly string[]
  readonly signal?: AbortSignal
}

/** A record batch of the package `apache-arrow`, as far as it can be named without loading that package. */
export interface ArrowBatch {
  readonly numRows: number
  readonly numCols: number
}

export interface RegisterOptions {
  /** Takes the table over: it may be written. Without it the table stays somebody else's and is only read. */
  readonly adopt?: boolean
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
  /** Names of all tables as `<database>.<table>`, sorted; also of those that cannot be read. */
  tableNames(): Promise<readonly string[]>
  /** Creates the table, or adds the columns it lacks. @throws EsteiraError ESTEIRA_UNSUPPORTED when a type differs */
  ensureTable(name: string, definition: TableDefinition): Promise<TableState>
  /**
   * SQL text that stands for the table in a FROM clause of this engine. The version is resolved now, once.
   * `where` says what the reader will ask anyway: files that surely hold no such row are left out, no row is filtered. A condition
   * that does not fit its column says nothing and is passed over.
   * A name such as `silver.bookings$snapshots` gives a metadata table: `snapshots history refs manifests files partitions`.
   * @throws EsteiraError ESTEIRA_TABLE_MISSING, ESTEIRA_TABLE_CORRUPT
   */
  relation(name: string, version?: TableVersion, where?: readonly PruningCondition[]): Promise<string>
  /**
   * What a read would open and what it would pass by, from metadata alone.
   * @throws EsteiraError ESTEIRA_TABLE_MISSING, ESTEIRA_TABLE_CORRUPT, ESTEIRA_COLUMN_MISSING
   */
  plan(name: string, options?: PlanOptions): Promise<ScanPlan>
  /**
   * The rows of a table in pieces of bounded size. Only as much is read ahead as a few pieces; memory does not grow with the
   * table.
   * @throws EsteiraError ESTEIRA_TABLE_MISSING, ESTEIRA_COLUMN_MISSING, ESTEIRA_TABLE_CORRUPT, ESTEIRA_INTERRUPTED
   */
  scan(name: string, options?: ScanOptions): AsyncIterable<Frame>
  /** The same as record batches of `apache-arrow`, with exact types: decimals, dates and timestamps stay what they are. */
  scanArrow(name: string, options?: ScanOptions): AsyncIterable<ArrowBatch>
  /**
   * Makes a table that others wrote known by a name: from its metadata file, or from its folder. Again with the same table
   * changes nothing. Without `adopt` every write to it is refused.
   * @throws EsteiraError ESTEIRA_SOURCE_MISSING, ESTEIRA_UNSUPPORTED, ESTEIRA_TABLE_CORRUPT, ESTEIRA_USAGE when the name is taken
   */
  register(name: string, metadataLocation: string, options?: RegisterOptions): Promise<TableState>
  append(name: string, rows: string, commit: Commit): Promise<CommitResult>
  /** Removes the rows of the slice and adds `rows`, in one commit: readers see before or after. */
  replace(name: string, slice: readonly SliceCondition[], rows: string, commit: Commit): Promise<CommitResult>
  /**
   * Writes rows by key, in one commit: a row whose key the table has takes the place of the old one, the others are added.
   * @throws EsteiraError ESTEIRA_KEY_DUPLICATE when a key comes twice in `rows`, ESTEIRA_COLUMN_NULL when it is null
   */
  upsert(name: string, key: readonly string[], rows: string, commit: Commit): Promise<UpsertResult>
  /** Removes the rows of the slice, in one commit. Files that lie wholly in it go without being read. */
  delete(name: string, slice: readonly SliceCondition[], commit: Commit): Promise<CommitResult>
  /** Changes columns, partitioning, sort order and properties in one commit of metadata; no file is rewritten. */
  evolve(name: string, changes: readonly TableChange[]): Promise<TableState>
  /**
   * Makes an earlier state the current one. The snapshots after it stay readable until they expire.
   * @throws EsteiraError ESTEIRA_USAGE when the snapshot is no ancestor of the current one and `force` is not set
   */
  rollback(
    name: string,
    snapshotId: string,
    commit: Commit,
    options?: { readonly force?: boolean },
  ): Promise<RollbackResult>
  /** Names a snapshot for good; the current one when none is given. The same again changes nothing. */
  tag(name: string, tag: string, options?: RefOptions): Promise<TableRef>
  /** A branch at a snapshot; the current one when none is given. */
  branch(name: string, branch: string, options?: RefOptions): Promise<TableRef>
  /** Removes a tag or a branch; false when there is none. */
  dropRef(name: string, ref: string): Promise<boolean>
  refs(name: string): Promise<readonly TableRef[]>
  /** Forgets old snapshots and removes the files that only they need. What a tag, a branch or a pin names always stays. */
  expire(name: string, options?: ExpireOptions): Promise<ExpireResult>
  /** Writes small files together and applies delete files; the rows stay what they are. */
  compact(name: string, options: CompactOptions, commit: Commit): Promise<CompactResult>
  /** Finds files in the table's folder that no snapshot needs; removes them only when `dryRun` is false. */
  removeOrphans(name: string, options?: OrphanOptions): Promise<OrphanResult>
  /** Moves the table to another folder. Readers see the old place until the new one is complete. */
  relocate(name: string, location: string, options?: { readonly keepOld?: boolean }): Promise<RelocateResult>
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
