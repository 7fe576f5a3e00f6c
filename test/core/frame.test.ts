import {
  type Column,
  columnOf,
  type Frame,
  formatDay,
  formatTimestamp,
  takeRows,
  toFloat64,
  toRows,
  toStrings,
} from '@esteira/core'
import { describe, expect, it } from 'vitest'

const nulls = Uint8Array.of(0, 1, 0)
const columns = new Map<string, Column>([
  ['flag', { type: 'boolean', values: Uint8Array.of(1, 0, 0) }],
  ['small', { type: 'int', values: Int32Array.of(1, 2, -3), nulls }],
  ['big', { type: 'long', values: BigInt64Array.of(1n, 2n, 9_007_199_254_740_993n) }],
  ['value', { type: 'double', values: Float64Array.of(0.5, Number.NaN, 2) }],
  ['name', { type: 'string', values: ['a', '', 'ç'], nulls }],
  ['day', { type: 'date', values: Int32Array.of(0, 19_782, -1) }],
  ['at', { type: 'timestamp', values: BigInt64Array.of(0n, -1n, 1_709_164_800_000_001n) }],
])
const frame: Frame = { rowCount: 3, columns }

describe('a frame', () => {
  it('gives its values as people read them', () => {
    expect(toRows(frame)).toEqual([
      { flag: true, small: 1, big: 1, value: 0.5, name: 'a', day: '1970-01-01', at: '1970-01-01 00:00:00' },
      {
        flag: false,
        small: null,
        big: 2,
        value: Number.NaN,
        name: null,
        day: '2024-02-29',
        at: '1969-12-31 23:59:59.999999',
      },
      {
        flag: false,
        small: -3,
        big: '9007199254740993',
        value: 2,
        name: 'ç',
        day: '1969-12-31',
        at: '2024-02-29 00:00:00.000001',
      },
    ])
  })

  it('gives numbers with NaN for null, dates as days and timestamps as seconds', () => {
    expect([...toFloat64(columnOf(frame, 'small'))]).toEqual([1, Number.NaN, -3])
    expect([...toFloat64(columnOf(frame, 'flag'))]).toEqual([1, 0, 0])
    expect([...toFloat64(columnOf(frame, 'day'))]).toEqual([0, 19_782, -1])
    expect(toFloat64(columnOf(frame, 'at'))[1]).toBe(-1e-6)
    expect(() => toFloat64(columnOf(frame, 'name'))).toThrow(TypeError)
  })

  it('takes rows in the order asked for, the same one several times, or none', () => {
    const taken = takeRows(frame, [2, 1, 1])
    expect(taken.rowCount).toBe(3)
    expect(toStrings(columnOf(taken, 'small'))).toEqual(['-3', null, null])
    expect(toStrings(columnOf(taken, 'name'))).toEqual(['ç', null, null])
    expect(toStrings(columnOf(taken, 'at'))[0]).toBe('2024-02-29 00:00:00.000001')
    const none = takeRows(frame, [])
    expect(none.rowCount).toBe(0)
    expect([...none.columns.keys()]).toEqual([...columns.keys()])
    expect(toRows(none)).toEqual([])
  })

  it('names its columns when one is asked for that it does not have', () => {
    expect(() => columnOf(frame, 'smal')).toThrow('no column "smal"; there are flag, small, big')
  })

  it('formats days and moments before 1970 and after 9999', () => {
    expect(formatDay(-719_162)).toBe('0001-01-01')
    expect(formatTimestamp(-62_135_596_800_000_000n)).toBe('0001-01-01 00:00:00')
  })
})
