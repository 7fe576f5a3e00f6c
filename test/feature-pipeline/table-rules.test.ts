import {
  allOf,
  call,
  isNullExpression,
  type Lakehouse,
  literal,
  mode,
  not,
  operation,
  quoteTableName,
  rule,
  sum,
  type TableRule,
  tableRule,
  view,
} from '@esteira/core'
import type { ValidateOptions } from '@esteira/feature-pipeline'
import { athenaSelectToDuckDb } from '@esteira/lakehouse'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { commit } from '../lakehouse/test-lakehouse.js'
import { orders } from './shop-view.js'
import { DAY, openStagedBatch, type StagedBatch } from './staged-batch.js'

const features = {
  high: sum(orders.amount, { days: 30 }),
  low: sum(orders.amount, { days: 7 }),
  category: mode(orders.category, { days: 30 }),
}

type Write = NonNullable<Parameters<typeof view<typeof features>>[1]['tableRules']>

const ruledView = (tableRules: Write) =>
  view('ruled', { from: orders, features, tableRules, moreRowsThan: 0, rules: { low: z.number().nullable() } })

/** `[entity, high, low, category]`, each as SQL. */
const rowsOf = (...rows: readonly (readonly [string, string, string, string])[]) =>
  rows
    .map(
      ([entity, high, low, category]) =>
        `SELECT CAST(${entity} AS VARCHAR) AS customer_id, DATE '${DAY}' AS feature_date, CAST(${high} AS DOUBLE) AS high, CAST(${low} AS DOUBLE) AS low, CAST(${category} AS VARCHAR) AS category`,
    )
    .join(' UNION ALL ')

const FOUR = rowsOf(
  ["'c1'", '2', '1', "'a'"],
  ["'c2'", '1', '2', "'b'"],
  ["'c3'", '3', 'NULL', 'NULL'],
  ["'c4'", '4', '4', "'b'"],
)

async function check(tableRules: Write, select = FOUR, options?: Partial<ValidateOptions>) {
  const batch = await openStagedBatch(ruledView(tableRules))
  await batch.stage(select)
  return batch.failures(options)
}

/** Writes a table of known values. */
async function writeKnown({ lakehouse }: StagedBatch, ...values: readonly string[]): Promise<string> {
  await lakehouse.ensureTable('reference.words', { columns: [{ name: 'word', type: 'string' }] })
  const rows = values.map((value) => `SELECT CAST(${value} AS VARCHAR) AS word`).join(' UNION ALL ')
  const { snapshotId } = await lakehouse.replace('reference.words', [], rows, commit())
  return snapshotId ?? ''
}

describe('a condition over columns', () => {
  const ordered: Write = (row) => [tableRule.holds('high_is_high', operation(row.high, '>=', row.low))]

  it('names the rows that it does not hold for; a null holds', async () => {
    expect(await check(ordered)).toEqual([
      {
        name: 'high_is_high',
        rule: 'holds',
        severity: 'error',
        expected: '("high" >= "low") in each row',
        found: '1 rows',
        passed: false,
        failedRows: 1,
        share: 0.25,
        examples: [{ key: `c2, ${DAY}`, value: 'high = 1, low = 2' }],
      },
    ])
    expect(
      await check((row) => [tableRule.holds('a', operation(row.high, '>=', call('coalesce', row.low, row.high)))]),
    ).toHaveLength(1)
  })

  it('can ask for values where others are, and tolerate some', async () => {
    const known: Write = (row) => [
      tableRule.holds('low_known', not(isNullExpression(row.low)), { atMost: 0.25 }),
      tableRule.holds('both_known', not(allOf(isNullExpression(row.low), isNullExpression(row.category))), {
        severity: 'warning',
      }),
    ]
    expect(await check(known)).toMatchObject([{ name: 'both_known', severity: 'warning', failedRows: 1 }])
  })

  it('speaks of entity and date too', async () => {
    const early: Write = (_, { featureDate, entity }) => [
      tableRule.holds('before', operation(featureDate, '<', literal(DAY, 'date'))),
      tableRule.holds('short', operation(entity, '<', literal('c4', 'varchar'))),
    ]
    expect(await check(early)).toMatchObject([
      { name: 'before', failedRows: 4 },
      { name: 'short', failedRows: 1, examples: [{ key: `c4, ${DAY}`, value: 'customer_id = c4' }] },
    ])
  })
})

