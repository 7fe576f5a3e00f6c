import type { DuckDBConnection, DuckDBDataChunk, DuckDBType } from '@duckdb/node-api'
import { EsteiraError } from '@esteira/core'
import { interruptedError } from './duckdb-errors.js'

const PIECE_ROWS = 65_536

/** Collects chunks of a result into one piece of it. */
export interface PieceBuilder<T> {
  /** Rows added so far. */
  readonly rowCount: number
  /** Adds the first `count` rows of a chunk; columns beyond the known ones are not looked at. */
  add(chunk: DuckDBDataChunk, count: number): void
  build(): T
}

/** Starts a piece of at most `rowCount` rows. */
export type NewPiece<T> = (names: readonly string[], types: readonly DuckDBType[], rowCount: number) => PieceBuilder<T>

/**
 * The result of a SELECT in pieces. A streaming result of DuckDB ends in the same way when it is complete and when it failed
 * in the middle, so a last row of our own marks the end: without it the result is not whole.
 */
export async function* streamPieces<T>(
  connection: DuckDBConnection,
  sql: string,
  newPiece: NewPiece<T>,
  signal: AbortSignal | undefined,
): AsyncGenerator<T> {
  const result = await connection.stream(await withEndMark(connection, sql))
  const width = result.columnCount - 1
  const names = result.deduplicatedColumnNames().slice(0, width)
  const types = result.columnTypes().slice(0, width)
  let builder = newPiece(names, types, PIECE_ROWS)
  let first = true
  for (let complete = false; !complete; ) {
    const chunk = await result.fetchChunk()
    if (signal?.aborted === true) throw interruptedError('the result was not read to its end')
    if (chunk === null || chunk.rowCount === 0) return await failLoudly(connection, sql)
    complete = endsHere(chunk, width)
    const count = chunk.rowCount - (complete ? 1 : 0)
    if (builder.rowCount + count > PIECE_ROWS) {
      first = false
      yield builder.build()
      builder = newPiece(names, types, PIECE_ROWS)
    }
    builder.add(chunk, count)
  }
  if (first || builder.rowCount > 0) yield builder.build()
}

async function withEndMark(connection: DuckDBConnection, sql: string): Promise<string> {
  const prepared = await connection.prepare(`SELECT * FROM (\n${sql}\n)`)
  const nulls = Array.from({ length: prepared.columnCount }, () => 'NULL')
  prepared.destroySync()
  return `SELECT *, false FROM (\n${sql}\n) UNION ALL SELECT ${nulls.join(', ')}, true`
}

function endsHere(chunk: DuckDBDataChunk, markIndex: number): boolean {
  return chunk.getColumnVector(markIndex).getItem(chunk.rowCount - 1) === true
}

// EXPLAIN ANALYZE executes the statement again and says what went wrong.
async function failLoudly(connection: DuckDBConnection, sql: string): Promise<never> {
  await connection.run(`EXPLAIN ANALYZE SELECT * FROM (\n${sql}\n)`)
  throw new EsteiraError('ESTEIRA_SQL', 'DuckDB ended a result before its end and gives no reason', {
    hint: 'Run the same command again; with another outcome each time the statement is not deterministic.',
  })
}
