import { EsteiraError, quoteName, type SortField } from '@esteira/core'
import { z } from 'zod'
import { currentSchema, type TableMetadata } from './table-metadata.js'

const sortOrders = z
  .array(
    z.looseObject({
      'order-id': z.int(),
      fields: z.array(
        z.looseObject({
          transform: z.string(),
          'source-id': z.int(),
          direction: z.enum(['asc', 'desc']),
          'null-order': z.enum(['nulls-first', 'nulls-last']),
        }),
      ),
    }),
  )
  .catch([])

type SortOrder = z.infer<typeof sortOrders>[number]

/** How the rows of new files are sorted. */
export interface FileOrder {
  readonly orderId: number
  /** Text after ORDER BY, over the table's columns. */
  readonly sql: string
}

/** The table's sort order; undefined when it has none, or one by values that we do not compute. */
export function fileOrder(metadata: TableMetadata): FileOrder | undefined {
  const order = defaultOrder(metadata)
  if (order === undefined || order.fields.length === 0) return undefined
  const { fields } = currentSchema(metadata)
  const terms = order.fields.map((field) => {
    const source = fields.find(({ id }) => id === field['source-id'])
    if (source === undefined || field.transform !== 'identity') return undefined
    const nulls = field['null-order'] === 'nulls-first' ? 'NULLS FIRST' : 'NULLS LAST'
    return `${quoteName(source.name)} ${field.direction.toUpperCase()} ${nulls}`
  })
  if (terms.includes(undefined)) return undefined
  return { orderId: order['order-id'], sql: terms.join(', ') }
}

/** Columns that the present sort order uses. */
export function sortSources(metadata: TableMetadata): readonly number[] {
  return defaultOrder(metadata)?.fields.map((field) => field['source-id']) ?? []
}

/** The table with another sort order for files written from now on. @throws EsteiraError ESTEIRA_COLUMN_MISSING */
export function withSortOrder(metadata: TableMetadata, table: string, sortBy: readonly SortField[]): TableMetadata {
  const known = sortOrders.parse(metadata['sort-orders'])
  const fields = sortBy.map((field) => sortField(metadata, table, field))
  const same = known.find((each) => JSON.stringify(each.fields) === JSON.stringify(fields))
  if (same !== undefined) return { ...metadata, 'default-sort-order-id': same['order-id'] }
  const orderId = fields.length === 0 ? 0 : Math.max(0, ...known.map((each) => each['order-id'])) + 1
  return {
    ...metadata,
    'default-sort-order-id': orderId,
    'sort-orders': [...known, { 'order-id': orderId, fields }],
  }
}

function sortField(metadata: TableMetadata, table: string, { column, direction = 'asc', nulls }: SortField) {
  const { fields } = currentSchema(metadata)
  const source = fields.find(({ name }) => name.toLowerCase() === column.toLowerCase())
  if (source === undefined || typeof source.type !== 'string') {
    const what = source === undefined ? 'has no column' : 'cannot be sorted by the nested column'
    throw new EsteiraError('ESTEIRA_COLUMN_MISSING', `table ${table} ${what} ${column}`, {
      hint: `Columns to sort by: ${fields.flatMap(({ name, type }) => (typeof type === 'string' ? [name] : [])).join(', ')}.`,
      details: { table, column },
    })
  }
  const first = nulls === undefined ? direction === 'asc' : nulls === 'first'
  const nullOrder = first ? ('nulls-first' as const) : ('nulls-last' as const)
  return { transform: 'identity', 'source-id': source.id, direction, 'null-order': nullOrder }
}

function defaultOrder(metadata: TableMetadata): SortOrder | undefined {
  const orderId = metadata['default-sort-order-id']
  return sortOrders.parse(metadata['sort-orders']).find((each) => each['order-id'] === orderId)
}
