import { isDeepStrictEqual } from 'node:util'
import { EsteiraError, type PartitionField, type TableChange } from '@esteira/core'
import { withColumnChange } from '../../iceberg/evolve-columns.js'
import { declaredPartitioning, withPartitioning } from '../../iceberg/evolve-partitions.js'
import { withSortOrder } from '../../iceberg/sort-order.js'
import type { TableMetadata } from '../../iceberg/table-metadata.js'
import { commitTable, type Proposal } from '../commit/commit-loop.js'
import { loadTable } from '../load-table.js'
import type { LoadedTable, Tables } from '../tables.js'

/** Makes changes of a table's metadata, all of them in one commit or none. */
export async function evolveTable(tables: Tables, name: string, changes: readonly TableChange[]): Promise<LoadedTable> {
  await commitTable(tables, name, undefined, async ({ table }): Promise<Proposal<void>> => {
    const changed = changes.reduce((state, change) => withChange(state, name, change), table.metadata)
    const metadata = withoutSteps(table.metadata, changed)
    return isDeepStrictEqual(metadata, table.metadata) ? { settled: undefined } : { metadata, result: undefined }
  })
  return loadTable(tables, name)
}

/** Of the schemas, specs and sort orders that the changes made one after the other, the last of each is kept. */
function withoutSteps(before: TableMetadata, after: TableMetadata): TableMetadata {
  const schemas = lastOf(before.schemas, after.schemas, 'schema-id', after['current-schema-id'])
  const specs = lastOf(before['partition-specs'], after['partition-specs'], 'spec-id', after['default-spec-id'])
  return {
    ...after,
    schemas: schemas.items,
    'current-schema-id': schemas.current,
    'partition-specs': specs.items,
    'default-spec-id': specs.current,
  }
}

function lastOf<Key extends string, T extends { [K in Key]: number }>(
  before: readonly T[],
  after: readonly T[],
  key: Key,
  current: number,
): { readonly items: T[]; readonly current: number } {
  if (before.some((each) => each[key] === current)) return { items: [...before], current }
  const id = Math.max(...before.map((each) => each[key])) + 1
  const last = after.filter((each) => each[key] === current).map((each) => ({ ...each, [key]: id }))
  return { items: [...before, ...last], current: id }
}

function withChange(metadata: TableMetadata, table: string, change: TableChange): TableMetadata {
  switch (change.op) {
    case 'partition by':
      return withPartitioning(metadata, table, change.fields)
    case 'add partition':
      return withPartitioning(metadata, table, [...declaredPartitioning(metadata), change.field])
    case 'drop partition':
      return withPartitioning(metadata, table, withoutField(metadata, table, change.field))
    case 'sort by':
      return withSortOrder(metadata, table, change.fields)
    case 'set':
      return { ...metadata, properties: { ...metadata.properties, ...change.properties } }
    case 'unset': {
      const kept = Object.entries(metadata.properties).filter(([key]) => !change.properties.includes(key))
      return { ...metadata, properties: Object.fromEntries(kept) }
    }
    case 'add':
    case 'rename':
    case 'drop':
    case 'move':
    case 'widen':
    case 'make optional':
    case 'describe':
      return withColumnChange(metadata, table, change)
    default:
      throw new EsteiraError(
        'ESTEIRA_USAGE',
        `there is no change "${String((change as { op: unknown }).op)}" of a table`,
        {
          hint: 'There are add, rename, drop, move, widen, make optional, describe, partition by, add partition, drop partition, sort by, set, unset.',
        },
      )
  }
}

function withoutField(
  metadata: TableMetadata,
  table: string,
  { column, transform }: PartitionField,
): readonly PartitionField[] {
  const present = declaredPartitioning(metadata)
  const kept = present.filter(
    (each) => each.transform !== transform || each.column.toLowerCase() !== column.toLowerCase(),
  )
  if (kept.length < present.length) return kept
  const shown = present.map((each) => `${each.transform}(${each.column})`).join(', ') || 'nothing'
  throw new EsteiraError('ESTEIRA_USAGE', `table ${table} is partitioned by ${shown}, not by ${transform}(${column})`, {
    details: { table, column, transform },
  })
}
