import type { Column, Frame } from '@esteira/core'
import {
  buildReferenceProfile,
  type ColumnProfile,
  distributionOf,
  empiricalDistribution,
  ksStatistic,
  parseReferenceProfile,
  type ReferenceProfileOptions,
  serializeReferenceProfile,
} from '@esteira/statistics'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

function frameOf(columns: Readonly<Record<string, Column>>): Frame {
  return { rowCount: Object.values(columns)[0]?.values.length ?? 0, columns: new Map(Object.entries(columns)) }
}

function doubles(values: readonly (number | null)[]): Column {
  return {
    type: 'double',
    values: Float64Array.from(values, (value) => value ?? 0),
    nulls: Uint8Array.from(values, (value) => (value === null ? 1 : 0)),
  }
}

function profileOf(column: Column, options: ReferenceProfileOptions = {}): ColumnProfile {
  const [profile] = buildReferenceProfile(frameOf({ x: column }), options).columns
  if (profile === undefined) throw new Error('no profile')
  return profile
}

function numericOf(column: Column) {
  const profile = profileOf(column)
  if (profile.kind !== 'numeric') throw new Error(`kind is ${profile.kind}`)
  return profile
}

const sequence = (length: number) => Array.from({ length }, (_, i) => i)

describe('numeric profile', () => {
  it('counts nulls and invalid values apart from the usable ones', () => {
    const profile = numericOf(
      doubles([1, null, Number.NaN, 3, Number.POSITIVE_INFINITY, null, 2, Number.NEGATIVE_INFINITY, 1]),
    )
    expect(profile).toMatchObject({ rows: 9, nulls: 2, invalid: 3, distinct: 3, min: 1, max: 3, mean: 1.75 })
    expect(profile.std).toBeCloseTo(Math.sqrt(0.6875), 12)
    expect(profile.distribution).toEqual({ exact: true, values: [1, 2, 3], counts: [2, 1, 1] })
  })

  it('has a standard deviation of exactly 0 for one value, and no picture', () => {
    expect(numericOf(doubles(Array(7).fill(0.1)))).toMatchObject({ std: 0, mean: 0.1, distinct: 1, histogram: null })
  })

  it('measures tiny and huge units without vanishing or overflow', () => {
    for (const unit of [1e-200, 1e-5, 1, 1e200]) {
      const { std, mean } = numericOf(doubles([unit, 2 * unit, 3 * unit]))
      expect(std / unit).toBeCloseTo(Math.sqrt(2 / 3), 12)
      expect(mean / unit).toBeCloseTo(2, 12)
    }
  })

  it('keeps a distribution function off by at most 0.0005 for many distinct values', () => {
    const values = Float64Array.from({ length: 5003 }, (_, i) => Math.sin(i) ** 3 + (i % 7 === 0 ? 0.5 : 0))
    values.fill(0.25, 0, 900)
    const profile = numericOf({ type: 'double', values })
    expect(profile.distribution.exact).toBe(false)
    expect(profile.distribution.counts.reduce((sum, count) => sum + count, 0)).toBe(1000)
    expect(ksStatistic(distributionOf(profile), empiricalDistribution(values))).toBeLessThanOrEqual(0.0005 + 1e-12)
  })

  it('keeps the distribution function of any column within its promise', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 1500 }),
        (values) => {
          const profile = numericOf(doubles(values))
          const distance = ksStatistic(distributionOf(profile), empiricalDistribution(Float64Array.from(values)))
          expect(distance).toBeLessThanOrEqual(profile.distribution.exact ? 1e-12 : 0.0005 + 1e-12)
          expect(profile.bucketCounts.reduce((sum, count) => sum + count, 0)).toBe(values.length)
        },
      ),
      { numRuns: 30 },
    )
  })

  it('draws whole numbers in bins of whole width and keeps one outlier out of the picture', () => {
    const { histogram } = numericOf({
      type: 'int',
      values: Int32Array.from([...sequence(1000).map((i) => i % 30), 1e6]),
    })
    expect(histogram?.edges.slice(0, 3)).toEqual([-0.5, 1.5, 3.5])
    expect(histogram?.counts.every((count) => count > 60 && count < 70)).toBe(true)
    expect(histogram?.above).toBe(1)
  })

  it('does not depend on the order of rows', () => {
    const values = sequence(300).map((i) => Math.cos(i) * 1e3)
    const forward = buildReferenceProfile(frameOf({ x: doubles(values) }))
    const backward = buildReferenceProfile(frameOf({ x: doubles([...values].reverse()) }))
    expect(serializeReferenceProfile(backward)).toBe(serializeReferenceProfile(forward))
  })
})

