import {
  type PlanOptions,
  type PruningCondition,
  quoteName,
  type ScanOptions,
  type ScanPlan,
  type TableVersion,
} from '@esteira/core'
import { type BoundCondition, bindSlice } from '../../iceberg/slice.js'
import type { TableSchema } from '../../iceberg/table-metadata.js'
import { loadTable } from '../load-table.js'
import { resolveVersion, type VersionOfTable } from '../table-version.js'
import type { LoadedTable, Tables } from '../tables.js'
import { bindPruning } from './bind-pruning.js'
import { chooseColumns } from './choose-columns.js'
import { ManifestReader } from './manifest-reader.js'
import { metadataTable, splitMetadataName } from './metadata-tables.js'
import { type PlannedScan, planScan } from './plan-scan.js'
import { selectLiveRows } from './read-files.js'

/** Versions of tables as SQL text for DuckDB. */
export class TableViews {
  readonly #tables: Tables
  readonly #reader: ManifestReader
  readonly #made = new Map<string, Promise<void>>()

  constructor(tables: Tables) {
    this.#tables = tables
    this.#reader = new ManifestReader(tables.storage)
  }

  /**
   * SQL text of a table's version. A whole version is a view, made at its first use and named so that messages and plans are
   * readable; a part of one, which is asked for once, is a subquery.
   */
  async relation(name: string, version: TableVersion, where: readonly PruningCondition[]): Promise<string> {
    const metadataName = splitMetadataName(name)
    if (metadataName !== undefined) {
      const table = await loadTable(this.#tables, metadataName.table)
      return metadataTable(this.#reader, table, metadataName.kind, version)
    }
    const { table, state, planned } = await this.#planned(name, version, (schema) => bindPruning(name, schema, where))
    const select = () => selectLiveRows(this.#tables, { table, schema: state.schema, files: planned.files })
    if (planned.plan.filesSkipped > 0) return `(${await select()})`
    const view = [
      `${name}@${planned.plan.snapshotId ?? 'empty'}`,
      `schema-${state.schema['schema-id']}`,
      table.metadata['table-uuid'].slice(0, 8),
    ].join(' ')
    await this.#make(view, await select())
    return quoteName(view)
  }

  /** The numbers of a read, with the conditions taken as {@link TableViews.relation} takes them. */
  async plan(name: string, { version = {}, where = [] }: PlanOptions): Promise<ScanPlan> {
    const { planned } = await this.#planned(name, version, (schema) => {
      chooseColumns(
        name,
        schema,
        where.map(({ column }) => column),
      )
      return bindPruning(name, schema, where)
    })
    return planned.plan
  }

  /** The files that a scan of the version needs, with the state that it reads. */
  planned(name: string, { version = {}, where = [] }: ScanOptions): Promise<PlannedTable> {
    return this.#planned(name, version, (schema) => bindSlice(name, schema, where))
  }

  async #planned(
    name: string,
    version: TableVersion,
    bind: (schema: TableSchema) => readonly BoundCondition[],
  ): Promise<PlannedTable> {
    const table = await loadTable(this.#tables, name)
    const state = resolveVersion(table, version)
    const slice = bind(state.schema)
    return { table, state, slice, planned: await planScan(this.#reader, table, state.snapshot, slice) }
  }

  async #make(view: string, select: string): Promise<void> {
    const made = this.#made.get(view) ?? this.#create(view, select)
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

export interface PlannedTable {
  readonly table: LoadedTable
  readonly state: VersionOfTable
  readonly slice: readonly BoundCondition[]
  readonly planned: PlannedScan
}
