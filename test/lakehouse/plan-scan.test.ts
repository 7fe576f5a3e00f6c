import type { PruningCondition } from '@esteira/core'
import { toRows } from '@esteira/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { athenaSelectToDuckDb, checkAthenaSelect } from '../../packages/lakehouse/src/sql-text/athena-select.js'
import { commit, openTestLakehouse, type TestLakehouse } from './test-lakehouse.js'

const COLUMNS = [
  { name: 'id', type: 'long' },
  { name: 'day', type: 'date' },
  { name: 'at', type: 'timestamp' },
  { name: 'amount', type: 'double' },
  { name: 'price', type: 'decimal(10,2)' },
  { name: 'ratio', type: 'float' },
  { name: 'name', type: 'string' },
  { name: 'flag', type: 'boolean' },
] as const

/** Six months of two files each: ids 0 to 9 in January, 10 to 19 in February, and so on. */
async function monthly(home?: Partial<TestLakehouse>): Promise<TestLakehouse> {
  const test = await openTestLakehouse(home)
  await test.lakehouse.ensureTable('silver.t', {
    columns: COLUMNS,
    partitionBy: [{ column: 'day', transform: 'month' }],
  })
  for (let half = 0; half < 2; half++) {
    await test.lakehouse.append(
      'silver.t',
      `SELECT i AS id, DATE '2026-01-01' + to_months(CAST(i // 10 AS INTEGER)) AS day,
        TIMESTAMP '2026-01-01 12:00:00' + to_months(CAST(i // 10 AS INTEGER)) + to_hours(i % 10) AS at,
        CASE WHEN i % 10 = 3 THEN NULL ELSE i * 1.5 END AS amount, i / 4 AS price, i / 3 AS ratio, 'n' || i AS name, i < 30 AS flag
       FROM range(0, 60) AS r (i) WHERE i % 2 = ${half}`,
      commit(),
    )
  }
  return test
}

describe('the plan of a read', () => {
  it('counts files, bytes and manifests read and skipped', async () => {
    const { lakehouse } = await monthly()
    const whole = await lakehouse.plan('silver.t')
    const state = await lakehouse.table('silver.t')
    expect(whole).toMatchObject({ filesRead: 12, filesSkipped: 0, bytesSkipped: 0, manifestsRead: 2, rowsAtMost: 60 })
    expect(whole.bytesRead).toBe(state?.sizeBytes)
    const march = await lakehouse.plan('silver.t', { where: [{ column: 'day', op: '=', value: '2026-03-01' }] })
    expect(march).toMatchObject({ filesRead: 2, filesSkipped: 10, manifestsRead: 2, rowsAtMost: 10 })
    expect(march.bytesRead + (march.bytesSkipped ?? 0)).toBe(whole.bytesRead)
  })

  it('passes by manifests whose partitions lie elsewhere, without reading them', async () => {
    const { lakehouse } = await openTestLakehouse()
    const columns = [{ name: 'day', type: 'date' }] as const
    await lakehouse.ensureTable('silver.t', { columns, partitionBy: [{ column: 'day', transform: 'month' }] })
    for (const month of ['01', '02', '03']) {
      await lakehouse.append('silver.t', `SELECT DATE '2026-${month}-15' AS day`, commit())
    }
    await lakehouse.append('silver.t', 'SELECT CAST(NULL AS DATE) AS day', commit())
    const plan = (where: PruningCondition[]) => lakehouse.plan('silver.t', { where })
    const whole = await plan([])
    const february = await plan([{ column: 'day', op: '=', value: '2026-02-15' }])
    expect(february).toMatchObject({ manifestsRead: 1, manifestsSkipped: 3, filesRead: 1, filesSkipped: 3 })
    expect(february.bytesRead + (february.bytesSkipped ?? 0)).toBe(whole.bytesRead)
    expect(await plan([{ column: 'day', op: 'is null' }])).toMatchObject({ filesRead: 1, manifestsSkipped: 3 })
    expect(await plan([{ column: 'day', op: 'is not null' }])).toMatchObject({ filesRead: 3, manifestsSkipped: 1 })
    expect(await plan([{ column: 'day', op: '>', value: '2026-02-28' }])).toMatchObject({ filesRead: 1 })
    expect(await plan([{ column: 'day', op: 'in', value: ['2026-01-15', '2026-03-01'] }])).toMatchObject({
      manifestsRead: 2,
      filesRead: 1,
    })
  })

  it('goes by the bounds of columns that make no partition', async () => {
    const { lakehouse } = await monthly()
    const files = async (...where: PruningCondition[]) => (await lakehouse.plan('silver.t', { where })).filesRead
    expect(await files({ column: 'id', op: '<', value: 10 })).toBe(2)
    expect(await files({ column: 'id', op: '=', value: 10 })).toBe(1)
    expect(await files({ column: 'price', op: '>=', value: '12.5' })).toBe(2)
    expect(await files({ column: 'at', op: '>=', value: '2026-06-01 00:00:00' })).toBe(2)
    expect(await files({ column: 'amount', op: 'is null' })).toBe(6)
    expect(await files({ column: 'flag', op: '=', value: true })).toBe(6)
    expect(await files({ column: 'id', op: '>=', value: 20 }, { column: 'id', op: '<', value: 30 })).toBe(2)
    expect(await files({ column: 'id', op: '=', value: 999 })).toBe(0)
  })

  it('is of the version that is asked for, and empty without a snapshot', async () => {
    const { lakehouse } = await monthly()
    const [first] = await lakehouse.snapshots('silver.t')
    const version = { snapshotId: first?.snapshotId ?? '' }
    expect(await lakehouse.plan('silver.t', { version })).toMatchObject({ ...version, filesRead: 6 })
    await lakehouse.ensureTable('silver.empty', { columns: COLUMNS })
    expect(await lakehouse.plan('silver.empty')).toMatchObject({ filesRead: 0, bytesSkipped: 0 })
  })

  it('names a column that is not there', async () => {
    const { lakehouse } = await monthly()
    const misspelt = lakehouse.plan('silver.t', { where: [{ column: 'amout', op: '=', value: 1 }] })
    await expect(misspelt).rejects.toMatchObject({ code: 'ESTEIRA_COLUMN_MISSING', hint: 'Did you mean amount?' })
  })
})

