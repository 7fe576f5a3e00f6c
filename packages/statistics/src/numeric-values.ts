import { type Column, toFloat64 } from '@esteira/core'

/** Numbers at or beyond this size count as invalid: sums over a column of them would overflow. */
const LARGEST = 1e300

export interface NumericValues {
  /** The usable numbers, sorted upwards. */
  readonly sorted: Float64Array
  readonly nulls: number
  /** NaN, infinities and numbers beyond ±1e300 that are not null. */
  readonly invalid: number
}

/** The numbers of a column without nulls and invalid values; booleans are 0 and 1, dates days, timestamps seconds. */
export function numericValues(column: Column): NumericValues {
  const all = toFloat64(column)
  const nulls = countNulls(column)
  const usable = new Float64Array(all.length)
  let count = 0
  for (let row = 0; row < all.length; row++) {
    const value = all[row] ?? Number.NaN
    // Adding 0 turns −0 into 0: they are one value, and sort() would part them.
    if (value > -LARGEST && value < LARGEST) usable[count++] = value + 0
  }
  return { sorted: usable.subarray(0, count).sort(), nulls, invalid: all.length - count - nulls }
}

export function countNulls(column: Column): number {
  const { nulls } = column
  let count = 0
  if (nulls !== undefined) for (let row = 0; row < nulls.length; row++) count += nulls[row] ?? 0
  return count
}
