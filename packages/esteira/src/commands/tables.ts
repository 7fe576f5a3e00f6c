import { asEsteiraError, EsteiraError, type Lakehouse, nearest, type TableState } from '@esteira/core'
import { readEnvironment } from '../environment.js'
import { openLakehouse } from '../open-workspace.js'
import { printDocument } from '../terminal/json-document.js'
import { print, style, table } from '../terminal/style.js'

async function withLakehouse<T>(use: (lakehouse: Lakehouse) => Promise<T>): Promise<T> {
  const lakehouse = await openLakehouse(readEnvironment())
  try {
    return await use(lakehouse)
  } finally {
    await lakehouse.close()
    await lakehouse.engine.close()
  }
}

/** A table that cannot be read, and why. */
interface FaultyTable {
  readonly name: string
  readonly error: EsteiraError
}

/** `esteira tables list`: a table that cannot be read stands in it with its fault. */
export async function listTables({ json }: { readonly json: boolean }): Promise<void> {
  const tables = await withLakehouse(async (lakehouse) =>
    Promise.all((await lakehouse.tableNames()).map((name) => stateOrFault(lakehouse, name))),
  )
  if (json) printDocument(tables.map(asListed))
  else if (tables.length === 0) print('There is no table yet. Run a workflow first: npm run demo')
  else showList(tables)
}

async function stateOrFault(lakehouse: Lakehouse, name: string): Promise<TableState | FaultyTable> {
  try {
    return await find(lakehouse, name)
  } catch (error) {
    return { name, error: asEsteiraError(error) }
  }
}

function asListed(table: TableState | FaultyTable) {
  if ('error' in table) {
    const { code, message, hint } = table.error
    return { name: table.name, error: { code, message, hint: hint ?? null } }
  }
  const { name, rowCount, fileCount, sizeBytes, snapshotId, readOnly } = table
  return { name, rowCount, fileCount, sizeBytes, snapshotId, ...(readOnly === true && { readOnly }) }
}

function showList(tables: readonly (TableState | FaultyTable)[]): void {
  const rows = tables.map((each) => {
    if ('error' in each) return [each.name, '', '', '', `cannot be read: ${each.error.code}`]
    const { name, rowCount, fileCount, sizeBytes, readOnly } = each
    const size = `${(sizeBytes / 1e6).toFixed(1)} MB`
    return [name, rowCount.toLocaleString('en-US'), String(fileCount), size, readOnly === true ? 'read only' : '']
  })
  const right = ['rows', 'files', 'size']
  for (const line of table(['table', 'rows', 'files', 'size', ''], rows, { right })) print(line)
  for (const each of tables) if ('error' in each) print(style.dim(`\n${each.name}: ${each.error.message}`))
}

/** `esteira tables show NAME` */
export async function showTable({ name, json }: { readonly name: string; readonly json: boolean }): Promise<void> {
  const state = await withLakehouse((lakehouse) => find(lakehouse, name))
  if (json) {
    printDocument(state)
    return
  }
  print(style.bold(state.name))
  print(
    `${state.rowCount.toLocaleString('en-US')} rows · ${state.fileCount} files · ${(state.sizeBytes / 1e6).toFixed(1)} MB · snapshot ${state.snapshotId ?? 'none yet'}`,
  )
  print(`at ${state.location}${state.readOnly === true ? ' (belongs to others, only read here)' : ''}`)
  const partitions = state.partitionBy.map(({ column, transform }) =>
    transform === 'identity' ? column : `${transform}(${column})`,
  )
  print(`partitioned by ${partitions.length === 0 ? 'nothing' : partitions.join(', ')}\n`)
  const rows = state.columns.map((column) => [
    column.name,
    column.type,
    column.required === true ? 'required' : '',
    column.doc ?? '',
  ])
  for (const line of table(['column', 'type', '', ''], rows)) print(line)
}

/** `esteira tables snapshots NAME` */
export async function listSnapshots({ name, json }: { readonly name: string; readonly json: boolean }): Promise<void> {
  const snapshots = await withLakehouse(async (lakehouse) => {
    await find(lakehouse, name)
    return lakehouse.snapshots(name)
  })
  if (json) {
    printDocument(snapshots)
    return
  }
  const rows = snapshots.map(({ snapshotId, committedAt, operation, summary }) => [
    snapshotId,
    committedAt.toISOString(),
    operation,
    `+${Number(summary['added-records'] ?? 0).toLocaleString('en-US')}`,
    `-${Number(summary['deleted-records'] ?? 0).toLocaleString('en-US')}`,
    summary['esteira.run-id'] ?? '',
  ])
  const header = ['snapshot', 'committed', 'operation', 'added', 'removed', 'run']
  for (const line of table(header, rows, { right: ['added', 'removed'] })) print(line)
  print(
    style.dim(
      `\nRead an old one: npx esteira sql "SELECT count(*) FROM ${name} FOR VERSION AS OF ${snapshots[0]?.snapshotId ?? '…'}"`,
    ),
  )
}

async function find(lakehouse: Lakehouse, name: string): Promise<TableState> {
  const state = await lakehouse.table(name)
  if (state !== undefined) return state
  const names = await lakehouse.tableNames()
  const near = nearest(name, names)
  throw new EsteiraError(
    'ESTEIRA_TABLE_MISSING',
    `there is no table ${name}; there are ${names.join(', ') || 'none'}`,
    {
      hint: near === undefined ? 'See them: npx esteira tables list' : `Did you mean ${near}?`,
    },
  )
}
