import { column, entity, rule, source, sum, view } from '@esteira/core'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { COLUMNS, orders, SOURCE } from './shop-view.js'
import { DAY, openStagedBatch } from './staged-batch.js'

/** A view of one feature of doubles under a rule. */
const valueView = (type?: z.ZodType) =>
  view('value_view', {
    from: orders,
    features: { value: sum(orders.amount, { days: 30 }) },
    ...(type !== undefined && { rules: { value: type } }),
    moreRowsThan: 0,
  })

/** Rows with these values, keys c01, c02, … */
const valuesOf = (...values: readonly string[]) =>
  values
    .map(
      (value, index) =>
        `SELECT 'c${String(index + 1).padStart(2, '0')}' AS customer_id, DATE '${DAY}' AS feature_date, CAST(${value} AS DOUBLE) AS value`,
    )
    .join(' UNION ALL ')

async function check(type: z.ZodType | undefined, ...values: readonly string[]) {
  const batch = await openStagedBatch(valueView(type))
  await batch.stage(valuesOf(...values))
  return batch.failures()
}

const INFINITY = "'inf'"
const MINUS_INFINITY = "'-inf'"
const NAN = "'nan'"

describe('a check of a column', () => {
  it('holds at the bounds themselves and fails beyond them', async () => {
    const share = z.number().min(0).max(1)
    expect(await check(share, '0', '1', '0.5', '-0.0')).toEqual([])
    expect(await check(share, '0', '-1e-12', '1.0000001', '2')).toMatchObject([
      { name: 'value.min', rule: 'min', column: 'value', failedRows: 1, share: 0.25 },
      { name: 'value.max', rule: 'max', failedRows: 2, share: 0.5 },
    ])
    const open = z.number().gt(0).lt(1)
    expect(await check(open, '0', '0.5', '1')).toMatchObject([
      { name: 'value.min', failedRows: 1, examples: [{ key: `c01, ${DAY}`, value: '0' }] },
      { name: 'value.max', failedRows: 1, examples: [{ key: `c03, ${DAY}`, value: '1' }] },
    ])
  })

  it('tells NaN and infinities once, as what they are, whatever the range', async () => {
    const found = await check(z.number().min(0).max(1), '0.5', NAN, INFINITY, MINUS_INFINITY)
    expect(found).toMatchObject([
      { name: 'value.finite', rule: 'finite', severity: 'error', failedRows: 3, share: 0.75 },
    ])
    expect(found[0]?.examples?.map(({ value }) => value)).toEqual(['NaN', 'Infinity', '-Infinity'])
    expect(await check(undefined, '1.7976931348623157e308', '-1.7976931348623157e308', '5e-324', 'NULL')).toEqual([])
  })

  it('counts nulls for the share of nulls alone', async () => {
    const bounded = (maxNullShare: number) => z.number().min(0).nullable().meta({ maxNullShare })
    expect(await check(z.number().min(0).nullable(), 'NULL', 'NULL')).toEqual([])
    expect(await check(bounded(0.5), 'NULL', '1', 'NULL', '2')).toEqual([])
    expect(await check(bounded(0.49), 'NULL', '1', 'NULL', '2')).toMatchObject([
      { name: 'value.nulls', expected: 'at most 49.0 % nulls', found: '50.0 % (2 rows)', failedRows: 2, share: 0.5 },
    ])
    expect(await check(z.number(), 'NULL', 'NULL', 'NULL')).toMatchObject([
      { name: 'value.nulls', expected: 'no null', found: '100.0 % (3 rows)', share: 1 },
    ])
  })

  it('takes allowed numbers and whole numbers at their value', async () => {
    expect(await check(z.literal([1, 2.5]), '1', '2.5', '1.0')).toEqual([])
    expect(await check(z.literal([1, 2.5]), '1', '2', '2.5')).toMatchObject([
      { name: 'value.allowed', expected: 'one of 1, 2.5', failedRows: 1 },
    ])
    expect(await check(z.int(), '1', '-2', '1e15', '0')).toEqual([])
    expect(await check(z.int().nullable(), '1', '1.5', '-0.25', 'NULL')).toMatchObject([
      { name: 'value.whole', expected: 'whole numbers', failedRows: 2 },
    ])
  })

  it('tolerates a share of the rows, exactly up to it', async () => {
    const type = rule(z.number().min(0), { atMost: 0.25 })
    expect(await check(type, '-1', '1', '2', '3')).toEqual([])
    expect(await check(type, '-1', '-1', '2', '3')).toMatchObject([
      {
        name: 'value.min',
        expected: 'at least 0, except in at most 25.0 % of the rows',
        found: '50.0 % (2 rows)',
        share: 0.5,
      },
    ])
    expect(await check(type, NAN, '1', '2', '3')).toMatchObject([{ name: 'value.finite' }])
    // In doubles, 0.29 * 100 is less than 29.
    const hundred = Array.from({ length: 100 }, (_, row) => (row < 29 ? '-1' : '1'))
    expect(await check(rule(z.number().min(0), { atMost: 0.29 }), ...hundred)).toEqual([])
    expect(await check(rule(z.number().min(0), { atMost: 0.28 }), ...hundred)).toHaveLength(1)
  })

  it('of severity warning is told, and the batch published', async () => {
    const batch = await openStagedBatch(valueView(rule(z.number().max(1), { severity: 'warning' })))
    await batch.stage(valuesOf('1', '2'))
    expect(await batch.publish()).toMatchObject({ rowsPublished: 2 })
    expect(await batch.report()).toMatchObject({ passed: true, rows: 2 })
    expect(await batch.failures()).toMatchObject([{ name: 'value.max', severity: 'warning', failedRows: 1 }])
    expect(await batch.text()).toContain('WARNING value.max')
  })

  it('shows five examples of forty characters, the first by date and entity', async () => {
    const batch = await openStagedBatch(valueView(z.number().max(0)))
    const select = `SELECT repeat('x', 60) || lpad(i::VARCHAR, 3, '0') AS customer_id, DATE '${DAY}' AS feature_date, i::DOUBLE AS value`
    await batch.stage(`${select} FROM range(100, 0, -1) AS t(i)`)
    const [found] = await batch.failures()
    expect(found).toMatchObject({ failedRows: 100, share: 1, found: '100 rows' })
    expect(found?.examples?.map(({ value }) => value)).toEqual(['1', '2', '3', '4', '5'])
    expect(found?.examples?.every(({ key }) => key.length === 40 && key.endsWith('…'))).toBe(true)
  })

  it('of an empty batch fails for its rows alone', async () => {
    const batch = await openStagedBatch(valueView(z.number().min(0)))
    await batch.stage(`SELECT * FROM (${valuesOf('1')}) AS v WHERE false`)
    expect(await batch.failures()).toMatchObject([{ name: 'rows', found: `${DAY}: 0` }])
    expect(await batch.report()).toMatchObject({ rows: 0, passed: false })
  })

  it('finds rows of another version of the view, and a missing column of its own', async () => {
    const batch = await openStagedBatch(valueView())
    await batch.stage(valuesOf('1', '2'))
    expect(await batch.failures({ featureVersion: 2 })).toMatchObject([
      { name: 'feature_version', expected: 'version 2', failedRows: 2, examples: [{ value: '1' }, { value: '1' }] },
    ])
    await batch.lakehouse.writeParquet('staging/run-1/batch.parquet', valuesOf('1'))
    expect((await batch.failures()).map(({ name }) => name)).toEqual([
      '_feature_version.type',
      '_feature_hash.type',
      '_created_at.type',
    ])
  })

  it('knows an entity by its number too', async () => {
    const columns = { ...COLUMNS, customer_id: 'long' } as const
    const from = source('orders', { ...SOURCE, columns, entity: entity('customer_id', 'long') })
    const numbered = view('numbered', { from, features: { value: sum(from.amount, { days: 30 }) }, moreRowsThan: 0 })
    const batch = await openStagedBatch(numbered)
    const row = (key: string) =>
      `SELECT CAST(${key} AS BIGINT) AS customer_id, DATE '${DAY}' AS feature_date, 1::DOUBLE AS value`
    await batch.stage([row('9007199254740993'), row('9007199254740993'), row('7'), row('NULL')].join(' UNION ALL '))
    expect(await batch.failures()).toMatchObject([
      { name: 'customer_id.present', failedRows: 1, examples: [{ key: `null, ${DAY}`, value: 'null' }] },
      { name: 'unique_key', failedRows: 1, examples: [{ key: `9007199254740993, ${DAY}`, value: '2 rows' }] },
    ])
  })

  it('takes no value for SQL', async () => {
    const text = view('text_view', {
      from: orders,
      features: { word: { kind: 'expression', type: 'varchar', value: column('x') } },
      rules: { word: z.enum(["'); DROP TABLE x; --", '"', "o'clock"]) },
      moreRowsThan: 0,
    })
    const batch = await openStagedBatch(text)
    const row = (key: string, word: string) =>
      `SELECT '${key}' AS customer_id, DATE '${DAY}' AS feature_date, '${word.replaceAll("'", "''")}' AS word`
    await batch.stage([row('a', "o'clock"), row('b', '"'), row('c', "'; --")].join(' UNION ALL '))
    expect(await batch.failures()).toMatchObject([
      { name: 'word.allowed', failedRows: 1, examples: [{ key: `c, ${DAY}`, value: "'; --" }] },
    ])
  })
})
