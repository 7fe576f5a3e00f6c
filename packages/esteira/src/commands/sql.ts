import { type Frame, toRows } from '@esteira/core'
import { athenaSelectToDuckDb } from '@esteira/lakehouse'
import { readEnvironment } from '../environment.js'
import { openLakehouse } from '../open-workspace.js'
import { printDocument } from '../terminal/json-document.js'
import { print, table } from '../terminal/style.js'

/** `esteira sql`: one SELECT in Athena's dialect over the lakehouse. */
export async function sqlCommand(options: {
  readonly sql: string
  readonly json: boolean
  readonly signal: AbortSignal
}): Promise<void> {
  const lakehouse = await openLakehouse(readEnvironment())
  try {
    const statement = await athenaSelectToDuckDb({
      sql: options.sql,
      resolveTable: (name, version) => lakehouse.relation(name, version ?? {}),
    })
    const frame = await lakehouse.engine.query(statement, { signal: options.signal })
    if (options.json) printDocument(asJson(frame))
    else show(frame)
  } finally {
    await lakehouse.close()
    await lakehouse.engine.close()
  }
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
