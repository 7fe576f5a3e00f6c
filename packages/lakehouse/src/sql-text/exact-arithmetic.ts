import type { EvidentType } from './evident-type.js'
import { refuseSql } from './refuse-sql.js'
import { quoteText } from './sql-tree.js'

/** An expression in DuckDB's SQL, with its type when that is evident. */
export interface Operand {
  readonly sql: string
  readonly type: EvidentType | undefined
}

const DECIMAL_QUOTIENT = 'Athena rounds a quotient of decimals to their scale'
const TO_DOUBLE = 'cast one side to double'

/** An expression that stops the query with that message, in place of a value that Athena would not give. */
export function failWith(message: string): string {
  return `error(${quoteText(message)})`
}

/**
 * Trino's `a / b`: integers are truncated, doubles divided. DuckDB's `//` does the same by the types of its operands, but
 * for zeros. Decimals keep a scale in Trino and none in DuckDB, so they are refused: here, or by the query itself when
 * only the columns tell.
 */
export function divide(left: Operand, right: Operand): string {
  if (left.type === 'double' || right.type === 'double') return `(${left.sql} / ${right.sql})`
  const exact = [left.type, right.type]
  if (exact.includes('decimal') && exact.every((type) => type === 'decimal' || type === 'integer')) {
    throw refuseSql(`${DECIMAL_QUOTIENT}; that is not in the SQL subset`, `Write 2e0 for 2.0, or ${TO_DOUBLE}.`)
  }
  const quotient = `${left.sql} // ${right.sql}`
  const byZero = `WHEN ${right.sql} = 0 AND ${left.sql} IS NOT NULL THEN ${failWith('division by zero')}`
  if (exact.every((type) => type === 'integer')) {
    return isNonZero(right.sql) ? `(${quotient})` : `(CASE ${byZero} ELSE ${quotient} END)`
  }
  const decimals = `WHEN typeof(${left.sql} + ${right.sql}) LIKE 'DECIMAL%' THEN ${failWith(`${DECIMAL_QUOTIENT}: ${TO_DOUBLE}`)}`
  return `(CASE ${decimals} ${isNonZero(right.sql) ? '' : byZero} ELSE ${quotient} END)`
}

/** Trino's `a % b`, which stops at an integer zero where DuckDB gives null. */
export function remainder(left: Operand, right: Operand): string {
  const plain = `${left.sql} % ${right.sql}`
  if (left.type === 'double' || right.type === 'double' || isNonZero(right.sql)) return `(${plain})`
  return `(CASE WHEN ${right.sql} = 0 AND ${left.sql} IS NOT NULL THEN ${failWith('division by zero')} ELSE ${plain} END)`
}

/** Trino's `a - b`; of two dates it makes an interval, DuckDB a number of days, so the query stops there. */
export function subtract(left: Operand, right: Operand): string {
  const plain = `${left.sql} - ${right.sql}`
  const types = [left.type, right.type]
  const message = 'a difference of dates is not in the SQL subset: use date_diff'
  if (types.every((type) => type === 'date' || type === 'timestamp')) {
    throw refuseSql('a difference of dates is not in the SQL subset', "Use date_diff('day', a, b).")
  }
  if (types.some((type) => type === 'integer' || type === 'decimal' || type === 'double')) return `(${plain})`
  return `(CASE WHEN typeof(${left.sql}) SIMILAR TO 'DATE|TIME.*' THEN ${failWith(message)} ELSE ${plain} END)`
}

/** Trino's `ceil` and `floor` keep the type of integers; DuckDB's give doubles. */
export function roundTowards(operand: Operand, direction: 'ceil' | 'floor'): string {
  if (operand.type === 'double') return `${direction}(${operand.sql})`
  if (operand.type === 'integer') return operand.sql
  const nearest = `round(${operand.sql})`
  const [beyond, step] = direction === 'ceil' ? ['>', '+'] : ['<', '-']
  return `(CASE WHEN ${operand.sql} ${beyond} ${nearest} THEN ${nearest} ${step} 1 ELSE ${nearest} END)`
}

function isNonZero(sql: string): boolean {
  return /^[0-9.]+$/.test(sql) && Number(sql) !== 0
}
