import {
  avg,
  caseWhen,
  count,
  daysSinceLast,
  entity,
  type Feature,
  type FeatureType,
  featureValue,
  integer,
  literal,
  max,
  mode,
  operation,
  quintile,
  seasonality,
  source,
  std,
  sum,
  toRows,
  unavailable,
  view,
} from '@esteira/core'
import { compileFeatureView, type DuckDbEngine, openDuckDb } from '@esteira/lakehouse'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

let engine: DuckDbEngine

beforeAll(async () => {
  engine = await openDuckDb({ threads: 1 })
})
afterAll(() => engine.close())

// Names that the statement uses itself: none of them may be taken for its own.
const visits = source('visits', {
  format: 'csv',
  path: 'visits.csv',
  entity: entity('entity', 'long'),
  key: 'value',
  time: 'event_date',
  columns: {
    entity: 'long',
    value: 'string',
    event_date: 'date',
    age: 'int',
    events: 'double?',
    rows: 'string?',
    price: 'decimal(18,4)?',
  },
})
const SILVER = `(SELECT entity::BIGINT AS entity, value, local_ts::DATE AS event_date, age, events::DOUBLE AS events, "rows", price::DECIMAL(18,4) AS price, local_ts::TIMESTAMP AS local_ts, false AS is_refund FROM (VALUES
  (1, 'a', 30, 1.5, 'x', 2, '2024-01-10 08:00:00'), (1, 'b', 40, NULL, NULL, NULL, '2024-02-10 09:00:00'), (1, 'c', 50, 2.5, 'y', 4, '2024-02-20 09:00:00'),
  (2, 'd', 20, 8, 'x', 1, '2024-02-25 23:00:00'), (3, 'e', 60, 1, 'z', 1, '2022-06-01 12:00:00')) AS t(entity, value, age, events, "rows", price, local_ts))`

async function rowsOf(
  features: Record<string, Feature<FeatureType>>,
  options: { activeWithinDays?: number; keepsCtes?: boolean } = {},
) {
  const { keepsCtes = true, ...of } = options
  const built = view('v', { from: visits, features, ...of })
  const sql = compileFeatureView(built, { dialect: 'duckdb', source: SILVER, featureDates: ['2024-03-01'], keepsCtes })
  return toRows(await engine.query(`${sql} ORDER BY 1`))
}

const KEYS = { feature_date: '2024-03-01' }