describe('a relation', () => {
  it('reads only the files that its condition leaves', async () => {
    const { lakehouse, engine } = await monthly()
    const count = async (...where: PruningCondition[]) => {
      const relation = await lakehouse.relation('silver.t', {}, where)
      return toRows(await engine.query(`SELECT count(*) AS n FROM ${relation}`))[0]?.['n']
    }
    expect(await count({ column: 'day', op: '=', value: '2026-03-01' })).toBe(10)
    expect(await count({ column: 'id', op: '=', value: 999 })).toBe(0)
    expect(await count()).toBe(60)
  })

  it('takes no notice of a condition that does not fit its column', async () => {
    const { lakehouse, engine } = await monthly()
    for (const where of [
      { column: 'nothing', op: '=', value: 1 },
      { column: 'name', op: '=', value: 5 },
      { column: 'name', op: '=', value: '2026-01-01', valueType: 'date' },
      { column: 'id', op: '=', value: 'x' },
      { column: 'ratio', op: '=', value: 0.1 },
    ] as const) {
      const relation = await lakehouse.relation('silver.t', {}, [where])
      expect(toRows(await engine.query(`SELECT count(*) AS n FROM ${relation}`))).toEqual([{ n: 60 }])
    }
  })
})

describe('the conditions of a statement', () => {
  const whereOf = async (sql: string) => (await checkAthenaSelect(sql)).map(({ where }) => where)

  it('are taken from what AND joins in WHERE', async () => {
    expect(
      await whereOf(
        "select * from d.t where (a = -5 and 3 < b) and c between 1.50 and 2 and d in ('x', 'y') and e is not null and f is null",
      ),
    ).toEqual([
      [
        { column: 'a', op: '=', value: -5 },
        { column: 'b', op: '>', value: 3 },
        { column: 'c', op: '>=', value: 1.5 },
        { column: 'c', op: '<=', value: 2 },
        { column: 'd', op: 'in', value: ['x', 'y'] },
        { column: 'e', op: 'is not null' },
        { column: 'f', op: 'is null' },
      ],
    ])
    expect(
      await whereOf("select 1 from t where a >= date '2026-01-31' and cast('2026-02-01' as date) > a and b <> true"),
    ).toEqual([
      [
        { column: 'a', op: '>=', value: '2026-01-31', valueType: 'date' },
        { column: 'a', op: '<', value: '2026-02-01', valueType: 'date' },
        { column: 'b', op: '!=', value: true },
      ],
    ])
    expect(await whereOf("select 1 from t where a = timestamp '2026-01-31 10:00' and b not in (1, 2)")).toEqual([
      [
        { column: 'a', op: '=', value: '2026-01-31 10:00:00', valueType: 'timestamp' },
        { column: 'b', op: 'not in', value: [1, 2] },
      ],
    ])
  })

  it('belong to the source they name, through inner joins alone', async () => {
    expect(await whereOf('select 1 from a.t join a.u on t.x = u.x where t.y = 1 and U.z = 2 and w = 3')).toEqual([
      [{ column: 'y', op: '=', value: 1 }],
      [{ column: 'z', op: '=', value: 2 }],
    ])
    expect(await whereOf('select 1 from t left join u on t.x = u.x where t.y = 1 and u.z is null')).toEqual([[], []])
    expect(await whereOf('select 1 from t, u where t.y = 1')).toEqual([[{ column: 'y', op: '=', value: 1 }], []])
    expect(await whereOf('select 1 from t as a (x, y) where x = 1')).toEqual([[]])
    expect(await whereOf('with c as (select * from t where a = 1) select * from c where b = 2')).toEqual([
      [{ column: 'a', op: '=', value: 1 }],
    ])
  })

  it.each([
    'a = 1 or b = 2',
    'not (a = 1)',
    'a + 1 = 2',
    'a = b',
    'lower(a) = 1',
    'a not between 1 and 2',
    'a in (1, null)',
    "a in (1, 'x')",
    'a in (select 1)',
    'a = 9007199254740993',
    'a = null',
    'a',
    "a like 'x%'",
    'case when a = 1 then true end',
  ])('are not taken from: %s', async (where) => {
    expect(await whereOf(`select 1 from t where ${where}`)).toEqual([[]])
  })

  it('never change the answer of a statement', async () => {
    const { lakehouse, engine } = await monthly()
    const comparison = fc.constantFrom('=', '<>', '<', '<=', '>', '>=')
    const term = fc.oneof(
      fc.tuple(fc.constantFrom('id', 'amount', 'price'), comparison, fc.integer({ min: -5, max: 95 })).map(String),
      fc
        .tuple(
          fc.constant('day'),
          comparison,
          fc.integer({ min: 1, max: 7 }).map((m) => `date '2026-0${m}-01'`),
        )
        .map(String),
      fc
        .tuple(
          fc.constant('at'),
          comparison,
          fc.integer({ min: 10, max: 22 }).map((h) => `timestamp '2026-03-01 ${h}:00:00'`),
        )
        .map(String),
      fc
        .tuple(
          fc.constant('name'),
          comparison,
          fc.integer({ min: 0, max: 60 }).map((n) => `'n${n}'`),
        )
        .map(String),
      fc.constantFrom('amount,is,null', 'amount,is,not null', 'flag,=,true', 'id,in,(3, 33)', 'id,not in,(3, 4, 5)'),
      fc.constantFrom('id,between,12 and 31', 'amount,not between,0 and 60', "day,in,(date '2026-02-01')"),
    )
    const where = fc
      .array(term, { minLength: 1, maxLength: 3 })
      .map((terms) => terms.map((each) => each.replace(',', ' ').replace(',', ' ')))
    const join = fc.constantFrom(' and ', ' and ', ' or ')
    await fc.assert(
      fc.asyncProperty(where, join, async (terms, word) => {
        const ask = async (prune: boolean) => {
          const sql = await athenaSelectToDuckDb({
            sql: `select id from silver.t where ${terms.join(word)} order by id`,
            resolveTable: (name, version, conditions) => lakehouse.relation(name, version, prune ? conditions : []),
          })
          return toRows(await engine.query(sql))
        }
        expect(await ask(true)).toEqual(await ask(false))
      }),
      { numRuns: 150, seed: 7 },
    )
  })
})
