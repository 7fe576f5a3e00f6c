import {
  EsteiraError,
  exampleValues,
  type Lakehouse,
  quoteName,
  quoteText,
  type SourceDefinition,
  type Step,
  type StepScope,
  type TableDefinition,
  tableNames,
  toRows,
} from '@esteira/core'
import { findRawFile, notOfFormat, type RawFile, readRawFile } from './raw-file.js'
import { isUnparsable, parsedValue } from './source-values.js'

/** What an ingestion did. */
export interface IngestResult {
  readonly table: string
  readonly snapshotId: string | null
  /** Data rows of the file. */
  readonly rowsIn: number
  /** Rows added to bronze: 0 when the same content was ingested before. */
  readonly rowsAdded: number
  readonly isKnownContent: boolean
  /** Identity of what was read, see {@link RawFile.contentHash}. */
  readonly contentHash: string
}

export interface IngestOptions {
  readonly project: string
  readonly source: SourceDefinition
  readonly file: RawFile
  readonly lakehouse: Lakehouse
  readonly runId: string
  readonly ingestedAt: Date
  readonly signal?: AbortSignal
  readonly warn?: (message: string) => void
}

/**
 * Raw file → bronze: every row as it came, as text, with file, line, content hash and ingestion time. The same content again
 * adds nothing. A file with a value of the wrong type is refused whole.
 *
 * @throws EsteiraError ESTEIRA_SOURCE_EMPTY, ESTEIRA_SOURCE_FORMAT, ESTEIRA_SOURCE_TYPE
 */
export async function ingestRaw(options: IngestOptions): Promise<IngestResult> {
  const { source, file, lakehouse } = options
  const table = tableNames.bronze(options.project, source)
  const state = await lakehouse.table(table)
  const known = state === undefined ? 0 : await rowsOfContent(lakehouse, table, file)
  if (known > 0) {
    return {
      table,
      snapshotId: state?.snapshotId ?? null,
      rowsIn: known,
      rowsAdded: 0,
      isKnownContent: true,
      contentHash: file.contentHash,
    }
  }
  const raw = await readRawFile(source, file, lakehouse.engine)
  if (raw.ignored.length > 0) options.warn?.(`${file.name}: undeclared columns are left out: ${raw.ignored.join(', ')}`)
  const rowsIn = await checkTypes(options, raw.sql)
  if (rowsIn === 0)
    throw new EsteiraError('ESTEIRA_SOURCE_EMPTY', `sources.${source.name}: ${file.name} has a header and no rows`, {
      hint: 'Nothing was written. Check the export that wrote the file.',
      details: { file: file.path },
    })
  const time = source.columns.find(({ name }) => name === source.time)
  const eventDate = time === undefined ? 'NULL' : `CAST(${parsedValue(source, time)} AS DATE)`
  const added = [
    `${eventDate} AS "_event_date"`,
    `${quoteText(file.name)} AS "_file"`,
    `${quoteText(file.contentHash)} AS "_content_hash"`,
    `TIMESTAMP ${quoteText(options.ingestedAt.toISOString().slice(0, 23).replace('T', ' '))} AS "_ingested_at"`,
  ]
  // A file that is refused leaves no table behind.
  await lakehouse.ensureTable(table, bronzeDefinition(source))
  const commit = await lakehouse.append(table, `SELECT *, ${added.join(', ')} FROM (${raw.sql})`, {
    commitId: `ingest-${file.contentHash}`,
    runId: options.runId,
    ...(options.signal && { signal: options.signal }),
  })
  return {
    table,
    snapshotId: commit.snapshotId ?? null,
    rowsIn,
    rowsAdded: commit.rowsAdded,
    isKnownContent: !commit.committed,
    contentHash: file.contentHash,
  }
}

function bronzeDefinition(source: SourceDefinition): TableDefinition {
  return {
    columns: [
      ...source.columns.map(({ name }) => ({ name, type: 'string' as const })),
      { name: '_line', type: 'long', doc: 'number of the data row in its file, from 1' },
      { name: '_event_date', type: 'date' },
      { name: '_file', type: 'string' },
      { name: '_content_hash', type: 'string', doc: 'of the bytes of the file and the columns read from it' },
      { name: '_ingested_at', type: 'timestamp', doc: 'UTC' },
    ],
    partitionBy: [{ column: '_event_date', transform: 'month' }],
  }
}

async function rowsOfContent(lakehouse: Lakehouse, table: string, file: RawFile): Promise<number> {
  const relation = await lakehouse.relation(table)
  const sql = `SELECT count(*) AS "rows" FROM ${relation} AS b WHERE "_content_hash" = ${quoteText(file.contentHash)}`
  return Number(toRows(await lakehouse.engine.query(sql))[0]?.['rows'] ?? 0)
}

