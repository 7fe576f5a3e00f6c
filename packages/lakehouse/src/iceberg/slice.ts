import { EsteiraError, quoteName, quoteText, type SliceCondition, type TableColumnType } from '@esteira/core'
import { columnTypeOf, duckDbTypeOf } from './column-types.js'
import type { DataFile, PartitionColumn } from './data-file.js'
import { decodeSingleValue } from './single-value.js'
import type { TableSchema } from './table-metadata.js'
import { parseTransform, partitionRange } from './transforms.js'
import { compareValues, conditionValue, type Value } from './values.js'

/** How the rows of a file stand to a slice: surely none in it, surely all, or the file must be looked into. */
export type SliceMatch = 'none' | 'some' | 'all'

/** A condition with its column resolved and its values parsed. */
export interface BoundCondition {
  readonly column: string
  readonly fieldId: number
  readonly type: TableColumnType
  readonly op: SliceCondition['op']
  /** One value; any number of them for `in`. */
  readonly values: readonly Value[]
  readonly sql: string
}

/** Resolves the conditions of a slice. @throws EsteiraError ESTEIRA_COLUMN_MISSING, ESTEIRA_USAGE */
export function bindSlice(
  table: string,
  schema: TableSchema,
  slice: readonly SliceCondition[],
): readonly BoundCondition[] {
  return slice.map((condition) => {
    const field = schema.fields.find(({ name }) => name.toLowerCase() === condition.column.toLowerCase())
    if (field === undefined) {
      throw new EsteiraError(
        'ESTEIRA_COLUMN_MISSING',
        `table ${table} has no column ${condition.column} to select a slice by`,
        {
          hint: `Its columns: ${schema.fields.map(({ name }) => name).join(', ')}.`,
          details: { table, column: condition.column },
        },
      )
    }
    const type = columnTypeOf(field, table)
    const given = isList(condition.value) ? condition.value : [condition.value]
    if (isList(condition.value) !== (condition.op === 'in')) {
      throw new EsteiraError(
        'ESTEIRA_USAGE',
        `condition on ${field.name}: a list belongs to "in", one value to every other operator`,
      )
    }
    const values = given.map((value) => conditionValue(field.name, type, value))
    const sql = conditionSql(field.name, type, condition.op, given)
    return { column: field.name, fieldId: field.id, type, op: condition.op, values, sql }
  })
}

function isList(value: SliceCondition['value']): value is readonly (string | number)[] {
  return Array.isArray(value)
}

function conditionSql(
  column: string,
  type: TableColumnType,
  op: SliceCondition['op'],
  given: readonly (string | number | boolean)[],
): string {
  const literals = given.map((value) => `CAST(${quoteText(String(value))} AS ${duckDbTypeOf(type)})`)
  if (op === 'in') return literals.length === 0 ? 'false' : `${quoteName(column)} IN (${literals.join(', ')})`
  return `${quoteName(column)} ${op} ${literals[0] ?? 'NULL'}`
}

/** SQL condition that is true exactly for the rows of the slice; never null. */
export function sliceSql(slice: readonly BoundCondition[]): string {
  return `coalesce(${slice.map(({ sql }) => `(${sql})`).join(' AND ') || 'true'}, false)`
}

/** Whether rows of the file are in the slice, as far as its partition and its bounds tell. */
export function matchFile(
  slice: readonly BoundCondition[],
  file: DataFile,
  partition: readonly PartitionColumn[],
): SliceMatch {
  const matches = slice.map((condition) => matchCondition(condition, file, partition))
  if (matches.includes('none')) return 'none'
  return matches.every((match) => match === 'all') ? 'all' : 'some'
}

interface Range {
  readonly lower: Value | undefined
  readonly upper: Value | undefined
  /** No row of the file is null (or NaN) in the column. */
  readonly complete: boolean
}

function matchCondition(condition: BoundCondition, file: DataFile, partition: readonly PartitionColumn[]): SliceMatch {
  const nulls = file.nullCounts?.get(condition.fieldId)
  if (nulls !== undefined && nulls === file.recordCount) return 'none'
  const matches: SliceMatch[] = [matchRange(condition, boundsRange(condition, file))]
  for (const column of partition) {
    if (column.sourceId !== condition.fieldId) continue
    const value = file.partition.get(column.fieldId)
    const transform = parseTransform(column.transform)
    if (value === null && transform.kind !== 'void') return 'none'
    const range = value === null || value === undefined ? undefined : partitionRange(transform, condition.type, value)
    if (range !== undefined)
      matches.push(matchRange(condition, { lower: range.first, upper: range.last, complete: true }))
  }
  return matches.find((match) => match !== 'some') ?? 'some'
}

// NaN stands outside of the bounds, and SQL orders it above every number: without its count the bounds prove nothing.
function boundsRange({ fieldId, type }: BoundCondition, file: DataFile): Range {
  const maybeNan = (type === 'float' || type === 'double') && file.nanCounts?.get(fieldId) !== 0
  if (maybeNan) return { lower: undefined, upper: undefined, complete: false }
  const lower = file.lowerBounds?.get(fieldId)
  const upper = file.upperBounds?.get(fieldId)
  return {
    lower: lower === undefined ? undefined : decodeSingleValue(type, lower),
    upper: upper === undefined ? undefined : decodeSingleValue(type, upper),
    complete: file.nullCounts?.get(fieldId) === 0,
  }
}

function matchRange(condition: BoundCondition, range: Range): SliceMatch {
  const matches = condition.values.map((value) => matchValue(condition.op, value, range))
  // The values of `in` are alternatives; every other operator has exactly one.
  if (matches.every((match) => match === 'none')) return 'none'
  return range.complete && matches.includes('all') ? 'all' : 'some'
}

function matchValue(op: SliceCondition['op'], value: Value, { lower, upper }: Range): SliceMatch {
  const below = upper !== undefined && compareValues(upper, value) < 0
  const notBelow = lower !== undefined && compareValues(lower, value) >= 0
  if (op === '>=') return below ? 'none' : notBelow ? 'all' : 'some'
  if (op === '<') return notBelow ? 'none' : below ? 'all' : 'some'
  if (below || (lower !== undefined && compareValues(lower, value) > 0)) return 'none'
  const exactly = notBelow && upper !== undefined && compareValues(upper, value) <= 0
  return exactly ? 'all' : 'some'
}
