import type { DuckDBAppender, DuckDBConnection, DuckDBType, DuckDBValue } from '@duckdb/node-api'
import { type Column, type ColumnType, EsteiraError, type Frame, isNull, quoteName } from '@esteira/core'
import { type DuckDb, loadDuckDb } from './load-duckdb.js'

const SQL_TYPES: Readonly<Record<ColumnType, string>> = {
  boolean: 'BOOLEAN',
  int: 'INTEGER',
  long: 'BIGINT',
  double: 'DOUBLE',
  string: 'VARCHAR',
  date: 'DATE',
  timestamp: 'TIMESTAMP',
}

/** Rows that DuckDB takes at once. */
const CHUNK_ROWS = 2048

/**
 * Fills a new table of the session's database with columns held in memory; the first frame decides names and types.
 *
 * @throws EsteiraError ESTEIRA_USAGE without a frame, or when a later frame has other columns
 */
export async function loadFrames(
  connection: DuckDBConnection,
  table: string,
  frames: AsyncIterable<Frame> | Iterable<Frame>,
): Promise<void> {
  const duckdb = loadDuckDb()
  let shape: string | undefined
  let appender: DuckDBAppender | undefined
  try {
    for await (const frame of frames) {
      if (appender === undefined) {
        shape = shapeOf(frame)
        await connection.run(`CREATE TABLE ${quoteName(table)} (${shape})`)
        appender = await connection.createAppender(table)
      }
      if (shapeOf(frame) !== shape) {
        throw new EsteiraError(
          'ESTEIRA_USAGE',
          `frames of one table must have the same columns: ${shape}; ${shapeOf(frame)} came`,
        )
      }
      appendFrame(duckdb, appender, frame)
    }
    if (appender === undefined) {
      throw new EsteiraError('ESTEIRA_USAGE', 'no frame was given: not even the column names are known')
    }
  } finally {
    appender?.closeSync()
  }
}

function shapeOf(frame: Frame): string {
  return [...frame.columns].map(([name, { type }]) => `${quoteName(name)} ${SQL_TYPES[type]}`).join(', ')
}

function appendFrame(duckdb: DuckDb, appender: DuckDBAppender, frame: Frame): void {
  const columns = [...frame.columns.values()]
  const types = columns.map(({ type }) => typeOf(duckdb, type))
  for (let first = 0; first < frame.rowCount; first += CHUNK_ROWS) {
    const rows = Math.min(CHUNK_ROWS, frame.rowCount - first)
    const chunk = duckdb.DuckDBDataChunk.create(types, rows)
    for (const [index, column] of columns.entries()) chunk.setColumnValues(index, valuesOf(duckdb, column, first, rows))
    appender.appendDataChunk(chunk)
  }
}

function typeOf(duckdb: DuckDb, type: ColumnType): DuckDBType {
  switch (type) {
    case 'boolean':
      return duckdb.BOOLEAN
    case 'int':
      return duckdb.INTEGER
    case 'long':
      return duckdb.BIGINT
    case 'double':
      return duckdb.DOUBLE
    case 'string':
      return duckdb.VARCHAR
    case 'date':
      return duckdb.DATE
    case 'timestamp':
      return duckdb.TIMESTAMP
  }
}

function valuesOf(duckdb: DuckDb, column: Column, first: number, rows: number): DuckDBValue[] {
  const values: DuckDBValue[] = []
  for (let row = first; row < first + rows; row++) {
    values.push(isNull(column, row) ? null : duckDbValue(duckdb, column, row))
  }
  return values
}

function duckDbValue(duckdb: DuckDb, column: Column, row: number): DuckDBValue {
  switch (column.type) {
    case 'boolean':
      return column.values[row] === 1
    case 'date':
      return new duckdb.DuckDBDateValue(column.values[row] ?? 0)
    case 'timestamp':
      return new duckdb.DuckDBTimestampValue(column.values[row] ?? 0n)
    default:
      return column.values[row] ?? null
  }
}
