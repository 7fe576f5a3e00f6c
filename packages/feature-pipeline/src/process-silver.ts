import { createHash } from 'node:crypto'
import {
  EsteiraError,
  featureDateOf,
  type Lakehouse,
  LINE_NUMBER,
  quoteName,
  quoteText,
  type SourceDefinition,
  type Step,
  type StepScope,
  type TableDefinition,
  type TableInRun,
  tableInRun,
  tableNames,
  toRows,
} from '@esteira/core'
import { z } from 'zod'
import { parsedValue, standardized } from './source-values.js'

export interface ProcessOptions {
  readonly project: string
  readonly source: SourceDefinition
  readonly lakehouse: Lakehouse
  /** Bronze as it stood at this snapshot. */
  readonly bronzeSnapshotId: string
  /** The file whose lines count where the line is the key; the one ingested last when absent. */
  readonly contentHash?: string
  /** Rows at or after this day are refused: a future row can mature nothing. */
  readonly runDay: string
  readonly runId: string
  readonly signal?: AbortSignal
}

/** What the processing did: `rowsIn` = `rowsKept` + the sum of `dropped`. */
export interface ProcessResult {
  readonly table: string
  readonly snapshotId: string | null
  readonly quarantineTable: string
  readonly quarantineSnapshotId: string | null
  readonly rowsIn: number
  readonly rowsKept: number
  /** Rows by the reason they were dropped for: `missing_<column>`, `future`, `duplicate`, `superseded`. */
  readonly dropped: Readonly<Record<string, number>>
}

/**
 * Bronze → silver: `validate_schema` (typed values, none missing where one is required), `standardize_columns`,
 * `remove_duplicates` by the source's key (the row ingested last wins), `enrich_metadata` (`local_ts`, `is_refund`,
 * `_ingested_at`). Silver is replaced whole in one commit, and only when the outcome can differ; refused rows go to the
 * quarantine table with their reason.
 */
export async function processSilver(options: ProcessOptions): Promise<ProcessResult> {
  const { source, lakehouse } = options
  const table = tableNames.silver(options.project, source)
  const bronze = await lakehouse.relation(tableNames.bronze(options.project, source), {
    snapshotId: options.bronzeSnapshotId,
  })
  // Counts, quarantine and silver are made of the same rows: they are typed and judged once.
  const classified = quoteName(`classified ${table} ${options.runId}`)
  const { engine } = lakehouse
  try {
    const made = `CREATE OR REPLACE TABLE ${classified} AS ${classifiedRows(options, bronze)}`
    await engine.query(made, options.signal && { signal: options.signal })
    return await publishClassified(options, classified)
  } finally {
    await engine.query(`DROP TABLE IF EXISTS ${classified}`)
  }
}

async function publishClassified(options: ProcessOptions, classified: string): Promise<ProcessResult> {
  const { source, lakehouse } = options
  const table = tableNames.silver(options.project, source)
  const quarantineTable = tableNames.quarantine(options.project, source)
  const counts = await countReasons(lakehouse, classified, options.signal)
  await lakehouse.ensureTable(table, silverDefinition(source))
  await lakehouse.ensureTable(quarantineTable, quarantineDefinition(source))
  const { '': rowsKept = 0, ...dropped } = counts
  const rowsIn = Object.values(counts).reduce((total, rows) => total + rows, 0)
  const identity = contentIdentity(options, counts)
  // Quarantine first: silver is the commit that other steps read.
  const quarantineSnapshotId = await replaceAll(options, quarantineTable, identity, quarantineRows(source, classified))
  if (rowsKept === 0) {
    throw new EsteiraError(
      'ESTEIRA_NO_DATA',
      `${table}: none of the ${rowsIn} bronze rows is usable at ${options.runDay}: ${describeDropped(dropped)}; ${table} is as before`,
      {
        hint: `Check the run date, and look at the refused rows: npx esteira sql "SELECT * FROM ${quarantineTable} LIMIT 10"`,
      },
    )
  }
  const snapshotId = await replaceAll(options, table, identity, silverRows(source, classified))
  return { table, snapshotId, quarantineTable, quarantineSnapshotId, rowsIn, rowsKept, dropped }
}