describe('unique values', () => {
  it('count rows beyond the first of a value and date, nulls left out', async () => {
    const unique: Write = (row) => [tableRule.unique([row.category]), tableRule.unique([row.category, row.high])]
    const found = await check(
      unique,
      `${FOUR} UNION ALL ${rowsOf(["'c5'", '4', '4', "'b'"], ["'c6'", '9', '9', 'NULL'])}`,
    )
    expect(found).toMatchObject([
      { name: 'unique_category', rule: 'unique', failedRows: 2, found: '2 rows' },
      { name: 'unique_category_high', failedRows: 1, expected: 'no repeated category, high on a date' },
    ])
    expect(found[0]?.examples).toEqual([
      { key: `c2, ${DAY}`, value: 'category = b' },
      { key: `c4, ${DAY}`, value: 'category = b' },
      { key: `c5, ${DAY}`, value: 'category = b' },
    ])
  })

  it('are not asked across dates', async () => {
    const unique: Write = (row) => [tableRule.unique([row.category], { name: 'one_a' })]
    const later = "SELECT * REPLACE (DATE '2024-04-01' AS feature_date)"
    const one = rowsOf(["'c1'", '2', '1', "'a'"])
    const options = {
      featureDates: [DAY, '2024-04-01'],
      newestEvents: { [DAY]: '2024-02-29', '2024-04-01': '2024-03-30' },
    }
    expect(await check(unique, `${one} UNION ALL ${later} FROM (${one})`, options)).toEqual([])
  })
})

describe('a reference to another table', () => {
  const words: Write = (row) => [tableRule.references(row.category, { table: 'reference.words', column: 'word' })]

  it('names values that are not there; nulls refer to nothing', async () => {
    const batch = await openStagedBatch(ruledView(words))
    await batch.stage(FOUR)
    await writeKnown(batch, "'a'", "'c'", 'NULL')
    expect(await batch.failures()).toMatchObject([
      {
        name: 'references_category',
        rule: 'references',
        expected: 'values of reference.words.word',
        failedRows: 2,
        share: 0.5,
        examples: [
          { key: `c2, ${DAY}`, value: 'b' },
          { key: `c4, ${DAY}`, value: 'b' },
        ],
      },
    ])
    await writeKnown(batch, "'a'", "'b'")
    expect(await batch.failures()).toEqual([])
  })

  it('to an empty table finds every value, and no null', async () => {
    const batch = await openStagedBatch(ruledView(words))
    await batch.stage(FOUR)
    await writeKnown(batch, "'a'")
    await batch.lakehouse.replace('reference.words', [], 'SELECT NULL::VARCHAR AS word WHERE false', commit())
    expect(await batch.failures()).toMatchObject([{ failedRows: 3 }])
  })

  it('reads the table at the snapshot of the run', async () => {
    const batch = await openStagedBatch(ruledView(words))
    await batch.stage(FOUR)
    const snapshotId = await writeKnown(batch, "'a'", "'b'")
    await writeKnown(batch, "'z'")
    const references = { project: 'shop', snapshots: { 'reference.words': snapshotId } }
    expect(await batch.failures({ references })).toEqual([])
    expect(await batch.failures()).toMatchObject([{ failedRows: 3 }])
  })

  it('to a source looks in its silver table', async () => {
    const batch = await openStagedBatch(
      ruledView((_, { entity }) => [tableRule.references(entity, orders.customer_id)]),
    )
    await batch.stage(FOUR)
    await batch.lakehouse.ensureTable('silver.my_shop_orders', { columns: [{ name: 'customer_id', type: 'string' }] })
    await batch.lakehouse.append('silver.my_shop_orders', "SELECT unnest(['c1', 'c2', 'c3']) AS customer_id", commit())
    expect(await batch.failures({ references: { project: 'my-shop' } })).toMatchObject([
      { name: 'references_customer_id', expected: 'values of silver.my_shop_orders.customer_id', failedRows: 1 },
    ])
  })

  it('says which table or column is not there', async () => {
    const batch = await openStagedBatch(ruledView(words))
    await batch.stage(FOUR)
    await expect(batch.publish()).rejects.toMatchObject({ code: 'ESTEIRA_TABLE_MISSING' })
    await writeKnown(batch, "'a'")
    const misspelt = ruledView((row) => [
      tableRule.references(row.category, { table: 'reference.words', column: 'wort' }),
    ])
    await expect(batch.publish({ view: misspelt })).rejects.toMatchObject({
      code: 'ESTEIRA_COLUMN_MISSING',
      message: 'rule references_category: reference.words has no column "wort"',
      hint: 'Did you mean "word"?',
    })
  })
})

