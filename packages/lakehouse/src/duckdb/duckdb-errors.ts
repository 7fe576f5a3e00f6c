import { EsteiraError } from '@esteira/core'

// What DuckDB and the operating system say when bytes have no place to go. A file size limit or a quota counts as a full disk.
const DISK_FULL = /No space left on device|ENOSPC|File too large|Disk quota exceeded|max_temp_directory_size/i
const ACCESS_DENIED = /Permission denied|Read-only file system|Operation not permitted/i
// What DuckDB's Parquet reader says of bytes that are no Parquet: nothing but a damaged file leads to these.
const DAMAGED_FILE =
  /^(?:Invalid|Invalid Input|IO) Error: .*(?:No magic bytes found|Malformed Parquet|[Dd]ecompression failure|TProtocolException|TTransport|invalid TType|don't know what type|Out of buffer|Payload value bigger|Could not read enough bytes|page header|requires length to be set|Invalid string encoding found in Parquet|detected in value construction)/
// How DuckDB says that a name is no column of what a statement reads.
const MISSING_COLUMN = [
  /^Binder Error: Referenced column "(.+?)" (?:was )?not found/,
  /^Binder Error: .* does not have a column named "(.+?)"/,
  // A column of the SELECT list has its own name as alias, which DuckDB then takes for the one that is meant.
  /^Binder Error: Column "(.+?)" referenced that exists in the SELECT clause/,
  /^Binder Error: Column "(.+?)" does not exist on (?:left|right) side of join/,
]

/** The failure of a DuckDB statement as one of our errors: its first lines, without a stack. */
export function duckDbError(cause: unknown, signal?: AbortSignal): EsteiraError {
  if (cause instanceof EsteiraError) return cause
  if (signal?.aborted === true) return interruptedError('the statement was ended', cause)
  const message = cause instanceof Error ? cause.message : String(cause)
  if (DISK_FULL.test(message)) {
    return new EsteiraError('ESTEIRA_DISK_FULL', `DuckDB could not write: ${message}`, {
      hint: 'Free some disk space (or raise the limit) and run the same command again; nothing was changed.',
      cause,
    })
  }
  if (ACCESS_DENIED.test(message)) {
    return new EsteiraError('ESTEIRA_ACCESS_DENIED', `DuckDB was refused a file: ${message}`, {
      hint: 'Give this user read and write access to the named file or folder.',
      cause,
    })
  }
  if (DAMAGED_FILE.test(message)) {
    return new EsteiraError('ESTEIRA_TABLE_CORRUPT', `DuckDB found a damaged Parquet file: ${message}`, {
      hint: 'Restore the file, or read an older snapshot of the table. Where the message names none, read the files one by one: SELECT file_path FROM "<table>$files".',
      cause,
    })
  }
  const column = MISSING_COLUMN.map((pattern) => pattern.exec(message)?.[1]).find((found) => found !== undefined)
  return new EsteiraError('ESTEIRA_SQL', `DuckDB refused the statement: ${message}`, {
    ...(column === undefined ? {} : { details: { missingColumn: column } }),
    ...(/^Out of Memory Error/.test(message) ? { hint: 'Raise the memory limit or read fewer columns and rows.' } : {}),
    cause,
  })
}

/** The error of work that was stopped by its abort signal. */
export function interruptedError(what: string, cause?: unknown): EsteiraError {
  return new EsteiraError('ESTEIRA_INTERRUPTED', `${what} because the run was asked to stop`, {
    hint: 'Run the same command again; what was committed stays, nothing is half written.',
    cause,
  })
}
