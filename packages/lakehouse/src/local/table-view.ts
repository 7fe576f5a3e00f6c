import { EsteiraError, quoteName, type TableVersion } from '@esteira/core'
import { liveFiles } from '../iceberg/live-files.js'
import {
  currentSchema,
  currentSnapshot,
  schemaOfSnapshot,
  snapshotById,
  type TableSnapshot,
} from '../iceberg/table-metadata.js'
import { loadTable } from './load-table.js'
import { checkFiles, selectFromFiles } from './read-files.js'
import type { LoadedTable, Tables } from './tables.js'

/** Views of table versions in DuckDB: one a version, made at its first use, named so that messages and plans are readable. */
export class TableViews {
  readonly #tables: Tables
  readonly #made = new Map<string, Promise<void>>()

  constructor(tables: Tables) {
    this.#tables = tables
  }

  /** Name of the view of a table's version, quoted. */
  async viewOf(name: string, version: TableVersion): Promise<string> {
    const table = await loadTable(this.#tables, name)
    const snapshot = snapshotOf(table, version)
    const schema =
      snapshot === undefined || isCurrent(table, version)
        ? currentSchema(table.metadata)
        : schemaOfSnapshot(table.metadata, snapshot)
    const view = [
      `${name}@${snapshot?.['snapshot-id'] ?? 'empty'}`,
      `schema-${schema['schema-id']}`,
      table.metadata['table-uuid'].slice(0, 8),
    ].join(' ')
    const files = (await liveFiles(this.#tables.storage, name, table.metadata, snapshot)).map(({ file }) => file)
    checkFiles(name, this.#tables.storage, files)
    await this.#make(view, () => selectFromFiles(name, schema, files))
    return quoteName(view)
  }

  async #make(view: string, select: () => string): Promise<void> {
    const made = this.#made.get(view) ?? this.#create(view, select())
    this.#made.set(view, made)
    await made.catch((cause: unknown) => {
      this.#made.delete(view)
      throw cause
    })
  }

  async #create(view: string, select: string): Promise<void> {
    await this.#tables.engine.query(`CREATE VIEW IF NOT EXISTS ${quoteName(view)} AS ${select}`)
  }
}

function isCurrent(table: LoadedTable, version: TableVersion): boolean {
  const snapshot = snapshotOf(table, version)
  return (
    snapshot?.['snapshot-id'] === currentSnapshot(table.metadata)?.['snapshot-id'] &&
    version.snapshotId === undefined &&
    version.asOf === undefined
  )
}

/** @throws EsteiraError ESTEIRA_TABLE_MISSING when the table has no such version */
function snapshotOf(table: LoadedTable, { snapshotId, asOf }: TableVersion): TableSnapshot | undefined {
  const { metadata } = table
  if (snapshotId !== undefined) {
    const found = /^\d+$/.test(snapshotId) ? snapshotById(metadata, BigInt(snapshotId)) : undefined
    if (found !== undefined) return found
    throw missingVersion(table, `snapshot ${snapshotId}`)
  }
  if (asOf === undefined) return currentSnapshot(metadata)
  const entry = metadata['snapshot-log'].findLast((each) => each['timestamp-ms'] <= asOf.getTime())
  const found = entry === undefined ? undefined : snapshotById(metadata, entry['snapshot-id'])
  if (found !== undefined) return found
  throw missingVersion(table, `snapshot at or before ${asOf.toISOString()}`)
}

function missingVersion(table: LoadedTable, what: string): EsteiraError {
  return new EsteiraError('ESTEIRA_TABLE_MISSING', `table ${table.name} has no ${what}`, {
    hint: `See the snapshots there are: npx esteira tables snapshots ${table.name}`,
    details: { table: table.name },
  })
}
