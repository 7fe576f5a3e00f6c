import type { Frame } from './frame.js'

/** The SQL dialects that statements are rendered in. Athena engine v3 speaks Trino's. */
export const DIALECTS = ['duckdb', 'trino'] as const
export type Dialect = (typeof DIALECTS)[number]

export interface QueryOptions {
  /** Ends the statement on the engine when aborted. */
  readonly signal?: AbortSignal
}

/** Executes SQL in its own dialect. One implementation per engine; conformance is one suite over all. */
export interface SqlEngine {
  readonly dialect: Dialect
  /**
   * The whole result as columns. Decimals come as doubles.
   * @throws EsteiraError ESTEIRA_SQL, ESTEIRA_INTERRUPTED, ESTEIRA_DISK_FULL
   */
  query(sql: string, options?: QueryOptions): Promise<Frame>
  /** The result in pieces of bounded size, in order; for results that do not fit in memory. */
  stream(sql: string, options?: QueryOptions): AsyncIterable<Frame>
  close(): Promise<void>
}
