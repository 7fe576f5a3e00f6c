import type { SliceCondition, TableDefinition } from '@esteira/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { commit, openTestEngine, openTestLakehouse, type TestLakehouse } from './test-lakehouse.js'

const FEATURES: TableDefinition = {
  columns: [
    { name: 'customer_id', type: 'string' },
    { name: 'feature_date', type: 'date' },
    { name: 'value', type: 'int' },
  ],
  partitionBy: [{ column: 'feature_date', transform: 'month' }],
}

/** `count` customers at a date. */
function features(date: string, count: number, value = 0): string {
  return `SELECT 'c' || range AS customer_id, DATE '${date}' AS feature_date, ${value} + range::INTEGER AS value FROM range(${count})`
}

const NONE = `SELECT 1 AS value WHERE false`

function at(date: string): SliceCondition[] {
  return [{ column: 'feature_date', op: '=', value: date }]
}

async function summaryOf({ lakehouse }: TestLakehouse, name: string): Promise<Readonly<Record<string, string>>> {
  return (await lakehouse.snapshots(name)).at(-1)?.summary ?? {}
}

describe('replace', () => {
  it('removes a date and adds its new rows in one commit, and leaves the files of other dates alone', async () => {
    const test = await openTestLakehouse()
    const { lakehouse, rows } = test
    await lakehouse.ensureTable('f.v', FEATURES)
    for (const date of ['2024-01-01', '2024-01-15', '2024-02-01'])
      await lakehouse.append('f.v', features(date, 10), commit())
    const result = await lakehouse.replace('f.v', at('2024-01-15'), features('2024-01-15', 4, 100), commit())
    expect(result).toMatchObject({ rowsAdded: 4, rowsRemoved: 10, committed: true })
    expect(
      await rows('SELECT feature_date AS d, count(*) AS n, min(value) AS low FROM {f.v} GROUP BY ALL ORDER BY d'),
    ).toEqual([
      { d: '2024-01-01', n: 10, low: 0 },
      { d: '2024-01-15', n: 4, low: 100 },
      { d: '2024-02-01', n: 10, low: 0 },
    ])
    // One file of one date went, one came: nothing was rewritten.
    expect(await summaryOf(test, 'f.v')).toMatchObject({
      'added-data-files': '1',
      'deleted-data-files': '1',
      'added-records': '4',
      'deleted-records': '10',
      'total-records': '24',
      'total-data-files': '3',
    })
    expect((await lakehouse.snapshots('f.v')).at(-1)?.operation).toBe('overwrite')
  })

  it('rewrites a file that holds other rows too, and keeps those', async () => {
    const test = await openTestLakehouse()
    const { lakehouse, rows } = test
    await lakehouse.ensureTable('f.v', FEATURES)
    await lakehouse.append(
      'f.v',
      `${features('2024-01-01', 10)} UNION ALL ${features('2024-01-02', 5)} UNION ALL ${features('2024-03-02', 7)}`,
      commit(),
    )
    const result = await lakehouse.replace('f.v', at('2024-01-02'), NONE, commit())
    expect(result).toMatchObject({ rowsAdded: 0, rowsRemoved: 5, committed: true })
    expect(await rows('SELECT count(*) AS n FROM {f.v}')).toEqual([{ n: 17 }])
    expect(await summaryOf(test, 'f.v')).toMatchObject({
      'deleted-records': '15',
      'added-records': '10',
      'total-records': '17',
    })
  })

  it('is a delete when files only go', async () => {
    const { lakehouse } = await openTestLakehouse()
    await lakehouse.ensureTable('f.v', FEATURES)
    await lakehouse.append('f.v', features('2024-01-01', 10), commit())
    await lakehouse.replace('f.v', at('2024-01-01'), NONE, commit())
    expect((await lakehouse.snapshots('f.v')).at(-1)?.operation).toBe('delete')
    expect(await lakehouse.table('f.v')).toMatchObject({ rowCount: 0, fileCount: 0, sizeBytes: 0 })
  })

  it('commits nothing when nothing goes and nothing comes', async () => {
    const { lakehouse } = await openTestLakehouse()
    await lakehouse.ensureTable('f.v', FEATURES)
    await lakehouse.append('f.v', `${features('2024-01-01', 5)} UNION ALL ${features('2024-01-03', 5)}`, commit())
    expect(await lakehouse.replace('f.v', at('2024-01-02'), NONE, commit())).toEqual({
      rowsAdded: 0,
      rowsRemoved: 0,
      committed: false,
    })
    expect(await lakehouse.snapshots('f.v')).toHaveLength(1)
  })

  it('is one commit for one commit id', async () => {
    const { lakehouse } = await openTestLakehouse()
    await lakehouse.ensureTable('f.v', FEATURES)
    const first = await lakehouse.replace('f.v', at('2024-01-01'), features('2024-01-01', 3), commit('publish-1'))
    await lakehouse.append('f.v', features('2024-01-01', 2), commit())
    expect(await lakehouse.replace('f.v', at('2024-01-01'), features('2024-01-01', 9), commit('publish-1'))).toEqual({
      ...first,
      committed: false,
    })
    expect((await lakehouse.table('f.v'))?.rowCount).toBe(5)
  })

  it('never removes a row whose value is null', async () => {
    const { lakehouse, rows } = await openTestLakehouse()
    await lakehouse.ensureTable('f.v', FEATURES)
    await lakehouse.append(
      'f.v',
      "SELECT NULL::DATE AS feature_date, 1 AS value UNION ALL SELECT DATE '2024-01-01', NULL",
      commit(),
    )
    await lakehouse.replace('f.v', [{ column: 'value', op: '<', value: 100 }], NONE, commit())
    await lakehouse.replace(
      'f.v',
      [
        { column: 'feature_date', op: '>=', value: '1900-01-01' },
        { column: 'value', op: '>=', value: 0 },
      ],
      NONE,
      commit(),
    )
    expect(await rows('SELECT feature_date AS d, value FROM {f.v}')).toEqual([{ d: '2024-01-01', value: null }])
    await lakehouse.replace('f.v', [], NONE, commit())
    expect((await lakehouse.table('f.v'))?.rowCount).toBe(0)
  })

  it('removes NaN like SQL does, above every number', async () => {
    const { lakehouse, rows } = await openTestLakehouse()
    await lakehouse.ensureTable('f.x', { columns: [{ name: 'x', type: 'double' }] })
    await lakehouse.append('f.x', "SELECT unnest(['nan'::DOUBLE, 1, 2, '-infinity'::DOUBLE, -0.0]) AS x", commit())
    const result = await lakehouse.replace(
      'f.x',
      [{ column: 'x', op: '>=', value: 2 }],
      'SELECT NULL::DOUBLE AS x',
      commit(),
    )
    expect(result).toMatchObject({ rowsRemoved: 2, rowsAdded: 1 })
    await lakehouse.replace('f.x', [{ column: 'x', op: '=', value: 0 }], 'SELECT 7 AS x', commit())
    expect((await rows('SELECT x::VARCHAR AS x FROM {f.x} ORDER BY ALL')).map(({ x }) => x)).toEqual([
      '-inf',
      '1.0',
      '7.0',
      null,
    ])
  })

  it('takes text, numbers, dates, timestamps, decimals and booleans as values', async () => {
    const { lakehouse, rows } = await openTestLakehouse()
    await lakehouse.ensureTable('f.t', {
      columns: [
        { name: 'k', type: 'string' },
        { name: 'ts', type: 'timestamp' },
        { name: 'm', type: 'decimal(10,2)' },
        { name: 'b', type: 'boolean' },
        { name: 'l', type: 'long' },
      ],
      partitionBy: [{ column: 'ts', transform: 'hour' }],
    })
    const fill = `SELECT 'it''s a rather long key ' || range AS k, TIMESTAMP '2024-01-01 00:00:00' + INTERVAL (range * 15) MINUTE AS ts, range / 4 AS m, range % 2 = 0 AS b, range * 3000000000 AS l FROM range(20)`
    const left = async (slice: readonly SliceCondition[]) => {
      await lakehouse.replace('f.t', [], fill, commit())
      const { rowsRemoved } = await lakehouse.replace('f.t', slice, NONE.replace('value', 'l'), commit())
      const [row] = await rows('SELECT count(*) AS n FROM {f.t}')
      return [rowsRemoved, row?.['n']]
    }
    expect(await left([{ column: 'k', op: '=', value: "it's a rather long key 7" }])).toEqual([1, 19])
    expect(
      await left([{ column: 'K', op: 'in', value: ["it's a rather long key 7", 'other', "it's a rather long key 1"] }]),
    ).toEqual([2, 18])
    expect(await left([{ column: 'k', op: 'in', value: [] }])).toEqual([0, 20])
    expect(
      await left([
        { column: 'ts', op: '>=', value: '2024-01-01 01:00:00' },
        { column: 'ts', op: '<', value: '2024-01-01T02:30:00' },
      ]),
    ).toEqual([6, 14])
    expect(await left([{ column: 'ts', op: '<', value: '2024-01-01' }])).toEqual([0, 20])
    expect(await left([{ column: 'm', op: '>=', value: '4.5' }])).toEqual([2, 18])
    expect(await left([{ column: 'm', op: '<', value: 0.25 }])).toEqual([1, 19])
    expect(
      await left([
        { column: 'b', op: '=', value: true },
        { column: 'l', op: 'in', value: [0, 6000000000, 3] },
      ]),
    ).toEqual([2, 18])
  })

  it('refuses a column the table does not have and values of another type', async () => {
    const { lakehouse } = await openTestLakehouse()
    await lakehouse.ensureTable('f.v', FEATURES)
    const refused = (slice: readonly SliceCondition[], code: string) =>
      expect(lakehouse.replace('f.v', slice, NONE, commit())).rejects.toMatchObject({ code })
    await refused([{ column: 'nothing', op: '=', value: 1 }], 'ESTEIRA_COLUMN_MISSING')
    await refused([{ column: 'feature_date', op: '=', value: '2024-13-01' }], 'ESTEIRA_USAGE')
    await refused([{ column: 'feature_date', op: '=', value: 19000 }], 'ESTEIRA_USAGE')
    await refused([{ column: 'value', op: '>=', value: 1.5 }], 'ESTEIRA_USAGE')
    await refused([{ column: 'value', op: '=', value: [1, 2] }], 'ESTEIRA_USAGE')
    await refused([{ column: 'value', op: 'in', value: 1 }], 'ESTEIRA_USAGE')
    await refused([{ column: 'customer_id', op: '=', value: 5 }], 'ESTEIRA_USAGE')
  })

  it('keeps added columns of the rows that it rewrites', async () => {
    const { lakehouse, rows } = await openTestLakehouse()
    await lakehouse.ensureTable('f.t', { columns: [{ name: 'a', type: 'int' }] })
    await lakehouse.append('f.t', 'SELECT range AS a FROM range(4)', commit())
    await lakehouse.ensureTable('f.t', {
      columns: [
        { name: 'a', type: 'int' },
        { name: 'b', type: 'int' },
      ],
    })
    await lakehouse.append('f.t', 'SELECT 10 + range AS a, range AS b FROM range(3)', commit())
    await lakehouse.replace('f.t', [{ column: 'a', op: 'in', value: [1, 11] }], 'SELECT 99 AS a', commit())
    expect(await rows('SELECT a, b FROM {f.t} ORDER BY a')).toEqual([
      { a: 0, b: null },
      { a: 2, b: null },
      { a: 3, b: null },
      { a: 10, b: 0 },
      { a: 12, b: 2 },
      { a: 99, b: null },
    ])
  })

  it('leaves the same rows as DELETE and INSERT on a plain table, whatever was written before', async () => {
    const { lakehouse, engine } = await openTestLakehouse({ engine: await openTestEngine() })
    const value = fc.option(fc.integer({ min: 0, max: 6 }), { nil: null })
    const row = fc.tuple(
      value,
      fc.option(fc.integer({ min: 0, max: 80 }), { nil: null }),
      fc.constantFrom('a', 'b', '', null),
    )
    const condition = fc.oneof(
      fc.record({
        column: fc.constant('n'),
        op: fc.constantFrom('=', '>=', '<'),
        value: fc.integer({ min: 0, max: 6 }),
      }),
      fc.record({
        column: fc.constant('d'),
        op: fc.constantFrom('=', '>=', '<'),
        value: fc.integer({ min: 0, max: 80 }).map(dayText),
      }),
      fc.record({ column: fc.constant('k'), op: fc.constant('in'), value: fc.subarray(['a', 'b', '']) }),
    )
    const step = fc.record({
      rows: fc.array(row, { maxLength: 6 }),
      slice: fc.option(fc.array(condition, { maxLength: 2 }), { nil: null }),
    })
    let table = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 5 }),
        fc.constantFrom(null, 'identity', 'month'),
        async (steps, transform) => {
          const name = `f.t${table++}`
          const partitionBy =
            transform === null ? [] : [{ column: transform === 'month' ? 'd' : 'k', transform } as const]
          const columns = [
            { name: 'n', type: 'int' },
            { name: 'd', type: 'date' },
            { name: 'k', type: 'string' },
          ] as const
          await lakehouse.ensureTable(name, { columns, partitionBy })
          await engine.query(`CREATE OR REPLACE TABLE model (n INTEGER, d DATE, k VARCHAR)`)
          for (const { rows, slice } of steps) {
            const sql = rowsSql(rows)
            const conditions = slice as readonly SliceCondition[] | null
            if (conditions === null) await lakehouse.append(name, sql, commit())
            else await lakehouse.replace(name, conditions, sql, commit())
            if (conditions !== null)
              await engine.query(`DELETE FROM model WHERE ${conditions.map(conditionText).join(' AND ') || 'true'}`)
            await engine.query(`INSERT INTO model ${sql}`)
            const read = async (relation: string) => engine.readRows(`SELECT * FROM ${relation} ORDER BY ALL`)
            expect(await read(await lakehouse.relation(name))).toEqual(await read('model'))
            const state = await lakehouse.table(name)
            expect(state?.rowCount).toBe((await read('model')).length)
          }
        },
      ),
      { numRuns: 12, seed: 7 },
    )
  })
})

function dayText(day: number): string {
  return new Date(Date.UTC(1969, 11, 1 + day)).toISOString().slice(0, 10)
}

function rowsSql(rows: readonly (readonly [number | null, number | null, string | null])[]): string {
  const values = rows.map(
    ([n, d, k]) =>
      `(${n ?? 'NULL'}, ${d === null ? 'NULL' : `DATE '${dayText(d)}'`}, ${k === null ? 'NULL' : `'${k}'`})`,
  )
  const from = values.length === 0 ? "(SELECT 1, DATE '1970-01-01', '' WHERE false)" : `(VALUES ${values.join(', ')})`
  return `SELECT n::INTEGER AS n, d::DATE AS d, k::VARCHAR AS k FROM ${from} AS given(n, d, k)`
}

function conditionText({ column, op, value }: SliceCondition): string {
  if (op === 'in')
    return Array.isArray(value) && value.length > 0 ? `k IN (${value.map((each) => `'${each}'`).join(', ')})` : 'false'
  return `${column} ${op} ${column === 'd' ? `DATE '${value}'` : value}`
}
