import type { Operand } from './exact-arithmetic.js'
import { failWith } from './exact-arithmetic.js'
import { refuseSql } from './refuse-sql.js'
import { allowFields, recordOf } from './sql-tree.js'

interface Target {
  readonly sql: string
  /** The texts that Trino accepts. */
  readonly text: string
  readonly kind: 'integer' | 'double' | 'decimal' | 'boolean' | 'varchar' | 'date' | 'timestamp'
}

const DATE_TEXT = '\\s*\\d{4}-\\d{1,2}-\\d{1,2}\\s*'
const NUMBER_TEXT = '[+-]?(\\d+(\\.\\d*)?|\\.\\d+)([eE][+-]?\\d+)?'
const TIME_TEXT = '\\s*\\d{4}-\\d{1,2}-\\d{1,2}( \\d{1,2}:\\d{1,2}(:\\d{1,2}(\\.\\d{1,3})?)?)?\\s*'
const INTEGER_TEXT = '\\s*[+-]?\\d+\\s*'

const TARGETS: Readonly<Record<string, Target>> = {
  tiny_int: { sql: 'TINYINT', text: INTEGER_TEXT, kind: 'integer' },
  small_int: { sql: 'SMALLINT', text: INTEGER_TEXT, kind: 'integer' },
  int: { sql: 'INTEGER', text: INTEGER_TEXT, kind: 'integer' },
  big_int: { sql: 'BIGINT', text: INTEGER_TEXT, kind: 'integer' },
  double: { sql: 'DOUBLE', text: `\\s*(${NUMBER_TEXT}|NaN|[+-]?Infinity)\\s*`, kind: 'double' },
  boolean: { sql: 'BOOLEAN', text: '(?i)(t|true|1|f|false|0)', kind: 'boolean' },
  var_char: { sql: 'VARCHAR', text: '', kind: 'varchar' },
  date: { sql: 'DATE', text: DATE_TEXT, kind: 'date' },
  timestamp: { sql: 'TIMESTAMP', text: TIME_TEXT, kind: 'timestamp' },
}

/** Types that people may cast to, for the documentation's test. */
export const CAST_TARGETS = [
  'tinyint',
  'smallint',
  'integer',
  'bigint',
  'double',
  'decimal(p,s)',
  'boolean',
  'varchar',
  'date',
  'timestamp',
] as const

/**
 * Trino's CAST and TRY_CAST: numbers are rounded half away from zero, and texts must be written as Trino wants them
 * (DuckDB also takes `'2.5'` as a bigint and `'yes'` as a boolean). Where the two write a value as different text, the
 * query stops.
 * @throws EsteiraError ESTEIRA_SQL for a type outside the subset
 */
export function renderCast(operand: Operand, to: unknown, isTry: boolean): string {
  const target = targetOf(to)
  const cast = isTry ? 'TRY_CAST' : 'CAST'
  const plain = `${cast}(${operand.sql} AS ${target.sql})`
  if (target.kind === 'varchar') return varcharOf(operand, plain)
  const cases: string[] = []
  if (mayBe(operand, 'varchar')) cases.push(textCase(operand, target, isTry))
  if (target.kind === 'integer' && mayBe(operand, 'double')) {
    cases.push(
      `WHEN ${hasType(operand, 'DOUBLE', 'FLOAT')} THEN ${cast}(round(${cast}(${operand.sql} AS DOUBLE)) AS ${target.sql})`,
    )
  }
  // By its shortest text, as Trino does: 1.005e0 is 1.01 with two decimals.
  if (target.kind === 'decimal' && mayBe(operand, 'double')) {
    const text = `CAST(${operand.sql} AS VARCHAR)`
    cases.push(`WHEN ${hasType(operand, 'DOUBLE', 'FLOAT')} THEN ${cast}(${text} AS ${target.sql})`)
  }
  if (target.kind === 'timestamp' && mayBe(operand, 'varchar')) {
    cases.push(`WHEN ${hasType(operand, 'VARCHAR')} THEN ${cast}(trim(CAST(${operand.sql} AS VARCHAR)) AS TIMESTAMP)`)
  }
  if (target.kind === 'timestamp') return millisecondsOf(cases, plain)
  return cases.length === 0 ? plain : `(CASE ${cases.join(' ')} ELSE ${plain} END)`
}

function targetOf(to: unknown): Target {
  const fields = recordOf(to)
  const type = String(fields['data_type'])
  const { precision, scale, length } = fields
  if (type === 'decimal' && typeof precision === 'number') {
    return {
      sql: `DECIMAL(${precision}, ${typeof scale === 'number' ? scale : 0})`,
      text: NUMBER_TEXT,
      kind: 'decimal',
    }
  }
  const target = TARGETS[type]
  const isPlain =
    typeof length !== 'number' && (typeof precision !== 'number' || (type === 'timestamp' && precision === 3))
  if (target === undefined || !isPlain) {
    throw refuseSql(
      `cast to ${type.replaceAll('_', '')} is not in the SQL subset`,
      `Cast to ${CAST_TARGETS.join(', ')}.`,
    )
  }
  allowFields(`cast to ${type}`, fields, ['data_type', 'precision'])
  return target
}

function textCase(operand: Operand, target: Target, isTry: boolean): string {
  const accepted = `regexp_full_match(CAST(${operand.sql} AS VARCHAR), '${target.text}')`
  const otherwise = isTry ? 'NULL' : failWith(`text that is no ${target.sql.toLowerCase()} cannot be cast`)
  return `WHEN ${hasType(operand, 'VARCHAR')} AND NOT ${accepted} THEN ${otherwise}`
}

/** Trino's `timestamp` has milliseconds. */
function millisecondsOf(cases: readonly string[], plain: string): string {
  const value = cases.length === 0 ? plain : `(CASE ${cases.join(' ')} ELSE ${plain} END)`
  return `date_trunc('millisecond', ${value} + INTERVAL 500 MICROSECOND)`
}

function varcharOf(operand: Operand, plain: string): string {
  if (operand.type === 'integer' || operand.type === 'varchar' || operand.type === 'date') return plain
  const message = 'doubles and timestamps are written differently by Athena: use round with a decimal, or date_format'
  return `(CASE WHEN ${hasType(operand, 'DOUBLE', 'FLOAT')} OR typeof(${operand.sql}) LIKE 'TIME%' THEN ${failWith(message)} ELSE ${plain} END)`
}

function mayBe(operand: Operand, type: 'varchar' | 'double'): boolean {
  return operand.type === undefined || operand.type === type
}

function hasType(operand: Operand, ...types: readonly string[]): string {
  return `typeof(${operand.sql}) IN (${types.map((type) => `'${type}'`).join(', ')})`
}
