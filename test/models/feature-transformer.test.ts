import type { Column, Frame } from '@esteira/core'
import { FeatureTransformer } from '@esteira/models'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { frameOf, syntheticRows } from './synthetic-rows.js'

const doubles = (...values: (number | null)[]): Column => ({
  type: 'double',
  values: Float64Array.from(values, (value) => value ?? 7),
  nulls: Uint8Array.from(values, (value) => (value === null ? 1 : 0)),
})
const texts = (...values: (string | null)[]): Column => ({
  type: 'string',
  values: values.map((value) => value ?? 'under a null'),
  nulls: Uint8Array.from(values, (value) => (value === null ? 1 : 0)),
})
const trees = () => FeatureTransformer.forModel('xgboost')
const linear = () => FeatureTransformer.forModel('logistic_regression')
const fitted = (frame: Frame) => [...linear().fitTransform(frame).values]

describe('FeatureTransformer for trees', () => {
  it('keeps numbers as they are and missing ones as NaN; infinity counts as missing', () => {
    const column = doubles(1.5, null, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e300, -2)
    const { rows, names, values } = trees().fitTransform(frameOf('a', column))
    expect([rows, names]).toEqual([7, ['a']])
    expect([...values]).toEqual([1.5, Number.NaN, Number.NaN, Number.NaN, Number.NaN, Number.NaN, -2])
  })

  it('makes one column a level, sorted, and none for null, rare and unseen values', () => {
    const transformer = FeatureTransformer.forModel('xgboost', { maxLevels: 2 })
    const rows = transformer.fitTransform(frameOf('c', texts('b', 'b', 'a', 'a', 'rare', null)))
    expect(rows.names).toEqual(['c=a', 'c=b'])
    expect([...rows.values]).toEqual([0, 1, 0, 1, 1, 0, 1, 0, 0, 0, 0, 0])
    expect([...transformer.transform(frameOf('c', texts('unseen', ''))).values]).toEqual([0, 0, 0, 0])
  })

  it('takes 50 levels when nothing else is said, the alphabetically first among equally frequent ones', () => {
    const levels = Array.from({ length: 60 }, (_, index) => `l${String(index).padStart(2, '0')}`)
    const { names } = trees().fitTransform(frameOf('c', texts(...levels.toReversed())))
    expect(names).toEqual(levels.slice(0, 50).map((level) => `c=${level}`))
  })

  it('turns booleans and whole numbers of any width into numbers', () => {
    const frame: Frame = {
      rowCount: 2,
      columns: new Map<string, Column>([
        ['b', { type: 'boolean', values: Uint8Array.of(1, 0) }],
        ['i', { type: 'int', values: Int32Array.of(-3, 4) }],
        ['l', { type: 'long', values: BigInt64Array.of(5_000_000_000n, -1n), nulls: Uint8Array.of(0, 1) }],
      ]),
    }
    expect([...trees().fitTransform(frame).values]).toEqual([1, -3, 5_000_000_000, 0, 4, Number.NaN])
  })

  it('drops what cannot help and says why, but keeps a value that is sometimes missing', () => {
    const frame: Frame = {
      rowCount: 3,
      columns: new Map([
        ['same', doubles(4, 4, 4)],
        ['gone', doubles(null, Number.NaN, Number.POSITIVE_INFINITY)],
        ['word', texts('x', 'x', 'x')],
        ['blank', texts(null, null, null)],
        ['kept', doubles(1, null, 1)],
      ]),
    }
    const transformer = trees()
    expect(transformer.fitTransform(frame).names).toEqual(['kept'])
    expect(transformer.dropped).toEqual([
      { name: 'same', reason: 'constant: every row is 4' },
      { name: 'gone', reason: 'every row is missing' },
      { name: 'word', reason: 'constant: every row is "x"' },
      { name: 'blank', reason: 'every row is missing' },
    ])
  })

  it('gives names that other readers of the model accept, each once', () => {
    const frame: Frame = {
      rowCount: 2,
      columns: new Map([
        ['c', texts('[a]', '(a)')],
        ['c=(a)', doubles(1, 2)],
        ['d', texts('<x', 'line\nbreak')],
      ]),
    }
    expect(trees().fitTransform(frame).names).toEqual(['c=(a)', 'c=(a)_2', 'c=(a)_3', 'd=(x', 'd=line break'])
  })

  it('encodes more rows than one block alike', () => {
    const { frame } = syntheticRows(5000, 3)
    const transformer = trees().fit(frame)
    const whole = transformer.transform(frame)
    const width = whole.names.length
    const single = transformer.transform({
      rowCount: 1,
      columns: new Map([...frame.columns].map(([name, column]) => [name, lastRow(column)])),
    })
    expect([...single.values]).toEqual([...whole.values.slice(-width)])
  })
})

