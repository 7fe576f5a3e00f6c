import { type Column, EsteiraError, exampleValues, isNull, toFloat64 } from '@esteira/core'
import { isMissing } from './encode-frame.js'
import type { TransformerOptions } from './feature-transformer.js'
import type { OutputNames } from './output-names.js'
import type { ColumnTransform, NumberTransform, StringTransform } from './transformer-document.js'

const DEFAULT_MAX_LEVELS = 50

/** Learns the transform of one column, or says why the column is of no use. */
export function fitColumn(
  name: string,
  column: Column,
  options: TransformerOptions,
  names: OutputNames,
): ColumnTransform | { readonly reason: string } {
  switch (column.type) {
    case 'int':
    case 'long':
    case 'double':
    case 'boolean':
      return fitNumbers(name, column, options, names)
    case 'string':
      return fitLevels(name, column, options, names)
    case 'date':
    case 'timestamp':
      throw new EsteiraError('ESTEIRA_FEATURES_REFUSED', `column "${name}" is a ${column.type}, which is no feature`, {
        hint: `Leave ${name} out, or make a number of it, such as days since a date.`,
        details: { column: name, type: column.type, expected: 'number, boolean or string' },
      })
  }
}

function fitNumbers(
  name: string,
  column: Column,
  options: TransformerOptions,
  names: OutputNames,
): NumberTransform | { readonly reason: string } {
  const present = presentValues(column)
  const missing = column.values.length - present.length
  const first = present[0]
  if (first === undefined) return { reason: 'every row is missing' }
  const constant = present.every((value) => value === first)
  if (constant && missing === 0) return { reason: `constant: every row is ${first}` }
  const isBoolean = column.type === 'boolean'
  const fill = options.impute === 'median' ? (isBoolean ? majority(present) : median(present.toSorted())) : null
  // Filled up, a column of one value tells nothing; whether the value was there may still.
  const kept = !(constant && fill !== null)
  const indicated = options.indicators && missing > 0
  if (!kept && !indicated) return { reason: `constant: every row is ${first} or missing` }
  return {
    name,
    kind: isBoolean ? 'boolean' : 'number',
    output: kept ? names.take(name) : null,
    missing: indicated ? names.take(`${name}__missing`) : null,
    fill,
    scaling: kept && options.scaling === 'standard' && !isBoolean ? standardize(present, fill, missing) : null,
  }
}

function presentValues(column: Column): Float64Array {
  const all = toFloat64(column)
  const present = new Float64Array(all.length)
  let count = 0
  for (let row = 0; row < all.length; row++) {
    const value = all[row] ?? Number.NaN
    if (!isMissing(value)) present[count++] = value
  }
  return present.subarray(0, count)
}

/** Middle of sorted values; the mean of the two middle ones when their number is even. */
function median(sorted: Float64Array): number {
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? 0
  if (sorted.length % 2 === 1) return upper
  const lower = sorted[middle - 1] ?? 0
  return lower + (upper - lower) / 2
}

function majority(present: Float64Array): number {
  const ones = present.reduce((sum, value) => sum + value, 0)
  return ones * 2 > present.length ? 1 : 0
}

/** Mean and population standard deviation of the filled-up column, in two passes. */
function standardize(present: Float64Array, fill: number | null, missing: number): NumberTransform['scaling'] {
  const filled = fill === null ? 0 : missing
  const value = fill ?? 0
  const count = present.length + filled
  const mean = present.reduce((sum, x) => sum + x / count, (value * filled) / count)
  const variance = present.reduce((sum, x) => sum + (x - mean) ** 2 / count, ((value - mean) ** 2 * filled) / count)
  const scale = Math.sqrt(variance)
  return scale > 0 ? { mean, scale } : null
}

function fitLevels(
  name: string,
  column: Extract<Column, { type: 'string' }>,
  options: TransformerOptions,
  names: OutputNames,
): StringTransform | { readonly reason: string } {
  const counts = new Map<string, number>()
  let missing = 0
  for (let row = 0; row < column.values.length; row++) {
    const value = column.values[row]
    if (value === undefined || isNull(column, row)) missing++
    else counts.set(value, (counts.get(value) ?? 0) + 1)
  }
  if (counts.size === 0) return { reason: 'every row is missing' }
  if (counts.size === 1 && missing === 0)
    return { reason: `constant: every row is ${exampleValues([...counts.keys()])}` }
  const byCount = [...counts].sort(([a, left], [b, right]) => right - left || compareText(a, b))
  const kept = byCount.slice(0, options.maxLevels ?? DEFAULT_MAX_LEVELS).map(([level]) => level)
  return {
    name,
    kind: 'string',
    levels: kept.sort(compareText).map((level) => ({ level, output: names.take(`${name}=${level}`) })),
    missing: options.indicators && missing > 0 ? names.take(`${name}__missing`) : null,
  }
}

/** By code unit: the same order on every machine, whatever its language. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
