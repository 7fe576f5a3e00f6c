import { EsteiraError, quoteName, quoteText } from '@esteira/core'
import { duckDbSchemaType } from '../../iceberg/column-types.js'
import { corruptFile } from '../../iceberg/corrupt-file.js'
import { FILE_CONTENT } from '../../iceberg/data-file.js'
import type { HeldFile, LiveFile } from '../../iceberg/live-files.js'
import { partitionKey } from '../../iceberg/match-deletes.js'
import { allFields, type SchemaField } from '../../iceberg/schema-types.js'
import { currentSchema, specById } from '../../iceberg/table-metadata.js'
import { uriToPath } from '../../storage/local-storage.js'
import type { LoadedTable, Tables } from '../tables.js'
import { scanFiles } from './scan-files.js'

/** Data files with rows that delete files remove, and the columns to read of them. */
export interface TornFiles {
  readonly table: Pick<LoadedTable, 'name' | 'metadata'>
  readonly fields: readonly SchemaField[]
  readonly files: readonly LiveFile[]
  readonly origin: boolean
  readonly signal?: AbortSignal | undefined
}

/**
 * SELECT of the rows that are left. Position deletes are an anti join on file and row; equality deletes one join for each set of
 * columns that they compare, nulls being equal, which tells the youngest delete of a row's values: older rows go.
 */
