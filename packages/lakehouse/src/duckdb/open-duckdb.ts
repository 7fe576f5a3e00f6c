import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DuckDBConnection, DuckDBInstance, Json } from '@duckdb/node-api'
import { EsteiraError, type Frame, type QueryOptions, type SqlEngine } from '@esteira/core'
import { duckDbError, interruptedError } from './duckdb-errors.js'
import { FrameBuilder } from './frame-builder.js'
import { loadDuckDb } from './load-duckdb.js'
import { loadFrames } from './load-frames.js'
import { type NewPiece, streamPieces } from './stream-pieces.js'

export interface DuckDbOptions {
  /** DuckDB's words: `4GB`, `80%`. Default: DuckDB's own, 80 % of the memory. */
  readonly memoryLimit?: string
  /** Default: one a core. */
  readonly threads?: number
  /** Folder for what does not fit in memory; default the system's folder for temporary files. */
  readonly tempFolder?: string
}

/** DuckDB in this process, with what the local lakehouse needs beyond {@link SqlEngine}. */
export interface DuckDbEngine extends SqlEngine {
  readonly dialect: 'duckdb'
  /** The result in pieces of the caller's making: {@link SqlEngine.stream} makes frames. */
  streamAs<T>(sql: string, newPiece: NewPiece<T>, options?: QueryOptions): AsyncIterable<T>
  /** A small result as JSON rows, nested values included. */
  readRows(sql: string, options?: QueryOptions): Promise<readonly Readonly<Record<string, Json>>[]>
  /** Names of the columns that a SELECT gives, in order, without executing it. */
  columnNames(select: string, options?: QueryOptions): Promise<readonly string[]>
  /** Calls `use` with a FROM clause that stands for columns held in memory, and forgets them afterwards. */
  withFrames<T>(frames: AsyncIterable<Frame> | Iterable<Frame>, use: (relation: string) => Promise<T>): Promise<T>
}

let opened = 0

/**
 * Opens DuckDB in memory: sessions in UTC, row order kept, no extension fetched from anywhere.
 * Statements run at the same time, each on a session of its own; tables and views are shared, temporary ones are not.
 *
 * @throws EsteiraError ESTEIRA_OPTIONAL_PACKAGE when DuckDB's native library does not load
 * @example
 * const engine = await openDuckDb({ threads: 2 })
 * const frame = await engine.query('SELECT 42 AS answer')
 */
export async function openDuckDb(options: DuckDbOptions = {}): Promise<DuckDbEngine> {
  const { DuckDBInstance } = loadDuckDb()
  opened += 1
  // DuckDB makes the folder when it needs it, but not the one above; two processes must not share one. Where it cannot be made, the
  // statement that needs it says so.
  if (options.tempFolder !== undefined) await mkdir(options.tempFolder, { recursive: true }).catch(() => undefined)
  const tempFolder = join(options.tempFolder ?? tmpdir(), `esteira-duckdb-${process.pid}-${opened}`)
  const instance = await DuckDBInstance.create(':memory:', {
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    temp_directory: tempFolder,
    ...(options.memoryLimit === undefined ? {} : { memory_limit: options.memoryLimit }),
    ...(options.threads === undefined ? {} : { threads: String(options.threads) }),
  }).catch((cause: unknown) => {
    throw duckDbError(cause)
  })
  const first = await instance.connect()
  await first.run("SET GLOBAL TimeZone = 'UTC'; SET GLOBAL preserve_insertion_order = true")
  return new DuckDb(instance, first)
}

class DuckDb implements DuckDbEngine {
  readonly dialect = 'duckdb'
  readonly #instance: DuckDBInstance
  readonly #idle: DuckDBConnection[]
  readonly #all: Set<DuckDBConnection>
  #closed = false
  #loaded = 0

  constructor(instance: DuckDBInstance, first: DuckDBConnection) {
    this.#instance = instance
    this.#idle = [first]
    this.#all = new Set([first])
  }

