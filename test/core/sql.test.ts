import {
  aggregate,
  between,
  call,
  caseWhen,
  cast,
  column,
  date,
  type Expression,
  integer,
  isNullExpression,
  literal,
  not,
  oneOf,
  operation,
  renderExpression,
  toRows,
  windowOver,
} from '@esteira/core'
import { type DuckDbEngine, openDuckDb } from '@esteira/lakehouse'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

let engine: DuckDbEngine

beforeAll(async () => {
  engine = await openDuckDb({ threads: 1 })
})
afterAll(() => engine.close())

/** Value of an expression on DuckDB, over one row or the rows of a VALUES list with the columns x and y. */
async function evaluate(expression: Expression, rows = '(1, 1)') {
  const sql = `SELECT ${renderExpression(expression, 'duckdb')} AS v FROM (VALUES ${rows}) AS t(x, y)`
  return toRows(await engine.query(sql))[0]?.['v']
}

function trino(expression: Expression): string {
  return renderExpression(expression, 'trino')
}

const x = column('x')
const y = column('y')
const bigint = (value: number) => literal(value, 'bigint')
const double = (value: number | null) => literal(value, 'double')

describe('scalar functions', () => {
  it('divide as doubles, null when the divisor is 0 or null', async () => {
    expect(await evaluate(call('divide', integer(7), integer(2)))).toBe(3.5)
    expect(await evaluate(call('divide', integer(-7), integer(2)))).toBe(-3.5)
    expect(await evaluate(call('divide', integer(7), integer(0)))).toBeNull()
    expect(await evaluate(call('divide', double(null), integer(2)))).toBeNull()
    expect(await evaluate(call('divide', literal('1.25', 'decimal(18,4)'), integer(2)))).toBe(0.625)
  })

  it('divide integers toward zero', async () => {
    expect(await evaluate(call('integerDivide', integer(7), integer(2)))).toBe(3)
    expect(await evaluate(call('integerDivide', integer(-7), integer(2)))).toBe(-3)
    expect(await evaluate(call('modulo', integer(-7), integer(3)))).toBe(-1)
  })

  it('count days between dates over leap days, backwards too', async () => {
    expect(await evaluate(call('daysBetween', date('2024-02-28'), date('2024-03-01')))).toBe(2)
    expect(await evaluate(call('daysBetween', date('2023-02-28'), date('2023-03-01')))).toBe(1)
    expect(await evaluate(call('daysBetween', date('2024-03-01'), date('2024-02-28')))).toBe(-2)
    expect(await evaluate(call('daysBetween', date('2024-03-01'), date('2024-03-01')))).toBe(0)
  })

  it('take dates and times apart', async () => {
    const moment = literal('2024-03-31 23:59:59.999', 'timestamp')
    expect(await evaluate(call('toDate', moment))).toBe('2024-03-31')
    expect(await evaluate(call('hourOfDay', moment))).toBe(23)
    expect(await evaluate(call('monthOfYear', call('toDate', moment)))).toBe(3)
    expect(await evaluate(call('isoWeekday', date('2024-03-31')))).toBe(7)
    expect(await evaluate(call('isoWeekday', date('2024-04-01')))).toBe(1)
  })

  it('set and count bits up to the sign', async () => {
    expect(await evaluate(call('bitAt', integer(0)))).toBe(1)
    expect(await evaluate(call('bitAt', bigint(60)))).toBe('1152921504606846976')
    expect(await evaluate(call('bitCount', bigint(0)))).toBe(0)
    const all = aggregate('bitOr', call('bitAt', x))
    const bits = Array.from({ length: 62 }, (_, bit) => `(${bit}, 0)`).join(', ')
    expect(await evaluate(call('bitCount', all), bits)).toBe(62)
  })

  it('take the least, null when one is null', async () => {
    expect(await evaluate(call('least', double(1), double(0.25)))).toBe(0.25)
    expect(await evaluate(call('least', double(1), double(null)))).toBeNull()
  })

  it('take the first that is not null, and roots', async () => {
    expect(await evaluate(call('coalesce', double(null), double(2)))).toBe(2)
    expect(await evaluate(call('squareRoot', double(0)))).toBe(0)
    expect(await evaluate(call('squareRoot', double(2)))).toBe(Math.SQRT2)
  })
})

describe('conditions', () => {
  it('follow the logic of nulls', async () => {
    const missing = double(null)
    expect(await evaluate(not(operation(missing, '=', double(1))))).toBeNull()
    expect(await evaluate(isNullExpression(missing))).toBe(true)
    expect(await evaluate(between(integer(7), integer(1), integer(7)))).toBe(true)
    expect(await evaluate(between(missing, integer(1), integer(7)))).toBeNull()
    expect(await evaluate(oneOf(integer(7), [integer(6), integer(7)]))).toBe(true)
    const branches = [{ if: operation(missing, '=', double(1)), value: integer(1) }]
    expect(await evaluate(caseWhen(branches, integer(2)))).toBe(2)
  })
})

