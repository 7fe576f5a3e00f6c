import { EsteiraError, type PruningCondition } from '@esteira/core'
import { type BoundCondition, bindSlice } from '../../iceberg/slice.js'
import type { TableSchema } from '../../iceberg/table-metadata.js'
import { typeText } from '../../iceberg/type-text.js'

const MOMENTS = ['date', 'timestamp', 'timestamptz']

/**
 * The conditions of a reader that fit their columns. Others are left to the engine, which refuses them or casts the column:
 * then they say nothing about the values that files hold.
 */
export function bindPruning(
  table: string,
  schema: TableSchema,
  where: readonly PruningCondition[],
): readonly BoundCondition[] {
  return where.flatMap((condition) => {
    const field = schema.fields.find(({ name }) => name.toLowerCase() === condition.column.toLowerCase())
    const type = field === undefined ? undefined : typeText(field.type)
    // The engine compares a column of 32-bit floats with a number in a way of its own.
    if (type === undefined || type === 'float') return []
    if (condition.valueType !== undefined && !MOMENTS.includes(type)) return []
    // What is no value of the type (a time of day for a column of dates) is compared by the engine in a wider type.
    try {
      return bindSlice(table, schema, [condition])
    } catch (cause) {
      if (cause instanceof EsteiraError) return []
      throw cause
    }
  })
}
