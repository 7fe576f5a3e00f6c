import { quoteText } from '@esteira/core'
import { z } from 'zod'
import type { DuckDbEngine } from '../duckdb/open-duckdb.js'
import { corruptFile } from '../iceberg/corrupt-file.js'
import type { DataFile } from '../iceberg/data-file.js'
import { uriToPath } from '../storage/local-storage.js'

/** One node of a Parquet file's schema: what a column is called in the file, whatever the table calls it now. */
export interface FileNode {
  readonly name: string
  /** Absent in files of writers that know nothing of Iceberg. */
  readonly fieldId?: number
  /** Of a leaf, in DuckDB's words. */
  readonly duckDbType?: string
  readonly kind: 'leaf' | 'struct' | 'list' | 'map'
  /** Fields of a struct; the element of a list; key and value of a map. */
  readonly children: readonly FileNode[]
}

const schemaRow = z.object({
  file_name: z.string(),
  name: z.string(),
  num_children: z.coerce.number().nullable(),
  converted_type: z.string().nullable(),
  repetition_type: z.string().nullable(),
  field_id: z.coerce.number().nullable(),
  logical_type: z.string().nullable(),
  duckdb_type: z.string().nullable(),
})
type SchemaRow = z.infer<typeof schemaRow>

/** The columns of Parquet files, by path on disk. */
export type FileShapes = ReadonlyMap<string, readonly FileNode[]>

const MOST_KNOWN = 200_000
const known = new WeakMap<DuckDbEngine, Map<string, readonly FileNode[]>>()

/**
 * What columns each file has, from its footer. Files never change, so each is looked at once.
 * @throws EsteiraError ESTEIRA_TABLE_CORRUPT for a file that is no Parquet
 */
export async function fileShapes(
  engine: DuckDbEngine,
  files: readonly DataFile[],
  signal: AbortSignal | undefined,
): Promise<FileShapes> {
  const shapes = knownShapes(engine)
  const paths = files.map((file) => uriToPath(file.path))
  const unknown = paths.filter((path) => !shapes.has(path))
  if (unknown.length > 0) {
    const list = unknown.map(quoteText).join(', ')
    const sql = `SELECT file_name, name, num_children, converted_type, repetition_type, field_id, logical_type, duckdb_type
      FROM parquet_schema([${list}])`
    const rows = z.array(schemaRow).parse(await engine.readRows(sql, signal === undefined ? {} : { signal }))
    for (const [path, nodes] of shapesOf(rows)) shapes.set(path, nodes)
  }
  return new Map(paths.map((path) => [path, shapes.get(path) ?? []]))
}

function knownShapes(engine: DuckDbEngine): Map<string, readonly FileNode[]> {
  const found = known.get(engine)
  if (found !== undefined && found.size < MOST_KNOWN) return found
  const fresh = new Map<string, readonly FileNode[]>()
  known.set(engine, fresh)
  return fresh
}

function* shapesOf(rows: readonly SchemaRow[]): Generator<readonly [string, readonly FileNode[]]> {
  for (let start = 0; start < rows.length; ) {
    const path = rows[start]?.file_name ?? ''
    let end = start
    while (rows[end]?.file_name === path) end += 1
    yield [path, new ShapeReader(rows.slice(start, end), path).columns()]
    start = end
  }
}

/** Parquet writes its schema as a list, parents before their children. */
class ShapeReader {
  readonly #rows: readonly SchemaRow[]
  readonly #path: string
  #next = 0

  constructor(rows: readonly SchemaRow[], path: string) {
    this.#rows = rows
    this.#path = path
  }

  columns(): readonly FileNode[] {
    return this.#group(this.#take())
  }

  #take(): SchemaRow {
    const row = this.#rows[this.#next++]
    if (row === undefined) throw corruptFile('data file', this.#path, new RangeError('its schema ends too early'))
    return row
  }

  #group(parent: SchemaRow): FileNode[] {
    return Array.from({ length: parent.num_children ?? 0 }, () => this.#node())
  }

  #node(): FileNode {
    const row = this.#take()
    const base = { name: row.name, ...(row.field_id === null ? {} : { fieldId: row.field_id }) }
    if ((row.num_children ?? 0) === 0) return { ...base, kind: 'leaf', duckDbType: row.duckdb_type ?? '', children: [] }
    const kind = row.logical_type ?? row.converted_type ?? ''
    if (/^(List|LIST)/.test(kind)) return { ...base, kind: 'list', children: [this.#element(row)] }
    if (/^(Map|MAP)/.test(kind)) return { ...base, kind: 'map', children: this.#group(this.#take()) }
    return { ...base, kind: 'struct', children: this.#group(row) }
  }

  // Lists of three levels have a group around the element; old writers leave it out (Parquet, "Backward-compatibility rules").
  #element(list: SchemaRow): FileNode {
    const around = this.#rows[this.#next]
    const single = around?.num_children === 1
    const named = around?.name === 'array' || around?.name === `${list.name}_tuple`
    if (!single || named) return this.#node()
    return this.#group(this.#take())[0] ?? { name: '', kind: 'leaf', children: [] }
  }
}