export async function selectUndeleted(tables: Pick<Tables, 'engine'>, torn: TornFiles): Promise<string> {
  const equality = equalityGroups(torn)
  const compared = equality.flatMap(({ keys }) => keys.map(({ path }) => path[0]))
  const fields = distinct([...torn.fields, ...compared.filter((field) => field !== undefined)])
  const { table, files, origin, signal } = torn
  const scan = await scanFiles(tables, { table, fields, files, nameOf: internalName, origin: true, signal })
  const columns = torn.fields.map((field) => `rows.${internalName(field)} AS ${quoteName(field.name)}`)
  if (origin) columns.push('rows._esteira_file', 'rows._esteira_pos')
  const joins = [positionJoin(torn), ...(equality.length > 0 ? [originJoin(torn)] : [])]
  const conditions: string[] = []
  for (const [index, group] of equality.entries()) {
    joins.push(await equalityJoin(tables, torn, group, `gone${index}`))
    conditions.push(`(gone${index}.seq IS NULL OR origin.seq >= gone${index}.seq)`)
  }
  const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`
  return `SELECT ${columns.join(', ')} FROM (${scan}) AS rows ${joins.join(' ')}${where}`
}

function internalName({ id }: SchemaField): string {
  return `c${id}`
}

function distinct(fields: readonly SchemaField[]): readonly SchemaField[] {
  return [...new Map(fields.map((field) => [field.id, field])).values()]
}

/** Every partition of the files gets a number, which both sides of a join know. */
function partitionNumbers(files: readonly HeldFile[]): (file: HeldFile) => number {
  const numbers = new Map<string, number>()
  for (const each of files) {
    const key = partitionKey(each)
    if (!numbers.has(key)) numbers.set(key, numbers.size)
  }
  return (file) => numbers.get(partitionKey(file)) ?? -1
}

function fileRows(files: readonly HeldFile[], numberOf: (file: HeldFile) => number): string {
  const rows = files.map((each) => {
    return `(${quoteText(uriToPath(each.file.path))}, ${numberOf(each)}, ${each.sequenceNumber})`
  })
  return `(VALUES ${rows.join(', ')})`
}

function deletesOf(files: readonly LiveFile[], content: 1 | 2): readonly HeldFile[] {
  return [...new Set(files.flatMap(({ deletes }) => deletes))].filter(({ file }) => file.content === content)
}

// Paths in delete files are URIs as their writer wrote them; DuckDB knows files by their path on disk.
function positionJoin({ files }: TornFiles): string {
  const deletes = deletesOf(files, FILE_CONTENT.positionDeletes)
  if (deletes.length === 0) return ''
  const numberOf = partitionNumbers([...files, ...deletes])
  const paths = deletes.map(({ file }) => quoteText(uriToPath(file.path)))
  return `ANTI JOIN (
    SELECT target.path AS path, marks.pos AS pos
    FROM (SELECT filename AS source, regexp_replace(file_path, '^file:(//)?/', '/') AS path, pos
          FROM read_parquet([${paths.join(', ')}], hive_partitioning = false)) AS marks
    JOIN ${fileRows(deletes, numberOf)} AS source(path, part, seq) ON marks.source = source.path
    JOIN ${fileRows(files, numberOf)} AS target(path, part, seq)
      ON marks.path = target.path AND source.part = target.part AND target.seq <= source.seq
  ) AS marked ON rows._esteira_file = marked.path AND rows._esteira_pos = marked.pos`
}

function originJoin({ files }: TornFiles): string {
  return `JOIN ${fileRows(files, partitionNumbers(files))} AS origin(path, part, seq) ON rows._esteira_file = origin.path`
}

interface EqualityKey {
  /** From the column to the field that is compared. */
  readonly path: readonly SchemaField[]
}

/** Delete files that compare the same columns, either of one partition each or everywhere. */
interface EqualityGroup {
  readonly keys: readonly EqualityKey[]
  readonly everywhere: boolean
  readonly deletes: readonly HeldFile[]
}

function equalityGroups(torn: TornFiles): readonly EqualityGroup[] {
  const { files, table } = torn
  const groups = new Map<string, HeldFile[]>()
  for (const each of deletesOf(files, FILE_CONTENT.equalityDeletes)) {
    const ids = [...(each.file.equalityIds ?? [])].sort((a, b) => a - b)
    if (ids.length === 0) throw corruptFile('delete file', each.file.path, new RangeError('it compares no columns'))
    const key = JSON.stringify([specById(table.metadata, each.specId).fields.every(isVoid), ids])
    groups.set(key, [...(groups.get(key) ?? []), each])
  }
  return [...groups].map(([key, deletes]) => {
    const [everywhere, ids] = JSON.parse(key) as [boolean, number[]]
    return { everywhere, deletes, keys: ids.map((id) => ({ path: fieldPath(torn, id, deletes) })) }
  })
}

function isVoid({ transform }: { readonly transform: string }): boolean {
  return transform === 'void'
}

// A column may have been dropped since: it is still compared.
function fieldPath({ table, fields }: TornFiles, id: number, deletes: readonly HeldFile[]): readonly SchemaField[] {
  const { metadata, name } = table
  for (const candidates of [fields, currentSchema(metadata).fields, ...metadata.schemas.map((each) => each.fields)]) {
    for (const { field, path, repeated } of allFields(candidates)) {
      if (field.id === id && !repeated && typeof field.type === 'string') return path
    }
  }
  const file = deletes[0]?.file.path
  throw new EsteiraError(
    'ESTEIRA_TABLE_CORRUPT',
    `delete file ${file} of table ${name} compares column ${id}, which no schema has`,
    {
      hint: 'Read a snapshot from before that delete.',
      details: { table: name, file, fieldId: id },
    },
  )
}

async function equalityJoin(
  tables: Pick<Tables, 'engine'>,
  { table, files, signal }: TornFiles,
  { keys, everywhere, deletes }: EqualityGroup,
  name: string,
): Promise<string> {
  const columns = distinct(keys.flatMap(({ path }) => path.slice(0, 1)))
  const scan = await scanFiles(tables, {
    table,
    fields: columns,
    files: deletes,
    nameOf: internalName,
    origin: true,
    signal,
  })
  const numberOf = partitionNumbers(files)
  const names = keys.map((_, index) => `k${index}`)
  const values = keys.map(({ path }, index) => `${keySql('marks', path)} AS ${names[index]}`)
  const part = everywhere ? '0' : 'source.part'
  const groupBy = [...names, 'part'].join(', ')
  const equal = keys.map(({ path }, index) => `${keySql('rows', path)} IS NOT DISTINCT FROM ${name}.${names[index]}`)
  return `LEFT JOIN (
    SELECT ${groupBy}, max(seq) AS seq FROM (
      SELECT ${[...values, `${part} AS part`, 'source.seq AS seq'].join(', ')}
      FROM (${scan}) AS marks JOIN ${fileRows(deletes, numberOf)} AS source(path, part, seq) ON marks._esteira_file = source.path
    ) GROUP BY ${groupBy}
  ) AS ${name} ON ${[...equal, `${everywhere ? '0' : 'origin.part'} = ${name}.part`].join(' AND ')}`
}

// Both sides are compared in the type of the newest schema that has the column.
function keySql(relation: string, path: readonly SchemaField[]): string {
  const [column, ...inner] = path
  if (column === undefined) return 'NULL'
  const value = [`${relation}.${internalName(column)}`, ...inner.map(({ name }) => quoteName(name))].join('.')
  const last = path[path.length - 1]
  return last === undefined ? value : `CAST(${value} AS ${duckDbSchemaType(last.type)})`
}
