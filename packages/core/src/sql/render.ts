import { EsteiraError } from '../errors.js'
import type { Dialect } from '../sql-engine.js'
import {
  type AggregateFunction,
  call,
  caseWhen,
  type Expression,
  integer,
  isNullExpression,
  literal,
  type Ordering,
  operation,
  type ScalarFunction,
  type SqlType,
  windowOver,
} from './expression.js'

type Rendering = (...args: string[]) => string

/** How each scalar function is written, one column per engine: the same value at every edge (see its test). */
const SCALAR_FUNCTIONS: Readonly<Record<ScalarFunction, Readonly<Record<Dialect, Rendering>>>> = {
  divide: same((a, b) => `(CAST(${a} AS DOUBLE) / NULLIF(CAST(${b} AS DOUBLE), 0))`),
  integerDivide: { trino: (a, b) => `(${a} / ${b})`, duckdb: (a, b) => `(${a} // ${b})` },
  daysBetween: same((a, b) => `date_diff('day', ${a}, ${b})`),
  toDate: same((a) => `CAST(${a} AS DATE)`),
  isoWeekday: { trino: (a) => `day_of_week(${a})`, duckdb: (a) => `isodow(${a})` },
  hourOfDay: same((a) => `hour(${a})`),
  monthOfYear: same((a) => `month(${a})`),
  bitAt: {
    trino: (n) => `bitwise_left_shift(BIGINT '1', ${n})`,
    duckdb: (n) => `(CAST(1 AS BIGINT) << CAST(${n} AS BIGINT))`,
  },
  bitCount: { trino: (a) => `bit_count(${a}, 64)`, duckdb: (a) => `CAST(bit_count(${a}) AS BIGINT)` },
  least: {
    trino: (...args) => `least(${args.join(', ')})`,
    // DuckDB's least() skips nulls, Trino's is null when one is.
    duckdb: (...args) =>
      `CASE WHEN ${args.map((a) => `${a} IS NULL`).join(' OR ')} THEN NULL ELSE least(${args.join(', ')}) END`,
  },
  coalesce: same((...args) => `coalesce(${args.join(', ')})`),
  modulo: same((a, b) => `(${a} % ${b})`),
  squareRoot: same((a) => `sqrt(${a})`),
}

const AGGREGATES: Readonly<Record<AggregateFunction, Readonly<Record<Dialect, Rendering>>>> = {
  count: same((a) => `count(${a})`),
  countDistinct: same((a) => `count(DISTINCT ${a})`),
  sum: same((a) => `sum(${a})`),
  avg: same((a) => `avg(CAST(${a} AS DOUBLE))`),
  min: same((a) => `min(${a})`),
  max: same((a) => `max(${a})`),
  std: same((a) => `stddev_samp(CAST(${a} AS DOUBLE))`),
  bitOr: { trino: (a) => `bitwise_or_agg(${a})`, duckdb: (a) => `bit_or(${a})` },
}

function same(rendering: Rendering): Readonly<Record<Dialect, Rendering>> {
  return { trino: rendering, duckdb: rendering }
}

/** SQL text of an expression for one engine. Names are quoted, text is escaped: nothing of a user passes as SQL. */
export function renderExpression(expression: Expression, dialect: Dialect): string {
  const render = (of: Expression) => renderExpression(of, dialect)
  switch (expression.kind) {
    case 'column':
      return expression.table === undefined
        ? quoteName(expression.name)
        : `${quoteName(expression.table)}.${quoteName(expression.name)}`
    case 'literal':
      return renderLiteral(expression.value, expression.type)
    case 'cast':
      return `CAST(${render(expression.of)} AS ${expression.to.toUpperCase()})`
    case 'operation':
      return `(${render(expression.left)} ${expression.operator.toUpperCase()} ${render(expression.right)})`
    case 'not':
      return `(NOT ${render(expression.of)})`
    case 'isNull':
      return `(${render(expression.of)} IS NULL)`
    case 'between':
      return `(${render(expression.of)} BETWEEN ${render(expression.low)} AND ${render(expression.high)})`
    case 'oneOf':
      return `(${render(expression.of)} IN (${expression.values.map(render).join(', ')}))`
    case 'case': {
      const branches = expression.when.map((branch) => `WHEN ${render(branch.if)} THEN ${render(branch.value)}`)
      return `CASE ${branches.join(' ')} ELSE ${render(expression.otherwise)} END`
    }
    case 'call':
      return SCALAR_FUNCTIONS[expression.name][dialect](...expression.args.map(render))
    case 'aggregate': {
      const call = AGGREGATES[expression.name][dialect](expression.of === undefined ? '*' : render(expression.of))
      return expression.where === undefined ? call : `${call} FILTER (WHERE ${render(expression.where)})`
    }
    case 'window':
      return renderWindow(expression, dialect)
  }
}

