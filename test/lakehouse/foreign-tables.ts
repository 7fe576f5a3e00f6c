import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { quoteName, quoteText, type SliceCondition } from '@esteira/core'
import { runPython } from '../services/python.js'

/** Archives of the tables, and the programs that make and unpack them. */
export const FIXTURES = fileURLToPath(new URL('../fixtures/iceberg', import.meta.url))
const services = fileURLToPath(new URL('../services', import.meta.url))

/** What the engine that wrote a table says about it. */
export interface ForeignTable {
  readonly name: string
  readonly engine: string
  readonly rows: readonly unknown[]
  /** Rows of each snapshot. */
  readonly versions: Readonly<Record<string, number>>
  readonly refs: Readonly<Record<string, string>>
  readonly refRows?: Readonly<Record<string, number>>
  readonly filters: readonly Filter[]
}

type FilterValue = number | string | boolean | null | readonly string[]

interface Filter {
  readonly where: readonly (readonly [column: string, op: SliceCondition['op'], value: FilterValue])[]
  readonly rows: number
}

export function foreignTables(): readonly ForeignTable[] {
  return readdirSync(FIXTURES)
    .filter((file) => file.endsWith('.json'))
    .map((file) => ({ name: file.replace('.json', ''), ...parse(join(FIXTURES, file)) }))
}

function parse(file: string): Omit<ForeignTable, 'name'> {
  return JSON.parse(readFileSync(file, 'utf8')) as Omit<ForeignTable, 'name'>
}

/** Unpacks all tables below a folder; the metadata file of each. */
export async function unpackForeignTables(
  place: string,
  names: readonly string[],
): Promise<Readonly<Record<string, string>>> {
  const script =
    'import runpy, sys; sys.path.insert(0, sys.argv[1]); sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0] + "/unpack.py", run_name="__main__")'
  return JSON.parse(await runPython(script, [FIXTURES, place, ...names])) as Record<string, string>
}

/** Rows of a Parquet file in the form in which the engines' rows are kept. */
export async function canonicalRows(parquet: string): Promise<unknown[]> {
  const script = `
import json, sys
sys.path.insert(0, sys.argv[1])
import pyarrow.parquet as pq
from canonical import arrow_rows
print(json.dumps(arrow_rows(pq.ParquetFile(sys.argv[2]).read())))
`
  return JSON.parse(await runPython(script, [services, parquet])) as unknown[]
}

export function sliceOf({ where }: Filter): SliceCondition[] {
  return where.map(([column, op, value]) => (value === null ? { column, op } : { column, op, value: plain(value) }))
}

export function sqlOf({ where }: Filter): string {
  const literal = (value: FilterValue): string => {
    if (value === null) return ''
    if (Array.isArray(value)) return `(${value.map(literal).join(', ')})`
    return typeof value === 'string' ? quoteText(String(plain(value))) : String(value)
  }
  return where.map(([column, op, value]) => `${quoteName(column)} ${op} ${literal(value)}`).join(' AND ')
}

/** Dates and timestamps say what they are for the engines that want it said. */
function plain<T>(value: T): T | string {
  return typeof value === 'string' ? value.replace(/^(DATE|TIMESTAMP) /, '') : value
}