describe('rules of whole dates', () => {
  it('ask for more rows, and for newer events, as a warning before the error', async () => {
    const early: Write = () => [
      tableRule.moreRowsThan(4, { severity: 'warning' }),
      tableRule.moreRowsThan(3),
      tableRule.fresh({ withinDays: 3, severity: 'warning' }),
    ]
    const newestEvents = { [DAY]: '2024-02-26' }
    expect(await check(early, FOUR, { newestEvents })).toMatchObject([
      { name: 'more_rows_than_4', rule: 'rows', severity: 'warning', found: `${DAY}: 4` },
      { name: 'fresh_3d', rule: 'fresh', severity: 'warning', found: `${DAY}: 2024-02-26` },
    ])
    expect(await check(early, FOUR, { newestEvents: { [DAY]: '2024-02-27' } })).toHaveLength(1)
  })

  /** Publishes dates with so many rows each, then checks a batch of four rows. */
  async function afterDates(published: Readonly<Record<string, number>>, of: TableRule, options = {}) {
    const batch = await openStagedBatch(ruledView(() => [of]))
    const days = Object.keys(published)
    const rows = days.map(
      (day) =>
        `SELECT 'c' || i AS customer_id, DATE '${day}' AS feature_date, 1::DOUBLE AS high, 1::DOUBLE AS low, 'a' AS category FROM range(${published[day]}) AS t(i)`,
    )
    if (days.length > 0) {
      await batch.stage(rows.join(' UNION ALL '))
      const newestEvents = Object.fromEntries(days.map((day) => [day, day]))
      const bare = view('ruled', { from: orders, features, moreRowsThan: 0 })
      await batch.publish({ view: bare, featureDates: days, newestEvents, runId: 'run-0' })
    }
    await batch.stage(FOUR)
    return batch.failures(options)
  }

  it('compare the rows with the median of the last published dates', async () => {
    const of = tableRule.rowCount({ last: 3 })
    // The median of 8, 9 and 100 is 9, and 4 is less than half of it; 1000 is too old to count.
    const usual = { '2023-11-01': 1000, '2023-12-01': 8, '2024-01-01': 100, '2024-02-01': 9 }
    expect(await afterDates(usual, of)).toMatchObject([
      {
        name: 'row_count',
        rule: 'rowCount',
        expected: '-50.0 % to +100.0 % of the median of the last 3 published dates',
        found: `${DAY}: 4, usually 9`,
      },
    ])
    expect(await afterDates({ ...usual, '2024-02-01': 8 }, of)).toEqual([])
    expect(await afterDates({ '2024-01-01': 1, '2024-02-01': 2 }, of)).toMatchObject([
      { found: `${DAY}: 4, usually 1.5` },
    ])
    expect(await afterDates({ '2024-02-01': 2 }, of)).toEqual([])
    expect(await afterDates({ '2024-02-01': 5 }, tableRule.rowCount({ below: 0.1 }))).toHaveLength(1)
    expect(await afterDates({ '2024-02-01': 20 }, tableRule.rowCount({ below: 0.8 }))).toEqual([])
    expect(await afterDates({ '2024-02-01': 20 }, tableRule.rowCount({ below: 0.79 }))).toHaveLength(1)
  })

  it('compare the oldest date with those after it, a date not with itself, the first with nothing', async () => {
    const of = tableRule.rowCount({ severity: 'warning' })
    expect(await afterDates({ '2024-04-01': 1 }, of)).toMatchObject([{ severity: 'warning' }])
    expect(await afterDates({ [DAY]: 100 }, of)).toEqual([])
    expect(await afterDates({}, of)).toEqual([])
  })
})

describe('the same checks in the dialect of Trino', () => {
  it('are statements of the subset and count the same', async () => {
    const all: Write = (row, { entity }) => [
      tableRule.holds('high_is_high', operation(row.high, '>=', row.low)),
      tableRule.unique([row.category]),
      tableRule.unique([row.category, row.high], { atMost: 0.5 }),
      tableRule.references(entity, { table: 'reference.words', column: 'word' }),
      tableRule.rowCount(),
    ]
    const strict = view('ruled', {
      from: orders,
      features,
      tableRules: all,
      moreRowsThan: 0,
      rules: {
        high: rule(z.int().min(2).max(3.5), { atMost: 0.1 }),
        low: z.number(),
        category: z.enum(['a', "o'clock"]).nullable(),
      },
    })
    const batch = await openStagedBatch(strict)
    await writeKnown(batch, "'c1'", "'c2'")
    const odd = rowsOf(["'c9'", "'nan'", "'inf'", "'a'"], ["'c9'", '2.5', '1', "'a'"], ['NULL', '5', '1', "'b'"])
    await batch.stage(`${FOUR} UNION ALL ${odd}`)
    const expected = await batch.failures()
    expect(expected.map(({ name }) => name).sort()).toEqual([
      'category.allowed',
      'customer_id.present',
      'high.finite',
      'high.max',
      'high.min',
      'high.whole',
      'high_is_high',
      'low.finite',
      'low.nulls',
      'references_customer_id',
      'unique_category',
      'unique_key',
    ])
    const found = await batch.failures({ lakehouse: inTrino(batch.lakehouse) })
    expect(found).toEqual(expected)
  })
})

/** The lakehouse as its statements would reach Athena: rendered for Trino, refused outside the subset, answered after translation. */
function inTrino(lakehouse: Lakehouse): Lakehouse {
  const staged = lakehouse.parquet('staging/run-1/batch.parquet')
  return {
    ...lakehouse,
    parquet: async () => '"staged"."batch"',
    relation: async (name) => quoteTableName(name),
    engine: {
      ...lakehouse.engine,
      dialect: 'trino',
      query: async (sql, options) => {
        const resolveTable = (name: string) => (name === 'staged.batch' ? staged : lakehouse.relation(name))
        return lakehouse.engine.query(await athenaSelectToDuckDb({ sql, resolveTable }), options)
      },
    },
  }
}