type Window = Extract<Expression, { kind: 'window' }>

function renderWindow(window: Window, dialect: Dialect): string {
  if (window.name === 'fifth') return renderExpression(fifthOf(window), dialect)
  const name = { rank: 'rank()', rowNumber: 'row_number()', count: 'count(*)' }[window.name]
  const { partitionBy, orderBy } = window
  const partition = partitionBy.map((by) => renderExpression(by, dialect)).join(', ')
  const order = orderBy.map((by) => renderOrdering(by, dialect)).join(', ')
  const over = [partition && `PARTITION BY ${partition}`, order && `ORDER BY ${order}`].filter((part) => part !== '')
  return `${name} OVER (${over.join(' ')})`
}

/** The fifth of a row by its rank, for engines that rank whole rows. */
function fifthOf({ partitionBy, orderBy }: Window): Expression {
  const below = operation(windowOver('rank', { partitionBy, orderBy }), '-', integer(1))
  const others = operation(windowOver('count', { partitionBy }), '-', integer(1))
  const fifth = call('integerDivide', operation(integer(5), '*', below), others)
  const missing = orderBy.map(({ by }) => ({ if: isNullExpression(by), value: literal(null, 'bigint') }))
  return caseWhen(
    [
      ...missing,
      { if: operation(others, '=', integer(0)), value: literal(1, 'bigint') },
      { if: operation(fifth, '>', integer(4)), value: literal(5, 'bigint') },
    ],
    operation(integer(1), '+', fifth),
  )
}

/** `x ASC NULLS LAST`: the place of nulls is always written, because the engines' defaults differ. */
export function renderOrdering(ordering: Ordering, dialect: Dialect): string {
  return `${renderExpression(ordering.by, dialect)} ${ordering.descending ? 'DESC' : 'ASC'} NULLS LAST`
}

/** A column or table name as an SQL identifier. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** `silver.churn_transactions` as `"silver"."churn_transactions"`. */
export function quoteTableName(name: string): string {
  return name.split('.').map(quoteName).join('.')
}

/** Text as an SQL string literal. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

function renderLiteral(value: string | number | boolean | null, type: SqlType): string {
  if (value === null) return `CAST(NULL AS ${type.toUpperCase()})`
  if (typeof value === 'boolean') return value ? 'TRUE' : 'FALSE'
  if (typeof value === 'number') return renderNumber(value, type)
  if (type === 'varchar') return quoteText(value)
  if (type === 'date') return `DATE ${quoteText(checked(value, /^\d{4}-\d\d-\d\d$/, 'YYYY-MM-DD'))}`
  if (type === 'timestamp') {
    return `TIMESTAMP ${quoteText(checked(value, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?$/, 'YYYY-MM-DD hh:mm:ss'))}`
  }
  return `CAST(${quoteText(value)} AS ${type.toUpperCase()})`
}

function renderNumber(value: number, type: SqlType): string {
  if (!Number.isFinite(value))
    throw new EsteiraError('ESTEIRA_SQL', `a literal must be a finite number, found ${value}`)
  if (type === 'integer' && Number.isInteger(value)) return String(value)
  // A bare 0.1 is a decimal on both engines; a double must say so.
  return `CAST('${value}' AS ${type.toUpperCase()})`
}

function checked(value: string, pattern: RegExp, expected: string): string {
  if (pattern.test(value)) return value
  throw new EsteiraError('ESTEIRA_SQL', `expected ${expected}, found ${JSON.stringify(value)}`, { details: { value } })
}
