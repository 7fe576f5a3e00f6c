import { createHash } from 'node:crypto'
import { open, stat } from 'node:fs/promises'
import { basename, isAbsolute, join } from 'node:path'
import {
  EsteiraError,
  hashFile,
  nearest,
  quoteName,
  quoteText,
  type SourceDefinition,
  type SqlEngine,
} from '@esteira/core'

/** A raw file that exists and is not empty. */
export interface RawFile {
  readonly path: string
  readonly name: string
  readonly sizeBytes: number
  /** sha256 over the bytes and the declared columns: a file read for one more column is ingested again. */
  readonly contentHash: string
}

/**
 * Finds the raw file of a source: `override` (from `--source` or `ESTEIRA_SOURCE`), else the path the project names.
 *
 * @throws EsteiraError ESTEIRA_SOURCE_MISSING, ESTEIRA_SOURCE_EMPTY, ESTEIRA_ACCESS_DENIED
 */
export async function findRawFile(
  source: SourceDefinition,
  options: { readonly projectFolder: string; readonly override?: string; readonly signal?: AbortSignal },
): Promise<RawFile> {
  const path = options.override ?? (isAbsolute(source.path) ? source.path : join(options.projectFolder, source.path))
  const info = await stat(path).catch((cause: unknown) => {
    throw new EsteiraError('ESTEIRA_SOURCE_MISSING', `sources.${source.name}: no file at ${path}`, {
      hint: `Give the raw file with --source FILE or ESTEIRA_SOURCE. A project that declares a generator makes sample data:\nnpx esteira generate --project ${options.projectFolder} --rows 200000 --out ${join(options.projectFolder, 'data')}`,
      details: { path },
      cause,
    })
  })
  if (!info.isFile()) {
    throw new EsteiraError(
      'ESTEIRA_SOURCE_MISSING',
      `sources.${source.name}: expected a file at ${path}, found a folder`,
      { hint: 'Name one file with --source FILE or ESTEIRA_SOURCE.', details: { path } },
    )
  }
  if (info.size === 0)
    throw new EsteiraError('ESTEIRA_SOURCE_EMPTY', `sources.${source.name}: ${path} is empty (0 bytes)`, {
      hint: 'Nothing was written. Check the export that wrote the file.',
      details: { file: path },
    })
  return {
    path,
    name: basename(path),
    sizeBytes: info.size,
    contentHash: await identityOf(source, path, options.signal && { signal: options.signal }),
  }
}

async function identityOf(
  source: SourceDefinition,
  path: string,
  options: { readonly signal?: AbortSignal } = {},
): Promise<string> {
  const columns = source.columns.map(({ name }) => name).sort()
  const bytes = await hashFile(path, options)
  return createHash('sha256')
    .update(JSON.stringify([bytes, source.format, columns]))
    .digest('hex')
}

/**
 * SQL (DuckDB) that reads a raw file with every declared column as text and `_line`, the number of the data row from 1.
 * Columns that the source does not declare are left out and named in `ignored`.
 *
 * @throws EsteiraError ESTEIRA_SOURCE_FORMAT when a declared column is missing or the file is not of the declared format
 */
export async function readRawFile(
  source: SourceDefinition,
  file: RawFile,
  engine: SqlEngine,
): Promise<{ readonly sql: string; readonly ignored: readonly string[] }> {
  const columns =
    source.format === 'parquet' ? await parquetColumns(source, file, engine) : await headerColumns(source, file)
  for (const { name } of source.columns) {
    if (columns.includes(name)) continue
    const near = nearest(name, columns)
    throw new EsteiraError(
      'ESTEIRA_SOURCE_FORMAT',
      `sources.${source.name}: ${file.name} has no column "${name}"; it has ${columns.join(', ')}`,
      {
        hint:
          near === undefined
            ? 'Declare the columns as the file names them, or give another file.'
            : `Did you mean "${near}"?`,
        details: { file: file.path, column: name },
      },
    )
  }
  const declared = source.columns.map(({ name }) => name)
  const ignored = columns.filter((name) => !declared.includes(name))
  return { sql: rowsSql(source, file, columns), ignored }
}

