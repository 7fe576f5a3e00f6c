import { quoteName, quoteText } from '@esteira/core'
import { columnTypeOf, duckDbSchemaType } from '../../iceberg/column-types.js'
import type { DataFile } from '../../iceberg/data-file.js'
import { literalSql } from '../../iceberg/literal-sql.js'
import { type NamedField, nameMappingOf } from '../../iceberg/name-mapping.js'
import { hasStruct, type SchemaField } from '../../iceberg/schema-types.js'
import { specById } from '../../iceberg/table-metadata.js'
import { uriToPath } from '../../storage/local-storage.js'
import type { LoadedTable, Tables } from '../tables.js'
import { nodeType, projectColumn } from '../write/project-column.js'
import { type FileNode, fileShapes } from './file-shapes.js'
import { hasNumbers, numberNodes, refuseOwnNames, unnumberedFile } from './unnumbered-files.js'

/** Columns to read from files. */
export interface FileScan {
  readonly table: Pick<LoadedTable, 'name' | 'metadata'>
  readonly fields: readonly SchemaField[]
  readonly files: readonly ScannedFile[]
  /** Name of a field's column in the result. */
  readonly nameOf: (field: SchemaField) => string
  /** Adds `_esteira_file` and `_esteira_pos`. */
  readonly origin: boolean
  readonly signal?: AbortSignal | undefined
}

export interface ScannedFile {
  readonly file: DataFile
  readonly specId: number
}

/** Files whose names are two UUIDs are our own: all columns have field ids, so nobody need look. */
const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'
const OWN_FILE = new RegExp(`/${UUID}(?:-${UUID})?\\.parquet$`)

/** SELECT of columns of Parquet files, found by field id. Deletes are not looked at. */
export async function scanFiles({ engine }: Pick<Tables, 'engine'>, scan: FileScan): Promise<string> {
  const nested = scan.fields.some(({ type }) => hasStruct(type))
  const mapping = nameMappingOf(scan.table.metadata.properties, scan.table.name)
  const isPlain = ({ file }: ScannedFile) => !nested && mapping === undefined && OWN_FILE.test(file.path)
  const plain = scan.files.filter(isPlain)
  const others = scan.files.filter((each) => !isPlain(each))
  const selects = plain.length === 0 ? [] : [selectPlain(scan, plain)]
  const shapes = await fileShapes(
    engine,
    others.map(({ file }) => file),
    scan.signal,
  )
  const namesOf = namedOnce(mapping)
  const shaped = others.map((each): ShapedFile => {
    const found = shapes.get(uriToPath(each.file.path)) ?? []
    const numbered = hasNumbers(found)
    const nodes = numbered ? found : namesOf(found)
    if (nodes === undefined) throw unnumberedFile(scan.table.name, each.file.path)
    return { ...each, nodes, numbered, absent: absentColumns(scan, each, nodes) }
  })
  const kindOf = numberedOnce()
  const groups = groupBy(shaped, ({ nodes, absent }) => JSON.stringify([kindOf(nodes), [...absent]]))
  return [...selects, ...groups.map((files) => selectShaped(scan, files))].join(' UNION ALL ')
}

// Files with the same columns share one list of them, and so one list of named ones.
function namedOnce(mapping: readonly NamedField[] | undefined) {
  const named = new Map<readonly FileNode[], readonly FileNode[]>()
  return (nodes: readonly FileNode[]): readonly FileNode[] | undefined => {
    if (mapping === undefined) return undefined
    const known = named.get(nodes) ?? numberNodes(nodes, mapping)
    named.set(nodes, known)
    return known
  }
}

function numberedOnce(): (nodes: readonly FileNode[]) => number {
  const numbers = new Map<readonly FileNode[], number>()
  return (nodes) => {
    const known = numbers.get(nodes) ?? numbers.size
    numbers.set(nodes, known)
    return known
  }
}

/** A file with its columns; `absent` are those it lacks, with the expression that stands for them. */
interface ShapedFile extends ScannedFile {
  readonly nodes: readonly FileNode[]
  readonly numbered: boolean
  readonly absent: ReadonlyMap<number, string>
}

// A column that a file lacks is null, or what its identity partition says: files taken over from Hive leave such columns out.
function absentColumns(
  { fields, table }: FileScan,
  { file, specId }: ScannedFile,
  nodes: readonly FileNode[],
): ReadonlyMap<number, string> {
  const absent = fields.filter((field) => !nodes.some(({ fieldId }) => fieldId === field.id))
  if (absent.length === 0) return new Map()
  const spec = specById(table.metadata, specId)
  return new Map(
    absent.map((field) => {
      const identity = spec.fields.find((each) => each['source-id'] === field.id && each.transform === 'identity')
      const value = identity === undefined ? undefined : file.partition.get(identity['field-id'])
      if (value === undefined || value === null) return [field.id, `CAST(NULL AS ${duckDbSchemaType(field.type)})`]
      return [field.id, literalSql(columnTypeOf(field, table.name), value)]
    }),
  )
}

function selectShaped(scan: FileScan, files: readonly ShapedFile[]): string {
  const [first] = files
  if (first === undefined) return ''
  const { nodes, numbered, absent } = first
  if (!numbered && scan.origin) refuseOwnNames(scan.table.name, first)
  const entries: string[] = []
  const columns = scan.fields.map((field) => {
    const node = nodes.find(({ fieldId }) => fieldId === field.id)
    const alias = quoteName(scan.nameOf(field))
    if (node === undefined) return `${absent.get(field.id) ?? 'NULL'} AS ${alias}`
    if (numbered) entries.push(schemaEntry(field.id, nodeType(node)))
    return `${projectColumn(field, node, numbered ? scanName(field.id) : quoteName(node.name))} AS ${alias}`
  })
  return `SELECT ${[...columns, ...originColumns(scan)].join(', ')} FROM ${readParquet(files, entries)}`
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): readonly (readonly T[])[] {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
  }
  return [...groups.values()]
}

// Names of the file's columns in the scan: they never meet DuckDB's own columns `filename` and `file_row_number`.
function scanName(fieldId: number): string {
  return `c${fieldId}`
}

function readParquet(files: readonly ScannedFile[], entries: readonly string[]): string {
  const paths = files.map(({ file }) => quoteText(uriToPath(file.path)))
  const schema = entries.length === 0 ? '' : `, schema = MAP {${entries.join(', ')}}`
  return `read_parquet([${paths.join(', ')}], hive_partitioning = false${schema})`
}

function schemaEntry(fieldId: number, type: string): string {
  return `${fieldId}: {name: ${quoteText(scanName(fieldId))}, type: ${quoteText(type)}, default_value: NULL}`
}

function selectPlain(scan: FileScan, files: readonly ScannedFile[]): string {
  const entries = scan.fields.map((field) => schemaEntry(field.id, duckDbSchemaType(field.type)))
  const columns = scan.fields.map((field) => `${scanName(field.id)} AS ${quoteName(scan.nameOf(field))}`)
  return `SELECT ${[...columns, ...originColumns(scan)].join(', ')} FROM ${readParquet(files, entries)}`
}

function originColumns({ origin }: FileScan): readonly string[] {
  return origin ? ['filename AS _esteira_file', 'file_row_number AS _esteira_pos'] : []
}
