/**
 * SQL expressions as data. What Esteira generates is built from these nodes and rendered per engine by `renderExpression`;
 * they are plain JSON, so a definition can be hashed and compared.
 */
export type SqlType =
  | 'boolean'
  | 'integer'
  | 'bigint'
  | 'double'
  | 'varchar'
  | 'date'
  | 'timestamp'
  | `decimal(${number},${number})`

export type Expression =
  | { readonly kind: 'column'; readonly name: string; readonly table?: string }
  | { readonly kind: 'literal'; readonly type: SqlType; readonly value: string | number | boolean | null }
  | { readonly kind: 'cast'; readonly to: SqlType; readonly of: Expression }
  | { readonly kind: 'operation'; readonly operator: Operator; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'not'; readonly of: Expression }
  | { readonly kind: 'isNull'; readonly of: Expression }
  | { readonly kind: 'between'; readonly of: Expression; readonly low: Expression; readonly high: Expression }
  | { readonly kind: 'oneOf'; readonly of: Expression; readonly values: readonly Expression[] }
  | { readonly kind: 'case'; readonly when: readonly CaseBranch[]; readonly otherwise: Expression }
  | { readonly kind: 'call'; readonly name: ScalarFunction; readonly args: readonly Expression[] }
  | {
      readonly kind: 'aggregate'
      readonly name: AggregateFunction
      readonly of?: Expression
      readonly where?: Expression
    }
  | {
      readonly kind: 'window'
      readonly name: WindowFunction
      readonly partitionBy: readonly Expression[]
      readonly orderBy: readonly Ordering[]
    }

/** Arithmetic keeps integers integers; for quotients use `divide` (double) or `integerDivide`. */
export type Operator = '+' | '-' | '*' | '=' | '<>' | '<' | '<=' | '>' | '>=' | 'and' | 'or'

/**
 * `divide`: quotient of doubles, null when the divisor is 0. `integerDivide`: toward zero. `daysBetween(a, b)`: whole days from
 * date a to date b. `isoWeekday`: 1 Monday to 7 Sunday. `bitAt(n)`: 2^n. `bitCount`: ones of a non-negative bigint.
 * `least`: of doubles, null when one is null. `squareRoot`: of a double that is not negative.
 */
export type ScalarFunction =
  | 'divide'
  | 'integerDivide'
  | 'daysBetween'
  | 'toDate'
  | 'isoWeekday'
  | 'hourOfDay'
  | 'monthOfYear'
  | 'bitAt'
  | 'bitCount'
  | 'least'
  | 'coalesce'
  | 'modulo'
  | 'squareRoot'

/** `std` is the sample standard deviation over doubles, null under two values; `bitOr` of bigints. */
export type AggregateFunction = 'count' | 'countDistinct' | 'sum' | 'avg' | 'min' | 'max' | 'std' | 'bitOr'

/**
 * `count` is the size of the partition; `rank` gives ties the smallest rank. `fifth` is 1 to 5 by rank among n rows:
 * `1 + min(4, (5 (rank - 1)) div (n - 1))`, 1 when n = 1, null when what it is ordered by is null.
 */
export type WindowFunction = 'rank' | 'rowNumber' | 'count' | 'fifth'

export interface CaseBranch {
  readonly if: Expression
  readonly value: Expression
}

export interface Ordering {
  readonly by: Expression
  readonly descending?: boolean
}

export function column(name: string, table?: string): Expression {
  return table === undefined ? { kind: 'column', name } : { kind: 'column', name, table }
}

export function literal(value: string | number | boolean | null, type: SqlType): Expression {
  return { kind: 'literal', type, value }
}

export function integer(value: number): Expression {
  return literal(value, 'integer')
}

/** A date literal, `YYYY-MM-DD`. */
export function date(day: string): Expression {
  return literal(day, 'date')
}

export function cast(of: Expression, to: SqlType): Expression {
  return { kind: 'cast', to, of }
}

export function operation(left: Expression, operator: Operator, right: Expression): Expression {
  return { kind: 'operation', operator, left, right }
}

/** All conditions at once; true when there are none. */
export function allOf(...conditions: readonly Expression[]): Expression {
  const [first, ...rest] = conditions
  if (first === undefined) return literal(true, 'boolean')
  return rest.reduce<Expression>((left, right) => operation(left, 'and', right), first)
}

export function not(of: Expression): Expression {
  return { kind: 'not', of }
}

export function isNullExpression(of: Expression): Expression {
  return { kind: 'isNull', of }
}

export function between(of: Expression, low: Expression, high: Expression): Expression {
  return { kind: 'between', of, low, high }
}

export function oneOf(of: Expression, values: readonly Expression[]): Expression {
  return { kind: 'oneOf', of, values }
}

export function caseWhen(when: readonly CaseBranch[], otherwise: Expression): Expression {
  return { kind: 'case', when, otherwise }
}

export function call(name: ScalarFunction, ...args: readonly Expression[]): Expression {
  return { kind: 'call', name, args }
}

export function aggregate(name: AggregateFunction, of?: Expression, where?: Expression): Expression {
  return { kind: 'aggregate', name, ...(of && { of }), ...(where && { where }) }
}

export function windowOver(
  name: WindowFunction,
  over: { readonly partitionBy: readonly Expression[]; readonly orderBy?: readonly Ordering[] },
): Expression {
  return { kind: 'window', name, partitionBy: over.partitionBy, orderBy: over.orderBy ?? [] }
}
