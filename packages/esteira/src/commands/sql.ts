import { type Frame, type Lakehouse, type PruningCondition, type TableVersion, toRows } from '@esteira/core'
import { athenaSelectToDuckDb, explainMissingColumn } from '@esteira/lakehouse'
import { readEnvironment } from '../environment.js'
import { openLakehouse } from '../open-workspace.js'
import { printDocument } from '../terminal/json-document.js'
import { print, style, table } from '../terminal/style.js'

/** `esteira sql`: one SELECT in Athena's dialect over the lakehouse. */
export async function sqlCommand(options: {
  readonly sql: string
  readonly json: boolean
  /** What was read and what was passed by, on standard error. */
  readonly explain: boolean
  readonly signal: AbortSignal
}): Promise<void> {
  const { sql, signal } = options
  const lakehouse = await openLakehouse(readEnvironment())
  try {
    const reads: string[] = []
    const statement = await athenaSelectToDuckDb({
      sql,
      resolveTable: async (name, version, where) => {
        const relation = await lakehouse.relation(name, version ?? {}, where)
        // A column that the table lacks is told by the statement itself, better than by its plan.
        if (options.explain) reads.push(await explainRead(lakehouse, name, version, where).catch(() => `${name}: read`))
        return relation
      },
    })
    const frame = await lakehouse.engine.query(statement, { signal }).catch(async (error: unknown) => {
      throw await explainMissingColumn(error, { sql, lakehouse })
    })
    if (options.json) printDocument(asJson(frame))
    else show(frame)
    for (const line of reads) process.stderr.write(`${style.dim(line)}\n`)
  } finally {
    await lakehouse.close()
    await lakehouse.engine.close()
  }
}

async function explainRead(
  lakehouse: Lakehouse,
  name: string,
  version: TableVersion = {},
  where: readonly PruningCondition[] = [],
): Promise<string> {
  if (name.includes('$')) return `${name}: read from metadata`
  const plan = await lakehouse.plan(name, { version, where })
  const bytes = (size: number) => `${(size / 1e6).toFixed(1)} MB`
  const files = `${plan.filesRead} of ${plan.filesRead + plan.filesSkipped} files read (${bytes(plan.bytesRead)})`
  const skipped = plan.bytesSkipped === undefined ? '' : ` (${bytes(plan.bytesSkipped)})`
  const manifests = `${plan.manifestsRead} of ${plan.manifestsRead + plan.manifestsSkipped} manifests read`
  return `${name}: ${files}, ${plan.filesSkipped} skipped${skipped}; ${manifests}`
}

function asJson(frame: Frame) {
  const columns = [...frame.columns].map(([name, { type }]) => ({ name, type }))
  return { columns, rows: toRows(frame).map((row) => columns.map(({ name }) => row[name] ?? null)) }
}

function show(frame: Frame): void {
  const names = [...frame.columns.keys()]
  const rows = toRows(frame).map((row) => names.map((name) => row[name] ?? null))
  const right = names.filter((name) => NUMERIC.has(frame.columns.get(name)?.type ?? ''))
  for (const line of table(names, rows, { right })) print(line)
  print(`${frame.rowCount.toLocaleString('en-US')} ${frame.rowCount === 1 ? 'row' : 'rows'}`)
}

const NUMERIC: ReadonlySet<string> = new Set(['int', 'long', 'double'])
