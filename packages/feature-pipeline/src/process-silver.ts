import { createHash } from 'node:crypto'
import {
  EsteiraError,
  type Lakehouse,
  LINE_NUMBER,
  quoteName,
  quoteText,
  type SourceDefinition,
  type Step,
  type TableDefinition,
  tableNames,
  toRows,
} from '@esteira/core'
import { parsedValue, standardized } from './source-values.js'

export interface ProcessOptions {
  readonly project: string
  readonly source: SourceDefinition
  readonly lakehouse: Lakehouse
  /** Bronze as it stood at this snapshot. */
  readonly bronzeSnapshotId: string
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
  /** Rows by the reason they were dropped for: `missing_<column>`, `future`, `duplicate`. */
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
  const quarantineTable = tableNames.quarantine(options.project, source)
  const bronze = await lakehouse.relation(tableNames.bronze(options.project, source), {
    snapshotId: options.bronzeSnapshotId,
  })
  const classified = classifiedRows(source, bronze, options.runDay)
  const counts = await countReasons(lakehouse, classified, options.signal)
  await lakehouse.ensureTable(table, silverDefinition(source))
  await lakehouse.ensureTable(quarantineTable, quarantineDefinition(source))
  const identity = contentIdentity(options, counts)
  // Quarantine first: silver is the commit that other steps read.
  const quarantineSnapshotId = await replaceAll(options, quarantineTable, identity, quarantineRows(source, classified))
  const snapshotId = await replaceAll(options, table, identity, silverRows(source, classified))
  const { '': rowsKept = 0, ...dropped } = counts
  const rowsIn = Object.values(counts).reduce((total, rows) => total + rows, 0)
  if (rowsKept === 0) {
    throw new EsteiraError(
      'ESTEIRA_NO_DATA',
      `${table}: none of the ${rowsIn} bronze rows is usable: ${describeDropped(dropped)}`,
      {
        hint: `Look at the refused rows: npx esteira sql "SELECT * FROM ${quarantineTable} LIMIT 10"`,
      },
    )
  }
  return { table, snapshotId, quarantineTable, quarantineSnapshotId, rowsIn, rowsKept, dropped }
}

/** Bronze rows with typed columns, `_reason` ('' for rows that stay) and the raw text kept beside. */
function classifiedRows(source: SourceDefinition, bronze: string, runDay: string): string {
  const typed = source.columns.map(
    (column) => `${silverValue(source, column.name)} AS ${quoteName(`typed_${column.name}`)}`,
  )
  const missing = source.columns
    .filter(({ optional }) => !optional)
    .map(({ name }) => `WHEN ${quoteName(`typed_${name}`)} IS NULL THEN ${quoteText(`missing_${name}`)}`)
  const time = quoteName(`typed_${source.time}`)
  const future = `WHEN CAST(${time} AS TIMESTAMP) >= TIMESTAMP ${quoteText(`${runDay} 00:00:00`)} THEN 'future'`
  const key = source.key === LINE_NUMBER ? '"_line"' : quoteName(`typed_${source.key}`)
  const checked = `SELECT *, CASE ${missing.join(' ')} ${future} ELSE '' END AS "_fault" FROM (SELECT *, ${typed.join(', ')} FROM ${bronze} AS b)`
  const newest = `row_number() OVER (PARTITION BY "_fault", ${key} ORDER BY "_ingested_at" DESC, "_content_hash", "_line" DESC)`
  return `SELECT *, CASE WHEN "_fault" <> '' THEN "_fault" WHEN ${newest} > 1 THEN 'duplicate' ELSE '' END AS "_reason" FROM (${checked})`
}

function silverValue(source: SourceDefinition, name: string): string {
  const column = source.columns.find((candidate) => candidate.name === name)
  if (column === undefined) throw new EsteiraError('ESTEIRA_INTERNAL', `source ${source.name} has no column ${name}`)
  const value = parsedValue(source, column)
  if (source.standardize.includes(name)) return standardized(value)
  return column.type === 'string' ? `NULLIF(trim(${value}), '')` : value
}

async function countReasons(lakehouse: Lakehouse, rows: string, signal?: AbortSignal): Promise<Record<string, number>> {
  const sql = `SELECT "_reason" AS "reason", count(*) AS "rows" FROM (${rows}) GROUP BY 1 ORDER BY 1`
  const found = toRows(await lakehouse.engine.query(sql, signal && { signal }))
  return Object.fromEntries(found.map(({ reason, rows: count }) => [String(reason ?? ''), Number(count)]))
}

function silverRows(source: SourceDefinition, classified: string): string {
  const columns = source.columns.map(({ name }) => `${quoteName(`typed_${name}`)} AS ${quoteName(name)}`)
  const amount = source.amount === undefined ? 'FALSE' : `coalesce(${quoteName(`typed_${source.amount}`)} < 0, FALSE)`
  const added = [
    `CAST(${quoteName(`typed_${source.time}`)} AS TIMESTAMP) AS "local_ts"`,
    `${amount} AS "is_refund"`,
    '"_line"',
    '"_file"',
    '"_ingested_at"',
  ]
  return `SELECT ${[...columns, ...added].join(', ')} FROM (${classified}) WHERE "_reason" = ''`
}

function quarantineRows(source: SourceDefinition, classified: string): string {
  const columns = source.columns.map(({ name }) => quoteName(name))
  return `SELECT ${columns.join(', ')}, "_reason" AS "reason", "_line", "_file", "_ingested_at" FROM (${classified}) WHERE "_reason" <> ''`
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
      { name: 'reason', type: 'string' },
      { name: '_line', type: 'long' },
      { name: '_file', type: 'string' },
      { name: '_ingested_at', type: 'timestamp' },
    ],
  }
}

/** Identity of what silver holds. The run date counts only while some row lies in its future. */
function contentIdentity(options: ProcessOptions, counts: Readonly<Record<string, number>>): string {
  const cut = (counts['future'] ?? 0) > 0 ? options.runDay : 'all'
  const decides = JSON.stringify([options.bronzeSnapshotId, options.source, cut])
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
    commitId: `${options.runId}/process_silver/${identity}`,
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
  async plan({ workspace, context }) {
    const { project } = workspace
    const table = tableNames.bronze(project.name, project.definition.view.from)
    const state = await (await workspace.lakehouse()).table(table)
    const runDay = context.runDate.toISOString().slice(0, 10)
    return {
      asked: { source: project.definition.view.from, runDay },
      read: [{ table, snapshotId: state?.snapshotId ?? null }],
    }
  },
  async run({ workspace, context }) {
    const { project } = workspace
    const lakehouse = await workspace.lakehouse()
    const bronzeTable = tableNames.bronze(project.name, project.definition.view.from)
    const bronze = await lakehouse.table(bronzeTable)
    if (bronze?.snapshotId === undefined) {
      throw new EsteiraError('ESTEIRA_TABLE_MISSING', `${bronzeTable} holds no rows yet`, {
        hint: 'Run the step ingest_raw first.',
      })
    }
    const result = await processSilver({
      project: project.name,
      source: project.definition.view.from,
      lakehouse,
      bronzeSnapshotId: bronze.snapshotId,
      runDay: context.runDate.toISOString().slice(0, 10),
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

function prefixed(dropped: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(dropped).map(([reason, rows]) => [`dropped_${reason}`, rows]))
}