describe('kind of a column', () => {
  const text = (values: readonly string[]): Column => ({ type: 'string', values })

  it.each<[string, Column, string, RegExp | undefined]>([
    [
      'few whole numbers',
      { type: 'int', values: Int32Array.from(sequence(500), (i) => i % 10) },
      'categorical',
      undefined,
    ],
    [
      'many whole numbers',
      { type: 'int', values: Int32Array.from(sequence(500), (i) => i % 11) },
      'numeric',
      undefined,
    ],
    ['long numbers', { type: 'long', values: BigInt64Array.from(sequence(50), BigInt) }, 'numeric', undefined],
    ['few doubles', doubles([0, 1, 0, 1]), 'numeric', undefined],
    ['booleans', { type: 'boolean', values: Uint8Array.of(0, 1) }, 'categorical', undefined],
    ['text', text(sequence(200).map((i) => `level ${i % 60}`)), 'categorical', undefined],
    ['unique text', text(sequence(200).map((i) => `id ${i}`)), 'excluded', /identifier: 200 levels in 200 rows/],
    ['text of too many levels', text(sequence(5000).map((i) => `id ${i % 1001}`)), 'excluded', /more than 1000 levels/],
    [
      'unique whole numbers',
      { type: 'int', values: Int32Array.from(sequence(1000)) },
      'excluded',
      /all 1000 values differ/,
    ],
    ['dates', { type: 'date', values: Int32Array.of(1, 2) }, 'excluded', /a date moves on/],
    ['nulls only', doubles([null, null]), 'excluded', /no value/],
    ['no rows', doubles([]), 'excluded', /no value/],
    ['NaN only', doubles([Number.NaN]), 'excluded', /no finite number/],
  ])('%s', (_, column, kind, reason) => {
    const profile = profileOf(column)
    expect(profile.kind).toBe(kind)
    if (profile.kind === 'excluded') expect(profile.reason).toMatch(reason ?? /never/)
  })

  it('follows what the caller declares', () => {
    const codes: Column = { type: 'int', values: Int32Array.of(1, 2, 2) }
    expect(profileOf(codes, { kinds: { x: 'numeric' } }).kind).toBe('numeric')
    expect(profileOf(codes, { kinds: { x: 'excluded' } })).toMatchObject({ reason: 'excluded by the project' })
    expect(() => profileOf(text(['a']), { kinds: { x: 'numeric' } })).toThrow(/"x" is declared numeric but holds text/)
  })
})

describe('categorical profile', () => {
  it('lists levels by frequency, then name, and leaves nulls out', () => {
    const values = ['b', 'a', 'c', 'a', '', 'c']
    const profile = profileOf({ type: 'string', values, nulls: Uint8Array.of(0, 0, 0, 0, 1, 0) })
    expect(profile).toMatchObject({
      rows: 6,
      nulls: 1,
      distinct: 3,
      levels: [
        { level: 'a', count: 2 },
        { level: 'c', count: 2 },
        { level: 'b', count: 1 },
      ],
      otherCount: 0,
    })
  })

  it('sums what lies beyond a thousand declared levels', () => {
    const values = sequence(3000).map((i) => `v${i % 1500}`)
    const profile = profileOf({ type: 'string', values }, { kinds: { x: 'categorical' } })
    expect(profile).toMatchObject({ distinct: 1500, otherCount: 1000 })
  })

  it('names booleans and whole numbers', () => {
    expect(profileOf({ type: 'boolean', values: Uint8Array.of(1, 1, 0) })).toMatchObject({
      levels: [
        { level: 'true', count: 2 },
        { level: 'false', count: 1 },
      ],
    })
    expect(profileOf({ type: 'long', values: BigInt64Array.of(7n, 7n) })).toMatchObject({
      levels: [{ level: '7', count: 2 }],
    })
  })
})