describe('a feature view', () => {
  it('may have source columns of any name', async () => {
    const features = {
      age: max(visits.age, { days: 365 }),
      events: sum(visits.events, { days: 365 }),
      rows: mode(visits.rows, { days: 365 }),
      local_ts: max(visits.price, { days: 365 }),
    }
    for (const keepsCtes of [true, false])
      expect(await rowsOf(features, { keepsCtes })).toEqual([
        { entity: 1, ...KEYS, age: 50, events: 4, rows: 'y', local_ts: 4 },
        { entity: 2, ...KEYS, age: 20, events: 8, rows: 'x', local_ts: 1 },
      ])
  })

  it('leaves empty values out of averages and deviations', async () => {
    const features = {
      mean: avg(visits.price, { days: 365 }),
      std: std(visits.price, { days: 365 }),
      of_doubles: std(visits.events, { days: 365 }),
    }
    expect(await rowsOf(features)).toEqual([
      { entity: 1, ...KEYS, mean: 3, std: Math.SQRT2, of_doubles: Math.SQRT1_2 },
      { entity: 2, ...KEYS, mean: 1, std: null, of_doubles: null },
    ])
  })

  it('may look back further than its population', async () => {
    const features = {
      long: count(visits, { days: 900 }),
      short: count(visits, { days: 10 }),
      last: daysSinceLast(visits),
    }
    expect(await rowsOf(features, { activeWithinDays: 10 })).toEqual([
      { entity: 1, ...KEYS, long: 3, short: 1, last: 10 },
      { entity: 2, ...KEYS, long: 1, short: 1, last: 5 },
    ])
    expect(await rowsOf(features, { activeWithinDays: 800 })).toContainEqual({
      entity: 3,
      ...KEYS,
      long: 1,
      short: 0,
      last: 639,
    })
  })

  it('may make features of features of features, and of most frequent values', async () => {
    const isX = operation(featureValue('favourite'), '=', literal('x', 'varchar'))
    const features: Record<string, Feature<FeatureType>> = {
      twice: { kind: 'expression', type: 'integer', value: operation(featureValue('once'), '*', integer(2)) },
      once: { kind: 'expression', type: 'integer', value: caseWhen([{ if: isX, value: integer(1) }], integer(0)) },
      favourite: mode(visits.rows, { days: 365 }),
      fifth: quintile(featureValue('twice')),
      nothing: unavailable('double'),
    }
    for (const keepsCtes of [true, false])
      expect(await rowsOf(features, { keepsCtes })).toEqual([
        { entity: 1, ...KEYS, twice: 0, once: 0, favourite: 'y', fifth: 1, nothing: null },
        { entity: 2, ...KEYS, twice: 2, once: 1, favourite: 'x', fifth: 5, nothing: null },
      ])
  })

  it('knows the first event of the whole source', async () => {
    expect(await rowsOf({ season: seasonality(visits, { days: 365 }) })).toEqual([
      { entity: 1, ...KEYS, season: 0 },
      { entity: 2, ...KEYS, season: 0 },
    ])
  })

  it('is refused when a feature is made of itself or of one that is not there', async () => {
    const of = (name: string): Feature<'integer'> => ({
      kind: 'expression',
      type: 'integer',
      value: featureValue(name),
    })
    await expect(rowsOf({ a: of('b'), b: of('a') })).rejects.toMatchObject({
      code: 'ESTEIRA_PROJECT',
      message: 'views.v.features.a: it is made of itself',
    })
    await expect(rowsOf({ last: daysSinceLast(visits), score: of('lst') })).rejects.toMatchObject({
      code: 'ESTEIRA_PROJECT',
      message: 'views.v.features.score: it uses feature "lst", which is not declared',
      hint: 'Did you mean "last"?',
    })
    const mixed = operation(featureValue('last'), '+', { kind: 'aggregate', name: 'count' })
    const features: Record<string, Feature> = {
      last: daysSinceLast(visits),
      mixed: { kind: 'expression', type: 'integer', value: mixed },
    }
    await expect(rowsOf(features)).rejects.toMatchObject({
      code: 'ESTEIRA_PROJECT',
      message: expect.stringContaining('views.v.features.mixed'),
    })
  })

  it('is refused without a date', () => {
    const built = view('v', { from: visits, features: { n: count(visits, { days: 7 }) } })
    expect(() => compileFeatureView(built, { dialect: 'duckdb', source: SILVER, featureDates: [] })).toThrow(
      'view v: no feature date was given',
    )
  })
})

describe('the statement', () => {
  const built = view('v', {
    from: visits,
    features: { n: count(visits, { days: 7 }), fifth: quintile(featureValue('n')) },
  })

  it('compares times plainly, so that both engines skip files', () => {
    for (const dialect of ['duckdb', 'trino'] as const) {
      const sql = compileFeatureView(built, { dialect, source: 'silver', featureDates: ['2024-02-01', '2024-03-01'] })
      expect(sql).toContain(
        `("e"."local_ts" >= TIMESTAMP '2023-02-01 00:00:00') AND ("e"."local_ts" < TIMESTAMP '2024-03-01 00:00:00')`,
      )
    }
  })

  it('reads the events once for Trino, which computes a CTE each time it is named', () => {
    const sql = compileFeatureView(built, { dialect: 'trino', source: 'silver', featureDates: ['2024-03-01'] })
    expect(sql.match(/\bFROM silver\b/g)).toHaveLength(1)
    expect(sql.match(/\bFROM events\b/g)).toHaveLength(1)
    expect(sql.match(/\bFROM level_0\b/g)).toHaveLength(1)
  })
})
