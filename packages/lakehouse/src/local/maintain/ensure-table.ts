import { EsteiraError, type TableColumn, type TableDefinition } from '@esteira/core'
import { parseTableName } from '../../catalog/table-name.js'
import { columnTypeOf, isColumnType, normalType } from '../../iceberg/column-types.js'
import { metadataFile } from '../../iceberg/metadata-file.js'
import { partitionFields } from '../../iceberg/partition-columns.js'
import { newTableMetadata, withColumns } from '../../iceberg/table-changes.js'
import { currentSchema, currentSnapshot, specById, type TableMetadata } from '../../iceberg/table-metadata.js'
import { transformAccepts } from '../../iceberg/transforms.js'
import { pathToUri } from '../../storage/local-storage.js'
import { commitTable, type Proposal } from '../commit/commit-loop.js'
import { findTable, loadTable } from '../load-table.js'
import type { LoadedTable, Tables } from '../tables.js'

/** Creates the table, or adds the columns and properties it lacks. Gives the table as it stands then. */
export async function ensureTable(tables: Tables, name: string, definition: TableDefinition): Promise<LoadedTable> {
  checkDefinition(name, definition)
  if ((await findTable(tables, name)) === undefined) await createTable(tables, name, definition)
  await commitTable(tables, name, undefined, async ({ table }): Promise<Proposal<void>> => {
    const metadata = evolve(table, definition)
    return metadata === undefined ? { settled: undefined } : { metadata, result: undefined }
  })
  return loadTable(tables, name)
}

async function createTable(tables: Tables, name: string, definition: TableDefinition): Promise<void> {
  const { database, table } = parseTableName(name)
  const metadata = newTableMetadata({
    uuid: tables.newId(),
    location: pathToUri(`${tables.home}/lakehouse/${database}/${table}`),
    columns: definition.columns,
    partitionBy: definition.partitionBy ?? [],
    properties: definition.properties ?? {},
    nowMs: tables.now().getTime(),
  })
  const { location, bytes } = metadataFile(metadata, undefined, tables.newId())
  await tables.storage.create(location, bytes)
  // THE COMMIT POINT of a new table: one row of the catalog. When somebody else made it first, theirs is used.
  const created = await tables.catalog.create(name, location)
  if (!created) await tables.storage.remove([location])
}

function evolve(table: LoadedTable, definition: TableDefinition): TableMetadata | undefined {
  checkPartitioning(table, definition)
  const missing = definition.columns.filter((column) => isMissing(table, column))
  const changed = Object.entries(definition.properties ?? {}).filter(
    ([key, value]) => table.metadata.properties[key] !== value,
  )
  if (missing.length === 0 && changed.length === 0) return undefined
  refuseRequired(table, missing)
  const withNew = missing.length === 0 ? table.metadata : withColumns(table.metadata, missing)
  return { ...withNew, properties: { ...withNew.properties, ...Object.fromEntries(changed) } }
}

function isMissing(table: LoadedTable, column: TableColumn): boolean {
  const field = currentSchema(table.metadata).fields.find(
    ({ name }) => name.toLowerCase() === column.name.toLowerCase(),
  )
  if (field === undefined) return true
  const type = columnTypeOf(field, table.name)
  if (type === normalType(column.type)) return false
  throw new EsteiraError(
    'ESTEIRA_UNSUPPORTED',
    `column ${field.name} of table ${table.name} has type ${type}; ${column.type} was asked for`,
    {
      hint: 'Give the changed column a new name; the type of a column that holds rows stays.',
      details: { table: table.name, column: field.name, expected: column.type, found: type },
    },
  )
}

function refuseRequired(table: LoadedTable, missing: readonly TableColumn[]): void {
  const column = missing.find(({ required }) => required === true)
  if (column === undefined || currentSnapshot(table.metadata) === undefined) return
  throw new EsteiraError(
    'ESTEIRA_UNSUPPORTED',
    `column ${column.name} cannot be added to table ${table.name} as required: its rows have no value there`,
    {
      hint: 'Declare the new column without required.',
      details: { table: table.name, column: column.name },
    },
  )
}

function checkPartitioning(table: LoadedTable, definition: TableDefinition): void {
  if (definition.partitionBy === undefined) return
  const show = (fields: readonly { readonly column: string; readonly transform: string }[]) =>
    fields.map(({ column, transform }) => `${transform}(${column})`).join(', ') || 'nothing'
  const now = show(partitionFields(table.metadata, specById(table.metadata, table.metadata['default-spec-id'])))
  const wanted = show(definition.partitionBy.filter(({ transform }) => transform !== 'void'))
  if (now === wanted) return
  throw new EsteiraError(
    'ESTEIRA_UNSUPPORTED',
    `table ${table.name} is partitioned by ${now}; ${wanted} was asked for`,
    {
      hint: 'Change its partitioning with evolve (partition by …), or write to a table with a new name.',
      details: { table: table.name, expected: wanted, found: now },
    },
  )
}

function checkDefinition(name: string, { columns, partitionBy = [] }: TableDefinition): void {
  parseTableName(name)
  const names = new Set<string>()
  const refuse = (reason: string) => {
    throw new EsteiraError('ESTEIRA_USAGE', `table ${name} cannot be defined so: ${reason}`, {
      details: { table: name },
    })
  }
  if (columns.length === 0) refuse('it has no columns')
  for (const { name: column, type } of columns) {
    if (column === '') refuse('a column has no name')
    if (names.has(column.toLowerCase())) refuse(`column ${column} comes twice (names do not differ by case alone)`)
    if (!isColumnType(type)) refuse(`column ${column} has unknown type ${type}`)
    if (/\bfixed\(/.test(type)) refuse(`column ${column} has type ${type}, which is read but not written; use binary`)
    names.add(column.toLowerCase())
  }
  for (const { column, transform } of partitionBy) {
    const source = columns.find((each) => each.name === column)
    if (source === undefined) refuse(`partition column ${column} is not one of its columns`)
    else if (!transformAccepts(transform, source.type))
      refuse(`column ${column} of type ${source.type} has no ${transform} partitions`)
  }
}