describe('FeatureTransformer for linear and neural models', () => {
  it('fills with the median, flags what was missing and scales by the population standard deviation', () => {
    // Filled: 1, 2, 2, 3 -> mean 2, variance 0.5.
    const scale = Math.fround(1 / Math.SQRT1_2)
    expect(fitted(frameOf('a', doubles(1, null, 2, 3)))).toEqual([-scale, 0, 0, 1, 0, 0, scale, 0])
  })

  it('takes the mean of the two middle values as the median of an even number', () => {
    const transformer = linear().fit(frameOf('a', doubles(10, 1, 2, 4, null)))
    expect(transformer.toJSON().columns[0]).toMatchObject({ fill: 3, scaling: { mean: 4, scale: Math.sqrt(10) } })
  })

  it('fills booleans with the more frequent value and leaves them 0 and 1', () => {
    const column: Column = { type: 'boolean', values: Uint8Array.of(1, 1, 0, 0), nulls: Uint8Array.of(0, 0, 0, 1) }
    expect(fitted(frameOf('b', column))).toEqual([1, 0, 1, 0, 0, 0, 1, 1])
  })

  it('flags missing text', () => {
    const rows = linear().fitTransform(frameOf('c', texts('x', null, 'y')))
    expect(rows.names).toEqual(['c=x', 'c=y', 'c__missing'])
    expect([...rows.values]).toEqual([1, 0, 0, 0, 0, 1, 0, 1, 0])
  })

  it('keeps only the flag of a column of one value', () => {
    const rows = linear().fitTransform(frameOf('a', doubles(5, null, 5)))
    expect([rows.names, ...rows.values]).toEqual([['a__missing'], 0, 1, 0])
  })

  it('fills a value that is missing only when scoring, without a flag', () => {
    const transformer = linear().fit(frameOf('a', doubles(1, 2, 3)))
    const scored = transformer.transform(frameOf('a', doubles(null, Number.NEGATIVE_INFINITY, 2)))
    expect([scored.names, ...scored.values]).toEqual([['a'], 0, 0, 0])
  })

  it('never gives a number that is not finite, however far from the training rows', () => {
    const transformer = linear().fit(frameOf('a', doubles(1e-30, 2e-30, 3e-30)))
    expect([...transformer.transform(frameOf('a', doubles(3e38, -3e38))).values]).toEqual([1e6, -1e6])
  })
})