  query(sql: string, options: QueryOptions = {}): Promise<Frame> {
    return this.#use(options.signal, async (connection) => {
      const result = await connection.run(sql)
      const builder = new FrameBuilder(result.deduplicatedColumnNames(), result.columnTypes(), result.rowCount)
      for (let index = 0; index < result.chunkCount; index++) builder.add(result.getChunk(index))
      return builder.build()
    })
  }

  stream(sql: string, options: QueryOptions = {}): AsyncIterable<Frame> {
    return this.streamAs(sql, (names, types, rowCount) => new FrameBuilder(names, types, rowCount), options)
  }

  async *streamAs<T>(sql: string, newPiece: NewPiece<T>, options: QueryOptions = {}): AsyncIterable<T> {
    const { signal } = options
    const connection = await this.#take(signal)
    const release = interruptOnAbort(connection, signal)
    try {
      yield* streamPieces(connection, sql, newPiece, signal)
    } catch (cause) {
      throw duckDbError(cause, signal)
    } finally {
      release()
      // A stream that was not read to its end keeps its session busy; the session goes, not back to the idle ones.
      this.#all.delete(connection)
      connection.closeSync()
    }
  }

  readRows(sql: string, options: QueryOptions = {}): Promise<readonly Readonly<Record<string, Json>>[]> {
    return this.#use(options.signal, async (connection) => (await connection.run(sql)).getRowObjectsJson())
  }

  columnNames(select: string, options: QueryOptions = {}): Promise<readonly string[]> {
    return this.#use(options.signal, async (connection) => {
      const prepared = await connection.prepare(`SELECT * FROM (\n${select}\n)`)
      const names = Array.from({ length: prepared.columnCount }, (_, index) => prepared.columnName(index))
      prepared.destroySync()
      return names
    })
  }

  async withFrames<T>(
    frames: AsyncIterable<Frame> | Iterable<Frame>,
    use: (relation: string) => Promise<T>,
  ): Promise<T> {
    const table = `frames_${this.#loaded++}`
    try {
      await this.#use(undefined, (connection) => loadFrames(connection, table, frames))
      return await use(`"${table}"`)
    } finally {
      await this.#use(undefined, (connection) => connection.run(`DROP TABLE IF EXISTS "${table}"`))
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const connection of this.#all) connection.closeSync()
    this.#instance.closeSync()
  }

  async #use<T>(signal: AbortSignal | undefined, work: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    const connection = await this.#take(signal)
    const release = interruptOnAbort(connection, signal)
    try {
      // The signal may have aborted while the session was made.
      if (signal?.aborted === true) throw interruptedError('the statement was not started')
      return await work(connection)
    } catch (cause) {
      throw duckDbError(cause, signal)
    } finally {
      release()
      this.#idle.push(connection)
    }
  }

  async #take(signal: AbortSignal | undefined): Promise<DuckDBConnection> {
    if (signal?.aborted === true) throw interruptedError('the statement was not started')
    if (this.#closed) throw new EsteiraError('ESTEIRA_INTERNAL', 'DuckDB was used after it was closed')
    const idle = this.#idle.pop()
    if (idle !== undefined) return idle
    const connection = await this.#instance.connect()
    this.#all.add(connection)
    return connection
  }
}

// An interrupt that comes before the statement has started is forgotten by DuckDB, so it is repeated until the statement ends.
function interruptOnAbort(connection: DuckDBConnection, signal: AbortSignal | undefined): () => void {
  if (signal === undefined) return () => {}
  let timer: ReturnType<typeof setInterval> | undefined
  const interrupt = () => {
    connection.interrupt()
    timer ??= setInterval(() => connection.interrupt(), 20)
  }
  signal.addEventListener('abort', interrupt, { once: true })
  return () => {
    signal.removeEventListener('abort', interrupt)
    clearInterval(timer)
  }
}