/** Bronze rows with typed columns, `_reason` ('' for rows that stay) and the raw text kept beside. */
export function classifiedRows(
  { source, runDay, contentHash }: Pick<ProcessOptions, 'source' | 'runDay' | 'contentHash'>,
  bronze: string,
): string {
  const typed = source.columns.map(
    (column) => `${silverValue(source, column.name)} AS ${quoteName(`typed_${column.name}`)}`,
  )
  const identifying = [source.key, source.entity.column, source.time]
  const missing = source.columns
    .filter(({ name, optional }) => !optional || identifying.includes(name))
    .map(({ name }) => `WHEN ${quoteName(`typed_${name}`)} IS NULL THEN ${quoteText(`missing_${name}`)}`)
  const time = quoteName(`typed_${source.time}`)
  const future = `WHEN CAST(${time} AS TIMESTAMP) >= TIMESTAMP ${quoteText(`${runDay} 00:00:00`)} THEN 'future'`
  const superseded =
    source.key === LINE_NUMBER ? [`WHEN "_content_hash" <> ${presentFile(bronze, contentHash)} THEN 'superseded'`] : []
  const key = source.key === LINE_NUMBER ? '"_line"' : quoteName(`typed_${source.key}`)
  const checked = `SELECT *, CASE ${[...superseded, ...missing].join(' ')} ${future} ELSE '' END AS "_fault" FROM (SELECT *, ${typed.join(', ')} FROM ${bronze} AS b)`
  const newest = `row_number() OVER (PARTITION BY "_fault", ${key} ORDER BY "_ingested_at" DESC, "_content_hash", "_line" DESC)`
  return `SELECT *, CASE WHEN "_fault" <> '' THEN "_fault" WHEN ${newest} > 1 THEN 'duplicate' ELSE '' END AS "_reason" FROM (${checked})`
}

/** Where the line is the key, a file is the whole source: the lines of other files do not count. */
function presentFile(bronze: string, contentHash: string | undefined): string {
  if (contentHash !== undefined) return quoteText(contentHash)
  return `(SELECT "_content_hash" FROM ${bronze} AS n ORDER BY "_ingested_at" DESC, "_content_hash" LIMIT 1)`
}

function silverValue(source: SourceDefinition, name: string): string {
  const column = source.columns.find((candidate) => candidate.name === name)
  if (column === undefined) throw new EsteiraError('ESTEIRA_INTERNAL', `source ${source.name} has no column ${name}`)
  const value = parsedValue(source, column)
  if (source.standardize.includes(name)) return standardized(value)
  return column.type === 'string' ? `NULLIF(trim(${value}), '')` : value
}

async function countReasons(lakehouse: Lakehouse, rows: string, signal?: AbortSignal): Promise<Record<string, number>> {
  const sql = `SELECT "_reason" AS "reason", count(*) AS "rows" FROM ${rows} AS c GROUP BY 1 ORDER BY 1`
  const found = toRows(await lakehouse.engine.query(sql, signal && { signal }))
  return Object.fromEntries(found.map(({ reason, rows: count }) => [String(reason ?? ''), Number(count)]))
}

/** The rows that stay, with the columns of silver. */
export function silverRows(source: SourceDefinition, classified: string): string {
  const columns = source.columns.map(({ name }) => `${quoteName(`typed_${name}`)} AS ${quoteName(name)}`)
  const amount = source.amount === undefined ? 'FALSE' : `coalesce(${quoteName(`typed_${source.amount}`)} < 0, FALSE)`
  const added = [
    `CAST(${quoteName(`typed_${source.time}`)} AS TIMESTAMP) AS "local_ts"`,
    `${amount} AS "is_refund"`,
    '"_line"',
    '"_file"',
    '"_ingested_at"',
  ]
  return `SELECT ${[...columns, ...added].join(', ')} FROM ${classified} AS c WHERE "_reason" = ''`
}

function quarantineRows(source: SourceDefinition, classified: string): string {
  const columns = source.columns.map(({ name }) => quoteName(name))
  return `SELECT ${columns.join(', ')}, "_reason", "_line", "_file", "_ingested_at" FROM ${classified} AS c WHERE "_reason" <> ''`
}

function silverDefinition(source: SourceDefinition): TableDefinition {
  return {
    columns: [
      ...source.columns.map(({ name, type }) => ({ name, type })),
      { name: 'local_ts', type: 'timestamp', doc: `wall clock of ${source.timezone}` },
      { name: 'is_refund', type: 'boolean' },
      { name: '_line', type: 'long' },
      { name: '_file', type: 'string' },
      { name: '_ingested_at', type: 'timestamp', doc: 'UTC' },
    ],
    partitionBy: [{ column: 'local_ts', transform: 'month' }],
  }
}