function rowsSql(source: SourceDefinition, file: RawFile, columns: readonly string[]): string {
  const path = quoteText(file.path)
  const texts = source.columns.map(
    ({ name }) => `NULLIF(CAST(${quoteName(name)} AS VARCHAR), '') AS ${quoteName(name)}`,
  )
  const line = 'row_number() OVER () AS "_line"'
  switch (source.format) {
    case 'parquet':
      return `SELECT ${texts.join(', ')}, ${line} FROM read_parquet(${path})`
    case 'csv': {
      const types = columns.map((name) => `${quoteText(name)}: 'VARCHAR'`).join(', ')
      const options = `auto_detect = false, header = true, delim = ',', quote = '"', escape = '"', columns = {${types}}`
      return `SELECT ${texts.join(', ')}, ${line} FROM read_csv(${path}, ${options})`
    }
    case 'whitespace': {
      const lines = `read_csv(${path}, auto_detect = false, header = true, delim = '\u0001', quote = '', escape = '', columns = {'line': 'VARCHAR'})`
      const fields = `SELECT string_split_regex(trim("line", e' \\t\\r\\n'), '\\s+') AS "fields", ${line} FROM ${lines}`
      const picked = source.columns.map(
        ({ name }) => `NULLIF("fields"[${columns.indexOf(name) + 1}], '') AS ${quoteName(name)}`,
      )
      const fault = `'data row ' || "_line" || ' has ' || len("fields") || ' fields, the header has ${columns.length}'`
      const whole = `CASE WHEN len("fields") = ${columns.length} THEN TRUE ELSE error(${fault}) END`
      return `SELECT ${picked.join(', ')}, "_line" FROM (${fields}) WHERE "fields" <> [''] AND ${whole}`
    }
  }
}

async function parquetColumns(source: SourceDefinition, file: RawFile, engine: SqlEngine): Promise<string[]> {
  const frame = await engine
    .query(`SELECT * FROM read_parquet(${quoteText(file.path)}) LIMIT 0`)
    .catch((cause: unknown) => {
      throw notOfFormat(source, file, cause)
    })
  return [...frame.columns.keys()]
}

async function headerColumns(source: SourceDefinition, file: RawFile): Promise<string[]> {
  const header = await firstLine(file.path)
  if (/\p{Cc}|\uFFFD/u.test(header.replaceAll('\t', ' ')) || header.startsWith('PAR1')) {
    throw new EsteiraError(
      'ESTEIRA_SOURCE_FORMAT',
      `sources.${source.name}: ${file.name} is binary; expected ${source.format} text`,
      {
        hint: "Set the source's format to what the file is: csv, whitespace or parquet.",
      },
    )
  }
  if (source.format === 'whitespace') return header.trim().split(/\s+/)
  return header.split(',').map((name) => name.trim().replace(/^"(.*)"$/, '$1'))
}

const HEADER_BYTES = 65_536

async function firstLine(path: string): Promise<string> {
  const handle = await open(path)
  try {
    const { buffer, bytesRead } = await handle.read({
      buffer: Buffer.alloc(HEADER_BYTES),
      length: HEADER_BYTES,
      position: 0,
    })
    const text = buffer.subarray(0, bytesRead).toString('utf8')
    return (text.split('\n', 1)[0] ?? '').replace(/^\uFEFF/, '').replace(/\r$/, '')
  } finally {
    await handle.close()
  }
}

/** An engine's complaint about a raw file, told as one of the source. */
export function notOfFormat(source: SourceDefinition, file: RawFile, cause: unknown): EsteiraError {
  if (cause instanceof EsteiraError && cause.code !== 'ESTEIRA_SQL' && cause.code !== 'ESTEIRA_TABLE_CORRUPT')
    return cause
  const reason = reasonOf(cause instanceof Error ? cause.message : String(cause))
  return new EsteiraError(
    'ESTEIRA_SOURCE_FORMAT',
    `sources.${source.name}: ${file.name} cannot be read as ${source.format}: ${reason}`,
    {
      hint: 'Nothing was written. Mend or replace the file; a truncated copy is the usual cause.',
      details: { file: file.path },
      cause,
    },
  )
}

/** The line and the fault of what DuckDB's reader says, without the line itself: it may hold anything. */
function reasonOf(message: string): string {
  const lines = message.split('\n')
  const [, line] = /CSV Error on Line: (\d+)/.exec(message) ?? []
  if (line === undefined) return lines[0] ?? ''
  const known = /Expected Number of Columns: (\d+) Found: (\d+)/.exec(message)
  if (known !== null) return `line ${line}: expected ${known[1]} columns, found ${known[2]}`
  const original = lines.findIndex((text) => text.startsWith('Original Line:'))
  const fault = lines.slice(original + 1).find((text) => text.trim() !== '')
  return `line ${line}: ${fault?.trim() ?? 'malformed'}`
}
