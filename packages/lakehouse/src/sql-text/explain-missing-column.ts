import { EsteiraError, type Lakehouse, nearest } from '@esteira/core'
import { checkAthenaSelect } from './athena-select.js'

/** A table that a statement reads, and its columns. */
interface ReadTable {
  readonly name: string
  readonly columns: readonly string[]
}

/**
 * The failure of a statement in the words of its author: a column that no table has is named with the nearest one there is,
 * where the engine tells of its own views. Any other failure comes back as it is.
 */
export async function explainMissingColumn(
  error: unknown,
  { sql, lakehouse }: { readonly sql: string; readonly lakehouse: Pick<Lakehouse, 'table'> },
): Promise<unknown> {
  const column = error instanceof EsteiraError ? error.details['missingColumn'] : undefined
  if (typeof column !== 'string') return error
  const tables = await tablesOf(sql, lakehouse)
  const holder = tables.find(({ columns }) => columns.some((each) => each.toLowerCase() === column.toLowerCase()))
  const details = { column, tables: tables.map(({ name }) => name) }
  if (holder !== undefined) {
    return new EsteiraError(
      'ESTEIRA_COLUMN_MISSING',
      `column ${column} is not to be had where the statement names it`,
      {
        hint: `Table ${holder.name} has it. See which table the name before the column stands for, and that subqueries pass the column on.`,
        details,
        cause: error,
      },
    )
  }
  return new EsteiraError('ESTEIRA_COLUMN_MISSING', messageOf(column, tables), {
    hint: hintOf(column, tables),
    details,
    cause: error,
  })
}

function messageOf(column: string, tables: readonly ReadTable[]): string {
  const [first, ...more] = tables
  if (first === undefined) return `the statement gives no column ${column}`
  if (more.length === 0) return `table ${first.name} has no column ${column}`
  return `none of the tables ${tables.map(({ name }) => name).join(', ')} has a column ${column}`
}

function hintOf(column: string, tables: readonly ReadTable[]): string {
  const near = nearest(
    column.toLowerCase(),
    tables.flatMap(({ columns }) => columns),
  )
  const owner = tables.find(({ columns }) => columns.some((each) => each === near))
  if (near !== undefined && owner !== undefined) {
    return tables.length === 1 ? `Did you mean ${near}?` : `Did you mean ${near} of ${owner.name}?`
  }
  const [first] = tables
  if (first === undefined) return 'Check the names that its subqueries give.'
  return tables.map(({ name, columns }) => `Columns of ${name}: ${columns.join(', ')}.`).join(' ')
}

async function tablesOf(sql: string, lakehouse: Pick<Lakehouse, 'table'>): Promise<readonly ReadTable[]> {
  const names = new Set((await checkAthenaSelect(sql)).map(({ name }) => name))
  const tables: ReadTable[] = []
  for (const name of names) {
    const state = name.includes('$') ? undefined : await lakehouse.table(name).catch(() => undefined)
    if (state !== undefined) tables.push({ name, columns: state.columns.map((each) => each.name) })
  }
  return tables
}