describe('aggregates', () => {
  const none = operation(x, '>', integer(100))

  it('of no row are 0 for counts and null for the rest', async () => {
    expect(await evaluate(aggregate('count', undefined, none))).toBe(0)
    expect(await evaluate(aggregate('countDistinct', x, none))).toBe(0)
    for (const name of ['sum', 'avg', 'min', 'max', 'std', 'bitOr'] as const)
      expect(await evaluate(aggregate(name, x, none))).toBeNull()
  })

  it('leave nulls out', async () => {
    const rows = '(1, 1), (NULL, 1), (3, 1), (3, 1)'
    expect(await evaluate(aggregate('count'), rows)).toBe(4)
    expect(await evaluate(aggregate('count', x), rows)).toBe(3)
    expect(await evaluate(aggregate('countDistinct', x), rows)).toBe(2)
    expect(await evaluate(aggregate('avg', x), rows)).toBeCloseTo(7 / 3, 12)
  })

  it('have a sample standard deviation from two values on', async () => {
    expect(await evaluate(aggregate('std', x))).toBeNull()
    expect(await evaluate(aggregate('std', x), '(2, 0), (2, 0)')).toBe(0)
    expect(await evaluate(aggregate('std', x), '(1, 0), (2, 0), (4, 0)')).toBeCloseTo(Math.sqrt(7 / 3), 12)
  })

  it('average decimals as doubles', async () => {
    const money = cast(x, 'decimal(18,4)')
    expect(await evaluate(aggregate('avg', money), '(1, 0), (2, 0), (2, 0)')).toBeCloseTo(5 / 3, 12)
  })

  it('take only the rows of their condition', async () => {
    const where = operation(y, '=', integer(1))
    expect(await evaluate(aggregate('sum', x, where), '(1, 1), (10, 0), (100, 1)')).toBe(101)
  })
})

describe('windows', () => {
  const over = { partitionBy: [y], orderBy: [{ by: x }] }
  const ofRows = async (expression: Expression, rows: readonly (number | null)[]) => {
    const values = rows.map((value, index) => `(${index}, ${value ?? 'NULL'}, 1)`).join(', ')
    const sql = `SELECT ${renderExpression(expression, 'duckdb')} AS v FROM (VALUES ${values}) AS t(n, x, y) ORDER BY n`
    return toRows(await engine.query(sql)).map(({ v }) => v)
  }

  it('rank ties with the smallest rank and nulls last', async () => {
    expect(await ofRows(windowOver('rank', over), [5, 1, 5, null, 7])).toEqual([2, 1, 2, 5, 4])
    const descending = { partitionBy: [y], orderBy: [{ by: x, descending: true }] }
    expect(await ofRows(windowOver('rowNumber', descending), [5, null, 7])).toEqual([2, 3, 1])
    expect(await ofRows(windowOver('count', { partitionBy: [y] }), [5, null])).toEqual([2, 2])
  })

  it('part rows into fifths by rank', async () => {
    const fifth = windowOver('fifth', over)
    expect(await ofRows(fifth, [9])).toEqual([1])
    expect(await ofRows(fifth, [9, 9, 9])).toEqual([1, 1, 1])
    expect(await ofRows(fifth, [1, 2])).toEqual([1, 5])
    expect(await ofRows(fifth, [1, 2, 3, 4, 5])).toEqual([1, 2, 3, 4, 5])
    expect(await ofRows(fifth, [6, 5, 4, 3, 2, 1])).toEqual([5, 5, 4, 3, 2, 1])
    expect(await ofRows(fifth, [null, 2, 1])).toEqual([null, 3, 1])
    for (const n of [7, 11, 23]) {
      const expected = Array.from({ length: n }, (_, index) => 1 + Math.min(4, Math.floor((5 * index) / (n - 1))))
      expect(
        await ofRows(
          fifth,
          Array.from({ length: n }, (_, index) => index),
        ),
      ).toEqual(expected)
    }
  })
})

describe('literals and names', () => {
  it('pass as what they are, never as SQL', async () => {
    const text = `'; DROP TABLE t; --`
    expect(await evaluate(literal(text, 'varchar'))).toBe(text)
    expect(renderExpression(column('a"b', 't'), 'trino')).toBe('"t"."a""b"')
    expect(await evaluate(double(0.1))).toBe(0.1)
    expect(await evaluate(bigint(3_000_000_000))).toBe(3_000_000_000)
    expect(await evaluate(literal(null, 'date'))).toBeNull()
    expect(await evaluate(literal(true, 'boolean'))).toBe(true)
  })

  it('are refused when they are no date, time or finite number', () => {
    const refused = { code: 'ESTEIRA_SQL' }
    for (const bad of [date("2024-01-01' OR 1=1"), literal('yesterday', 'timestamp'), double(Number.NaN)])
      expect(() => trino(bad)).toThrow(expect.objectContaining(refused))
    expect(() => trino(double(Number.POSITIVE_INFINITY))).toThrow('a literal must be a finite number, found Infinity')
  })
})

describe('the Trino rendering', () => {
  it('uses the functions of Trino where the engines differ', () => {
    expect(trino(call('integerDivide', x, y))).toBe('("x" / "y")')
    expect(trino(call('isoWeekday', x))).toBe('day_of_week("x")')
    expect(trino(call('bitAt', x))).toBe(`bitwise_left_shift(BIGINT '1', "x")`)
    expect(trino(call('bitCount', x))).toBe('bit_count("x", 64)')
    expect(trino(aggregate('bitOr', x))).toBe('bitwise_or_agg("x")')
    expect(trino(call('least', x, y))).toBe('least("x", "y")')
  })

  it('never leaves a quotient, an average or a place of nulls to the engine', () => {
    expect(trino(call('divide', x, y))).toBe('(CAST("x" AS DOUBLE) / NULLIF(CAST("y" AS DOUBLE), 0))')
    expect(trino(aggregate('avg', x))).toBe('avg(CAST("x" AS DOUBLE))')
    expect(trino(windowOver('rank', { partitionBy: [y], orderBy: [{ by: x, descending: true }] }))).toBe(
      'rank() OVER (PARTITION BY "y" ORDER BY "x" DESC NULLS LAST)',
    )
    expect(trino(double(0.1))).toBe(`CAST('0.1' AS DOUBLE)`)
  })
})