describe('a fitted FeatureTransformer', () => {
  it('transforms its training rows as fitTransform did, also after JSON', () => {
    const value = fc.oneof(fc.double(), fc.constantFrom(null, 0, -0, 1, 1, 1))
    const row = fc.record({ a: value, c: fc.oneof(fc.string({ maxLength: 3 }), fc.constant(null)), b: fc.boolean() })
    fc.assert(
      fc.property(
        fc.array(row, { minLength: 1, maxLength: 30 }),
        fc.constantFrom('xgboost' as const, 'neural_network' as const),
        (rows, modelType) => {
          const frame: Frame = {
            rowCount: rows.length,
            columns: new Map<string, Column>([
              ['a', doubles(...rows.map(({ a }) => a))],
              ['c', texts(...rows.map(({ c }) => c))],
              ['b', { type: 'boolean', values: Uint8Array.from(rows, ({ b }) => (b ? 1 : 0)) }],
              // Varies, so that a column is always left.
              ['n', { type: 'int', values: Int32Array.from(rows, (_, index) => index) }],
            ]),
          }
          const transformer = FeatureTransformer.forModel(modelType)
          if (rows.length === 1) {
            // One row is constant throughout.
            expect(() => transformer.fit(frame)).toThrow(/no feature column is left/)
            return
          }
          const first = transformer.fitTransform(frame)
          expect(transformer.transform(frame)).toEqual(first)
          const text = JSON.stringify(transformer)
          const restored = FeatureTransformer.fromJSON(JSON.parse(text))
          expect(restored.transform(frame)).toEqual(first)
          expect(JSON.stringify(restored)).toBe(text)
          expect(new Set(first.names).size).toBe(first.names.length)
          if (modelType === 'neural_network') expect(first.values.every(Number.isFinite)).toBe(true)
        },
      ),
      { numRuns: 200, seed: 7 },
    )
  })

  it('does not depend on the order of the rows it was fitted on', () => {
    const values = [3, 1, null, 2, 8]
    const levels = ['b', 'a', 'c', 'a', null]
    const json = (order: number[]) =>
      JSON.stringify(
        linear().fit({
          rowCount: 5,
          columns: new Map([
            ['a', doubles(...order.map((row) => values[row] ?? null))],
            ['c', texts(...order.map((row) => levels[row] ?? null))],
          ]),
        }),
      )
    expect(json([4, 2, 0, 3, 1])).toBe(json([0, 1, 2, 3, 4]))
  })

  it('ignores columns it does not know', () => {
    const transformer = trees().fit(frameOf('a', doubles(1, 2)))
    const more = {
      rowCount: 2,
      columns: new Map([
        ['z', texts('p', 'q')],
        ['a', doubles(1, 2)],
      ]),
    }
    expect([...transformer.transform(more).values]).toEqual([1, 2])
    expect(transformer.inputs).toEqual([{ name: 'a', kind: 'number' }])
  })

  it('names the columns that are missing or of another type', () => {
    const transformer = trees().fit(syntheticRows(50, 1).frame)
    const columns = new Map(syntheticRows(50, 1).frame.columns)
    columns.delete('visits')
    columns.set('city', doubles(...Array.from({ length: 50 }, () => 1)))
    expect(() => transformer.transform({ rowCount: 50, columns })).toThrow(
      expect.objectContaining({
        code: 'ESTEIRA_SIGNATURE',
        message: expect.stringMatching(/column "visits" is missing; column "city" is double, expected string/),
      }),
    )
  })

  it('gives an empty matrix for no rows', () => {
    const transformer = linear().fit(frameOf('a', doubles(1, 2)))
    expect(transformer.transform(frameOf('a', doubles()))).toEqual({
      rows: 0,
      names: ['a'],
      values: new Float32Array(0),
    })
  })

  it('refuses a transformer.json that is not one, and names the field', () => {
    const document = JSON.parse(JSON.stringify(linear().fit(frameOf('a', doubles(1, 2)))))
    expect(() => FeatureTransformer.fromJSON({ ...document, version: 2 })).toThrow(
      expect.objectContaining({ code: 'ESTEIRA_MODEL_CORRUPT', message: expect.stringContaining('field version') }),
    )
    document.columns[0].scaling.scale = 0
    expect(() => FeatureTransformer.fromJSON(document)).toThrow(/columns\.0/)
    expect(() => FeatureTransformer.fromJSON(null)).toThrow(/\(root\)/)
  })
})

describe('FeatureTransformer.fit', () => {
  it.each(['date', 'timestamp'] as const)('refuses a %s', (type) => {
    const column: Column =
      type === 'date' ? { type, values: Int32Array.of(1, 2) } : { type, values: BigInt64Array.of(1n, 2n) }
    expect(() => trees().fit(frameOf('when', column))).toThrow(
      expect.objectContaining({ code: 'ESTEIRA_FEATURES_REFUSED', message: expect.stringContaining('"when"') }),
    )
  })

  it('refuses no rows, and rows in which nothing varies', () => {
    expect(() => trees().fit(frameOf('a', doubles()))).toThrow(expect.objectContaining({ code: 'ESTEIRA_NO_DATA' }))
    expect(() => trees().fit(frameOf('a', doubles(1)))).toThrow(
      expect.objectContaining({ code: 'ESTEIRA_FEATURES_REFUSED', message: expect.stringContaining('a: constant') }),
    )
  })

  it('must come before transform', () => {
    expect(() => trees().transform(frameOf('a', doubles(1)))).toThrow(/not fitted yet/)
  })
})

function lastRow(column: Column): Column {
  const nulls = column.nulls === undefined ? {} : { nulls: column.nulls.slice(-1) }
  switch (column.type) {
    case 'string':
      return { ...column, values: column.values.slice(-1), ...nulls }
    case 'boolean':
      return { ...column, values: column.values.slice(-1), ...nulls }
    case 'int':
    case 'date':
      return { ...column, values: column.values.slice(-1), ...nulls }
    case 'long':
    case 'timestamp':
      return { ...column, values: column.values.slice(-1), ...nulls }
    case 'double':
      return { ...column, values: column.values.slice(-1), ...nulls }
  }
}