describe('profile of the model', () => {
  const x = doubles([1, 2, 3, 4])

  it('keeps probability, calls and labels', () => {
    const profile = buildReferenceProfile(frameOf({ x }), {
      probability: Float64Array.of(0.1, 0.3, 0.5, 0.9),
      labels: Uint8Array.of(0, 0, 0, 1),
      threshold: 0.3,
    })
    expect(profile.probability).toMatchObject({ rows: 4, min: 0.1, max: 0.9 })
    expect(profile.prediction).toEqual({ threshold: 0.3, rows: 4, positives: 3 })
    expect(profile.labels).toEqual({ rows: 4, positives: 1 })
  })

  it('refuses lengths that differ, wrong probabilities and missing columns', () => {
    expect(() => buildReferenceProfile(frameOf({ x }), { probability: Float64Array.of(0.1) })).toThrow(/1 values/)
    expect(() => buildReferenceProfile(frameOf({ x }), { labels: Uint8Array.of(1) })).toThrow(/labels has 1 values/)
    expect(() => buildReferenceProfile(frameOf({ x }), { probability: Float64Array.of(0, 0, 0, 2) })).toThrow(/is 2/)
    expect(() => buildReferenceProfile(frameOf({ x }), { columns: ['y'] })).toThrow(
      expect.objectContaining({ code: 'ESTEIRA_COLUMN_MISSING' }),
    )
  })
})

describe('reference_profile.json', () => {
  const frame = frameOf({
    amount: doubles([1.5, null, 3, 4, Number.NaN]),
    category: { type: 'string', values: ['a', 'b', 'a', 'é "x"', 'a'] },
    day: { type: 'date', values: Int32Array.of(1, 2, 3, 4, 5) },
    constant: doubles([0.1, 0.1, 0.1, 0.1, 0.1]),
  })
  const profile = buildReferenceProfile(frame, {
    probability: Float64Array.of(0, 0.2, 0.4, 0.6, 1),
    labels: Uint8Array.of(0, 1, 0, 1, 1),
  })

  it('reads back what was written, byte for byte', () => {
    const text = serializeReferenceProfile(profile)
    expect(parseReferenceProfile(text)).toEqual(profile)
    expect(serializeReferenceProfile(parseReferenceProfile(text))).toBe(text)
    expect(parseReferenceProfile(serializeReferenceProfile(buildReferenceProfile(frame))).probability).toBeNull()
  })

  it('refuses to write a number that JSON does not know', () => {
    expect(() => serializeReferenceProfile({ ...profile, rows: Number.NaN })).toThrow(/"rows" is NaN/)
  })

  it.each<[string, (text: string) => string, RegExp]>([
    ['text that is no JSON', () => '{', /the document is "\{", expected JSON text/],
    ['another version', (text) => text.replace('profile/1', 'profile/9'), /profile\.format is ".*9", expected/],
    [
      'a missing field',
      (text) => text.replace('"rows":5', '"r":5'),
      /profile\.rows is nothing, expected a whole number/,
    ],
    ['a null in numbers', (text) => text.replace('"mean":0.1', '"mean":null'), /columns\[3\]\.mean is null/],
    ['an unknown kind', (text) => text.replace('"kind":"numeric"', '"kind":"odd"'), /columns\[0\]\.kind is "odd"/],
    [
      'counts that do not fit',
      (text) => text.replace('"exact":true,"values":[1.5,', '"exact":true,"values":['),
      /2 numbers/,
    ],
  ])('refuses %s', (_, damage, message) => {
    const damaged = damage(serializeReferenceProfile(profile))
    expect(() => parseReferenceProfile(damaged)).toThrow(message)
    expect(() => parseReferenceProfile(damaged)).toThrow(expect.objectContaining({ code: 'ESTEIRA_MODEL_CORRUPT' }))
  })
})