/** Counts the rows and refuses the file at the first column that holds text of another type. */
async function checkTypes({ source, file, lakehouse, signal }: IngestOptions, rows: string): Promise<number> {
  const typed = source.columns.filter(({ type }) => type !== 'string')
  const counts = typed.map(
    (column) => `, count(*) FILTER (WHERE ${isUnparsable(source, column)}) AS ${quoteName(column.name)}`,
  )
  const query = (sql: string) =>
    lakehouse.engine.query(sql, signal && { signal }).catch((cause: unknown) => {
      throw notOfFormat(source, file, cause)
    })
  // Text columns are counted only to be read: DuckDB checks no text that nobody asks for.
  const texts = source.columns.filter(({ type }) => type === 'string').map(({ name }) => `, count(${quoteName(name)})`)
  const [found = {}] = toRows(await query(`SELECT count(*) AS "_rows"${[...counts, ...texts].join('')} FROM (${rows})`))
  for (const column of typed) {
    const faults = Number(found[column.name] ?? 0)
    if (faults === 0) continue
    const where = `WHERE ${isUnparsable(source, column)} ORDER BY "_line" LIMIT 5`
    const examples = toRows(
      await query(`SELECT "_line" AS "line", ${quoteName(column.name)} AS "value" FROM (${rows}) ${where}`),
    )
    throw wrongType(source, file, { column: column.name, type: column.type, format: column.format }, faults, examples)
  }
  return Number(found['_rows'] ?? 0)
}

function wrongType(
  source: SourceDefinition,
  file: RawFile,
  expected: { readonly column: string; readonly type: string; readonly format: string | undefined },
  faults: number,
  examples: readonly Record<string, unknown>[],
): EsteiraError {
  // Line 1 of a text file is its header.
  const offset = source.format === 'parquet' ? 0 : 1
  const lines = examples.map((example) => (Number(example['line']) + offset).toLocaleString('en-US'))
  const values = examples.map((example) => example['value'])
  const kind = expected.format === undefined ? expected.type : `${expected.type} (${expected.format})`
  const others =
    faults === 1
      ? ''
      : `\n${(faults - 1).toLocaleString('en-US')} more like this (lines ${lines.slice(1).join(', ')}${faults > lines.length ? ', …' : ''}).`
  const isComma = values.some((value) => typeof value === 'string' && /^\s*-?\d+,\d+\s*$/.test(value))
  return new EsteiraError(
    'ESTEIRA_SOURCE_TYPE',
    `sources.${source.name}: column "${expected.column}" of ${file.name}, line ${lines[0]}: expected ${kind}, found ${exampleValues(values.slice(0, 1))}${others}`,
    {
      hint: isComma
        ? 'Nothing was written. The file seems to use decimal commas: export it with decimal points, or declare the column as string.'
        : "Nothing was written. Mend the file, or declare the column's type as the file holds it.",
      details: { file: file.path, column: expected.column, expected: kind, faults, lines, values: values.slice(0, 5) },
    },
  )
}

/** Step `ingest_raw`: the project's raw file into bronze. */
export const ingestRawStep: Step = {
  name: 'ingest_raw',
  description: 'reads the raw source of the project into its bronze table; the same content again adds nothing',
  async plan(scope) {
    const file = await rawFileOf(scope)
    return { asked: { source: scope.workspace.project.definition.view.from, contentHash: file.contentHash }, read: [] }
  },
  async run(scope) {
    const { workspace, context } = scope
    const result = await ingestRaw({
      project: workspace.project.name,
      source: workspace.project.definition.view.from,
      file: await rawFileOf(scope),
      lakehouse: await workspace.lakehouse(),
      runId: context.runId,
      ingestedAt: context.now(),
      signal: context.signal,
      warn: (message) => context.logger.warn(message),
    })
    const known = result.isKnownContent ? ' · same content as before, nothing added' : ''
    return {
      summary: [
        `${result.rowsIn.toLocaleString('en-US')} in · ${result.rowsAdded.toLocaleString('en-US')} added to bronze${known}`,
      ],
      wrote: { tables: [{ table: result.table, snapshotId: result.snapshotId }] },
      counts: { rowsIn: result.rowsIn, rowsAdded: result.rowsAdded },
      output: { contentHash: result.contentHash },
    }
  },
}

/** Plan and run of a step ask for the same file: its bytes are hashed once. */
const found = new WeakMap<StepScope, Promise<RawFile>>()

function rawFileOf(scope: StepScope): Promise<RawFile> {
  const file = found.get(scope) ?? locateRawFile(scope)
  found.set(scope, file)
  return file
}

function locateRawFile({ workspace, context }: StepScope): Promise<RawFile> {
  const { source } = workspace.environment
  return findRawFile(workspace.project.definition.view.from, {
    projectFolder: workspace.project.folder,
    signal: context.signal,
    ...(source !== undefined && { override: source }),
  })
}
