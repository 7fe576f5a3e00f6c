import { EsteiraError, quoteName, type SliceCondition, type TableColumnType } from '@esteira/core'
import { columnTypeOf } from './column-types.js'
import type { DataFile, PartitionColumn } from './data-file.js'
import { literalSql } from './literal-sql.js'
import { decodeSingleValue } from './single-value.js'
import type { TableSchema } from './table-metadata.js'
import { parseTransform, partitionMayHold, partitionRange, type Transform } from './transforms.js'
import { compareValues, conditionValue, type Value } from './values.js'

/** How the rows of a file stand to a slice: surely none in it, surely all, or the file must be looked into. */
export type SliceMatch = 'none' | 'some' | 'all'

/** A condition with its column resolved and its values parsed. */
export interface BoundCondition {
  readonly column: string
  readonly fieldId: number
  readonly type: TableColumnType
  readonly op: SliceCondition['op']
  /** One value; any number of them for `in` and `not in`, none for `is null` and `is not null`. */
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
    const given = givenValues(field.name, condition)
    const values = given.map((value) => conditionValue(field.name, type, value))
    const sql = conditionSql(field.name, type, condition.op, values)
    return { column: field.name, fieldId: field.id, type, op: condition.op, values, sql }
  })
}

function givenValues(column: string, { op, value }: SliceCondition): readonly (string | number | boolean)[] {
  const refuse = (expected: string) =>
    new EsteiraError('ESTEIRA_USAGE', `condition on ${column}: ${expected} belongs to "${op}"`, {
      hint: 'A list belongs to "in" and "not in", nothing to "is null" and "is not null", one value to every other operator.',
    })
  if (!OPERATORS.includes(op)) {
    throw new EsteiraError('ESTEIRA_USAGE', `condition on ${column}: there is no operator "${op}"`, {
      hint: `There are ${OPERATORS.join(', ')}.`,
    })
  }
  if (isNullTest(op)) {
    if (value !== undefined) throw refuse('no value')
    return []
  }
  if (op === 'in' || op === 'not in') {
    if (!isList(value)) throw refuse('a list')
    return value
  }
  if (value === undefined || isList(value)) throw refuse('one value')
  return [value]
}

const OPERATORS: readonly SliceCondition['op'][] = [
  '=',
  '!=',
  '<',
  '<=',
  '>',
  '>=',
  'in',
  'not in',
  'is null',
  'is not null',
]

function isNullTest(op: SliceCondition['op']): op is 'is null' | 'is not null' {
  return op === 'is null' || op === 'is not null'
}

function isList(value: SliceCondition['value']): value is readonly (string | number)[] {
  return Array.isArray(value)
}

function conditionSql(
  column: string,
  type: TableColumnType,
  op: SliceCondition['op'],
  values: readonly Value[],
): string {
  const name = quoteName(column)
  const literals = values.map((value) => literalSql(type, value))
  switch (op) {
    case 'is null':
    case 'is not null':
      return `${name} ${op.toUpperCase()}`
    case 'in':
      return literals.length === 0 ? 'false' : `${name} IN (${literals.join(', ')})`
    case 'not in':
      return literals.length === 0 ? `${name} IS NOT NULL` : `${name} NOT IN (${literals.join(', ')})`
    default:
      return `${name} ${op} ${literals[0] ?? 'NULL'}`
  }
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
  const nulls = nullsOf(condition, file, partition)
  if (condition.op === 'is null') return nulls
  if (nulls === 'all') return 'none'
  if (condition.op === 'is not null') return nulls === 'none' ? 'all' : 'some'
  const matches: SliceMatch[] = [matchRange(condition, boundsRange(condition, file))]
  for (const column of partition) {
    const value = column.sourceId === condition.fieldId ? file.partition.get(column.fieldId) : undefined
    if (value === null || value === undefined) continue
    const transform = parseTransform(column.transform)
    if (!mayHoldOne(condition, transform, value)) return 'none'
    const range = partitionRange(transform, condition.type, value)
    if (range !== undefined)
      matches.push(matchRange(condition, { lower: range.first, upper: range.last, complete: true }))
  }
  return matches.find((match) => match !== 'some') ?? 'some'
}

// A bucket tells which values are surely not in it.
function mayHoldOne({ op, type, values }: BoundCondition, transform: Transform, partition: Value): boolean {
  if (op !== '=' && op !== 'in') return true
  return values.some((value) => partitionMayHold(transform, type, partition, value))
}

/** Whether the rows of the file are null in the column. */
function nullsOf({ fieldId }: BoundCondition, file: DataFile, partition: readonly PartitionColumn[]): SliceMatch {
  const nulls = file.nullCounts?.get(fieldId)
  if (nulls === file.recordCount) return 'all'
  for (const column of partition) {
    if (column.sourceId !== fieldId || parseTransform(column.transform).kind === 'void') continue
    const value = file.partition.get(column.fieldId)
    // Every transform but void gives null for null alone.
    if (value !== undefined) return value === null ? 'all' : 'none'
  }
  return nulls === 0 ? 'none' : 'some'
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
  const { op, values } = condition
  if (op === '!=' || op === 'not in') {
    // All rows differ from every value when none can be equal to one of them.
    const equal = values.map((value) => matchValue('=', value, range))
    if (equal.includes('all') && range.complete) return 'none'
    return range.complete && equal.every((match) => match === 'none') ? 'all' : 'some'
  }
  const matches = values.map((value) => matchValue(op, value, range))
  // The values of `in` are alternatives; every other operator has exactly one.
  if (matches.every((match) => match === 'none')) return 'none'
  return range.complete && matches.includes('all') ? 'all' : 'some'
}

function matchValue(op: SliceCondition['op'], value: Value, { lower, upper }: Range): SliceMatch {
  const compare = (bound: Value | undefined) => (bound === undefined ? undefined : compareValues(bound, value))
  const [least, most] = [compare(lower), compare(upper)]
  const between = (none: boolean, all: boolean): SliceMatch => (none ? 'none' : all ? 'all' : 'some')
  switch (op) {
    case '>=':
      return between(isLess(most), isMore(least) || least === 0)
    case '>':
      return between(isLess(most) || most === 0, isMore(least))
    case '<':
      return between(isMore(least) || least === 0, isLess(most))
    case '<=':
      return between(isMore(least), isLess(most) || most === 0)
    default:
      return between(isLess(most) || isMore(least), least === 0 && most === 0)
  }
}

function isLess(order: number | undefined): boolean {
  return order !== undefined && order < 0
}

function isMore(order: number | undefined): boolean {
  return order !== undefined && order > 0
}
