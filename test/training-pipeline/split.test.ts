import { addDays, monthsBetween } from '@esteira/core'
import { partsByDate, purgedSplit, stratifiedParts } from '@esteira/training-pipeline'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

describe('purgedSplit', () => {
  it('gives the dates that the independent reference used for CDNOW', () => {
    expect(purgedSplit(monthsBetween('1997-05-01', '1998-04-01'), 90)).toEqual({
      test: '1998-04-01',
      validation: '1998-01-01',
      train: monthsBetween('1997-05-01', '1997-10-01'),
      finalFit: monthsBetween('1997-05-01', '1998-01-01'),
      horizonDays: 90,
    })
  })

  it('takes dates in any order and twice', () => {
    const months = monthsBetween('1997-05-01', '1998-04-01')
    expect(purgedSplit([...months, ...months].reverse(), 90)).toEqual(purgedSplit(months, 90))
  })

  it('validates on a share of the entities, and says so, when history is too short for a validation date', () => {
    const split = purgedSplit(monthsBetween('1998-01-01', '1998-04-01'), 90)
    expect(split).toMatchObject({ test: '1998-04-01', train: ['1998-01-01'], finalFit: ['1998-01-01'] })
    expect(split.validation).toBeUndefined()
    expect(split.note).toContain('history is too short')
  })

  it('takes a date whose label ends on the very day of the next part', () => {
    expect(purgedSplit(['2024-01-01', '2024-01-31', '2024-03-01'], 30)).toMatchObject({
      test: '2024-03-01',
      validation: '2024-01-31',
      train: ['2024-01-01'],
    })
    expect(purgedSplit(['2024-01-02', '2024-01-31', '2024-03-01'], 30).validation).toBeUndefined()
  })

  it('refuses a history without a date that can be learnt from', () => {
    expect(() => purgedSplit([], 90)).toThrow(expect.objectContaining({ code: 'ESTEIRA_NO_DATA' }))
    expect(() => purgedSplit(['2024-01-01', '2024-03-01'], 90)).toThrow(
      expect.objectContaining({ code: 'ESTEIRA_NO_DATA', message: expect.stringContaining('2024-03-01') }),
    )
  })

  it('never lets a label that is learnt from reach into a date that is judged on', () => {
    const day = fc.integer({ min: 0, max: 900 }).map((days) => addDays('2024-01-01', days))
    const history = fc.array(day, { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(history, fc.integer({ min: 0, max: 200 }), (dates, horizon) => {
        const sorted = [...dates].sort()
        fc.pre(addDays(sorted[0] ?? '', horizon) <= (sorted.at(-1) ?? ''))
        const split = purgedSplit(dates, horizon)
        const endsBy = (days: readonly string[], limit: string) => days.every((each) => addDays(each, horizon) <= limit)
        expect(split.test).toBe(sorted.at(-1))
        expect(endsBy(split.finalFit, split.test)).toBe(true)
        expect(endsBy(split.train, split.validation ?? split.test)).toBe(true)
        expect(split.train.length).toBeGreaterThan(0)
        if (split.validation !== undefined) expect(endsBy([split.validation], split.test)).toBe(true)
      }),
    )
  })
})

describe('partsByDate', () => {
  const months = monthsBetween('1997-05-01', '1998-04-01')

  it('keeps what the purge takes out of training out of it, and gives part of it to the final fit', () => {
    const parts = partsByDate(purgedSplit(months, 90), { dates: months, entities: months })
    expect([...parts.train]).toEqual([0, 1, 2, 3, 4, 5])
    expect([...parts.validation]).toEqual([8])
    expect([...parts.finalFit]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
    expect([...parts.test]).toEqual([11])
  })

  it('draws the validating share by entity, so that all rows of one are on one side', () => {
    const split = purgedSplit(['2024-01-01', '2024-01-11', '2024-02-10'], 30)
    expect(split.validation).toBeUndefined()
    const entities = Array.from({ length: 2000 }, (_, row) => `c${row % 1000}`)
    const dates = entities.map((_, row) => (row < 1000 ? '2024-01-01' : '2024-01-11'))
    const { train, validation, finalFit } = partsByDate(split, { dates, entities })
    const named = (rows: Int32Array) => new Set([...rows].map((row) => entities[row]))
    expect([...named(train)].filter((entity) => named(validation).has(entity))).toEqual([])
    expect(train.length + validation.length).toBe(finalFit.length)
    expect(validation.length / finalFit.length).toBeGreaterThan(0.15)
    expect(validation.length / finalFit.length).toBeLessThan(0.25)
  })
})

describe('stratifiedParts', () => {
  const labels = Uint8Array.from({ length: 1000 }, (_, row) => (row % 4 === 0 ? 1 : 0))

  it('gives every row to one part and every part the same share of positives', () => {
    const { train, validation, test, finalFit } = stratifiedParts(labels, 7)
    expect([train.length, validation.length, test.length]).toEqual([600, 200, 200])
    expect([...train, ...validation, ...test].sort((a, b) => a - b)).toEqual([...labels.keys()])
    expect([...finalFit]).toEqual([...train, ...validation].sort((a, b) => a - b))
    for (const part of [train, validation, test]) {
      expect([...part].filter((row) => labels[row] === 1).length / part.length).toBe(0.25)
      expect([...part]).toEqual([...part].sort((a, b) => a - b))
    }
  })

  it('gives the same parts for the same seed and others for another', () => {
    expect(stratifiedParts(labels, 7)).toEqual(stratifiedParts(labels, 7))
    expect(stratifiedParts(labels, 8).test).not.toEqual(stratifiedParts(labels, 7).test)
  })
})
