import { quoteText } from '@esteira/core'
import { z } from 'zod'
import type { DuckDbEngine } from '../../duckdb/open-duckdb.js'
import { corruptFile } from '../../iceberg/corrupt-file.js'
import type { DataFile } from '../../iceberg/data-file.js'
import { uriToPath } from '../../storage/local-storage.js'

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
  name: z.string(),
  num_children: z.number().nullable(),
  converted_type: z.string().nullable(),
  field_id: z.number().nullable(),
  logical_type: z.string().nullable(),
  duckdb_type: z.string().nullable(),
})
type SchemaRow = z.infer<typeof schemaRow>

const shapeRow = z.object({
  files: z.array(z.string()),
  shape: z.string(),
})

/** The columns of Parquet files, by path on disk. Files with the same columns have the same list. */
export type FileShapes = ReadonlyMap<string, readonly FileNode[]>

const MOST_KNOWN = 200_000
const known = new WeakMap<DuckDbEngine, KnownShapes>()

/** What files were looked at, and the lists of columns that they share. */
interface KnownShapes {
  readonly byPath: Map<string, readonly FileNode[]>
  readonly byText: Map<string, readonly FileNode[]>
}

/**
 * What columns each file has, from its footer. Files never change, so each is looked at once.
 * @throws EsteiraError ESTEIRA_TABLE_CORRUPT for a file whose schema is broken
 */
export async function fileShapes(
  engine: DuckDbEngine,
  files: readonly DataFile[],
  signal: AbortSignal | undefined,
): Promise<FileShapes> {
  const { byPath, byText } = knownShapes(engine)
  const paths = files.map((file) => uriToPath(file.path))
  const unknown = paths.filter((path) => !byPath.has(path))
  if (unknown.length > 0) {
    const rows = z
      .array(shapeRow)
      .parse(await engine.readRows(shapesSql(unknown), signal === undefined ? {} : { signal }))
    for (const { files: same, shape } of rows) {
      const nodes = byText.get(shape) ?? new ShapeReader(parseShape(shape), same[0] ?? '').columns()
      byText.set(shape, nodes)
      for (const path of same) byPath.set(path, nodes)
    }
  }
  return new Map(paths.map((path) => [path, byPath.get(path) ?? []]))
}

function parseShape(text: string): readonly SchemaRow[] {
  return z.array(schemaRow).parse(JSON.parse(text))
}

// One row for all files with the same columns: of thousands of files there are few kinds.
function shapesSql(paths: readonly string[]): string {
  const node = ['name', 'num_children', 'converted_type', 'field_id', 'logical_type', 'duckdb_type']
  const packed = `{${node.map((name) => `'${name}': ${name}`).join(', ')}}`
  return `SELECT list(file_name) AS files, shape FROM (
    SELECT file_name, CAST(to_json(list(${packed} ORDER BY column_id)) AS VARCHAR) AS shape
    FROM parquet_schema([${paths.map(quoteText).join(', ')}]) GROUP BY file_name
  ) GROUP BY shape`
}

function knownShapes(engine: DuckDbEngine): KnownShapes {
  const found = known.get(engine)
  if (found !== undefined && found.byPath.size < MOST_KNOWN) return found
  const fresh = { byPath: new Map<string, readonly FileNode[]>(), byText: new Map<string, readonly FileNode[]>() }
  known.set(engine, fresh)
  return fresh
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