function quarantineDefinition(source: SourceDefinition): TableDefinition {
  return {
    columns: [
      ...source.columns.map(({ name }) => ({ name, type: 'string' as const })),
      { name: '_reason', type: 'string' },
      { name: '_line', type: 'long' },
      { name: '_file', type: 'string' },
      { name: '_ingested_at', type: 'timestamp' },
    ],
  }
}

/** Identity of what silver holds. The run date counts only while some row lies in its future. */
function contentIdentity(options: ProcessOptions, counts: Readonly<Record<string, number>>): string {
  const cut = (counts['future'] ?? 0) > 0 ? options.runDay : 'all'
  const file = options.source.key === LINE_NUMBER ? (options.contentHash ?? null) : null
  const decides = JSON.stringify([options.bronzeSnapshotId, options.source, cut, file])
  return createHash('sha256').update(decides).digest('hex').slice(0, 32)
}

const CONTENT = 'esteira.content'

async function replaceAll(
  options: ProcessOptions,
  table: string,
  identity: string,
  rows: string,
): Promise<string | null> {
  const { lakehouse } = options
  const current = (await lakehouse.table(table))?.snapshotId
  const snapshot = (await lakehouse.snapshots(table)).find(({ snapshotId }) => snapshotId === current)
  if (current !== undefined && snapshot?.summary[CONTENT] === identity) return current
  const commit = await lakehouse.replace(table, [], rows, {
    // The state that is replaced is part of the id: what another run put in between can be replaced again.
    commitId: `${options.runId}/process_silver/${identity}/${current ?? 'none'}`,
    runId: options.runId,
    properties: { [CONTENT]: identity },
    ...(options.signal && { signal: options.signal }),
  })
  return commit.snapshotId ?? current ?? null
}

function describeDropped(dropped: Readonly<Record<string, number>>): string {
  const parts = Object.entries(dropped).map(
    ([reason, rows]) => `${rows.toLocaleString('en-US')} ${reason.replaceAll('_', ' ')}`,
  )
  return parts.length === 0 ? 'none' : parts.join(', ')
}

/** Step `process_silver`: bronze made clean, typed and unique. */
export const processSilverStep: Step = {
  name: 'process_silver',
  description: 'cleans and types the bronze rows into silver; refused rows go to quarantine with a reason',
  async plan(scope) {
    const { table, snapshotId, contentHash } = await bronzeOf(scope)
    const source = scope.workspace.project.definition.view.from
    return {
      asked: { source, runDay: featureDateOf(scope.context), ...(source.key === LINE_NUMBER && { contentHash }) },
      read: [{ table, snapshotId: snapshotId ?? null }],
    }
  },
  async run(scope) {
    const { workspace, context } = scope
    const { project } = workspace
    const lakehouse = await workspace.lakehouse()
    const { table: bronzeTable, snapshotId: bronzeSnapshotId, contentHash } = await bronzeOf(scope)
    if (bronzeSnapshotId === undefined) {
      throw new EsteiraError('ESTEIRA_TABLE_MISSING', `${bronzeTable} holds no rows yet`, {
        hint: 'Run the step ingest_raw first.',
      })
    }
    const result = await processSilver({
      project: project.name,
      source: project.definition.view.from,
      lakehouse,
      bronzeSnapshotId,
      ...(contentHash !== undefined && { contentHash }),
      runDay: featureDateOf(context),
      runId: context.runId,
      signal: context.signal,
    })
    return {
      summary: [`${result.rowsKept.toLocaleString('en-US')} kept · dropped ${describeDropped(result.dropped)}`],
      wrote: {
        tables: [
          { table: result.table, snapshotId: result.snapshotId },
          { table: result.quarantineTable, snapshotId: result.quarantineSnapshotId },
        ],
      },
      counts: { rowsIn: result.rowsIn, rowsKept: result.rowsKept, ...prefixed(result.dropped) },
    }
  },
}

const ingested = z.object({ contentHash: z.string() })

/** Bronze, and the file that this run ingested. */
async function bronzeOf(scope: StepScope): Promise<TableInRun & { readonly contentHash: string | undefined }> {
  const { project } = scope.workspace
  const bronze = await tableInRun(scope, tableNames.bronze(project.name, project.definition.view.from), 'ingest_raw')
  const file = ingested.safeParse((await scope.findResult('ingest_raw'))?.output)
  return { ...bronze, contentHash: file.success ? file.data.contentHash : undefined }
}

function prefixed(dropped: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(dropped).map(([reason, rows]) => [`dropped_${reason}`, rows]))
}
