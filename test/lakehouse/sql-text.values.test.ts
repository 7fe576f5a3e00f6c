import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ALLOWED_FUNCTIONS } from '../../packages/lakehouse/src/sql-text/allowed-functions.js'
import { athenaSelectToDuckDb } from '../../packages/lakehouse/src/sql-text/athena-select.js'
import { TRINO_ANSWERS } from './sql-text-trino-answers.js'

let instance: DuckDBInstance
let connection: DuckDBConnection
beforeAll(async () => {
  instance = await DuckDBInstance.create(':memory:')
  connection = await instance.connect()
})
afterAll(() => {
  connection.closeSync()
  instance.closeSync()
})

const noTables = () => Promise.reject(new Error('no table is read here'))

async function answer(sql: string): Promise<{ columns: string[]; rows: unknown[][] }> {
  const reader = await connection.runAndReadAll(await athenaSelectToDuckDb({ sql, resolveTable: noTables }))
  return { columns: reader.columnNames(), rows: reader.getRowsJson() }
}

/** Both protocols write wide integers and decimals as text, and Trino the milliseconds of a timestamp. */
function plain(value: unknown): unknown {
  if (typeof value !== 'string') return value
  if (/^-?\d+(\.\d+)?$/.test(value)) return Number(value)
  return value.replace(/(?<=:\d\d)\.0+$/, '')
}

function expectEqual(actual: unknown, expected: unknown): void {
  const [here, there] = [plain(actual), plain(expected)]
  if (typeof here === 'number' && typeof there === 'number') {
    expect(Math.abs(here - there)).toBeLessThanOrEqual(1e-12 * Math.abs(there))
  } else {
    expect(here).toEqual(there)
  }
}

describe('a translated query', () => {
  it.each(TRINO_ANSWERS)('answers as Trino does: $sql', async ({ sql, columns, rows }) => {
    const here = await answer(sql)
    expect(here.columns).toEqual(columns)
    expect(here.rows.length).toBe(rows.length)
    for (const [index, row] of rows.entries()) {
      expect(here.rows[index]?.length).toBe(row.length)
      for (const [column, value] of row.entries()) expectEqual(here.rows[index]?.[column], value)
    }
  })

  it.each(Object.keys(ALLOWED_FUNCTIONS))('is compared with Trino for the function %s', (name) => {
    const call = new RegExp(`\\b${name}\\s*\\(`, 'i')
    expect(TRINO_ANSWERS.some(({ sql }) => call.test(sql))).toBe(true)
  })

  it.each([
    ['an average of decimals', 'select avg(x) from (values (1.50), (2.01)) as t (x)', /average of decimals/],
    ['a quotient of decimals', 'select x / 2 from (values (7.50)) as t (x)', /quotient of decimals/],
    ['an integer divided by zero', 'select x / 0 from (values (1)) as t (x)', /division by zero/],
    ['a remainder by zero', 'select x % y from (values (1, 0)) as t (x, y)', /division by zero/],
    ['a difference of dates', "select x - x from (values (date '2024-01-01')) as t (x)", /use date_diff/],
    ['a double cast to varchar', 'select cast(x as varchar) from (values (1.5e0)) as t (x)', /written differently/],
    ['a text that is no number', "select cast(x as bigint) from (values ('2.5')) as t (x)", /cannot be cast/],
  ])('stops with a message for %s', async (_, sql, message) => {
    await expect(answer(sql)).rejects.toThrow(message)
  })

  it('gives null where a divisor or a dividend is null', async () => {
    const sql = 'select x / y, x % y from (values (1, null), (null, 0)) as t (x, y)'
    expect((await answer(sql)).rows).toEqual([
      [null, null],
      [null, null],
    ])
  })
})
