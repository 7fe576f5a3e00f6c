import { type Column, columnOf, type Frame } from '@esteira/core'
import type { FeatureMatrix } from './feature-matrix.js'
import { type ColumnTransform, type NumberTransform, outputsOf, type StringTransform } from './transformer-document.js'

/** Rows encoded at a time: their part of the matrix stays in the processor's cache while the columns go over it. */
const BLOCK_ROWS = 2048

/** The largest finite single-precision number; what is beyond cannot go into a matrix. */
const LARGEST = 3.4028234663852886e38

/** No row moves a score by more standard deviations than this, however absurd its value is. */
const LARGEST_SCALED = 1e6

type BlockEncoder = (start: number, end: number) => void

/** Whether a number counts as missing: NaN, infinite, or beyond single precision. */
export function isMissing(value: number): boolean {
  return !(Math.abs(value) <= LARGEST)
}

/** Applies fitted transforms whose columns are all there. */
export function encodeFrame(columns: readonly ColumnTransform[], frame: Frame): FeatureMatrix {
  const names = columns.flatMap(outputsOf)
  const values = new Float32Array(frame.rowCount * names.length)
  let offset = 0
  const encoders = columns.map((transform) => {
    const target = { values, width: names.length, offset }
    offset += outputsOf(transform).length
    const column = columnOf(frame, transform.name)
    return transform.kind === 'string'
      ? levelEncoder(transform, column, target)
      : numberEncoder(transform, column, target)
  })
  for (let start = 0; start < frame.rowCount; start += BLOCK_ROWS) {
    const end = Math.min(start + BLOCK_ROWS, frame.rowCount)
    for (const encode of encoders) encode(start, end)
  }
  return { rows: frame.rowCount, names, values }
}

interface Target {
  readonly values: Float32Array
  readonly width: number
  /** Position of the transform's first column in a row. */
  readonly offset: number
}

function numberEncoder(transform: NumberTransform, column: Column, { values, width, offset }: Target): BlockEncoder {
  const block = new Float64Array(BLOCK_ROWS)
  const { mean, scale } = transform.scaling ?? { mean: 0, scale: 0 }
  const fill = transform.fill ?? Number.NaN
  const flagAt = transform.output === null ? offset : offset + 1
  return (start, end) => {
    readBlock(column, start, end, block)
    for (let row = start; row < end; row++) {
      const value = block[row - start] ?? Number.NaN
      const missing = isMissing(value)
      if (transform.output !== null) {
        const known = missing ? fill : value
        values[row * width + offset] = scale === 0 ? known : clip((known - mean) / scale)
      }
      if (missing && transform.missing !== null) values[row * width + flagAt] = 1
    }
  }
}

function clip(value: number): number {
  return value > LARGEST_SCALED ? LARGEST_SCALED : value < -LARGEST_SCALED ? -LARGEST_SCALED : value
}

/** Rows of a column as doubles, null as NaN; no copy of the whole column is made. */
function readBlock(column: Column, start: number, end: number, block: Float64Array): void {
  switch (column.type) {
    case 'long':
    case 'timestamp':
      for (let row = start; row < end; row++) block[row - start] = Number(column.values[row])
      break
    case 'string':
      throw new TypeError('a column of strings has no numbers')
    default:
      block.set(column.values.subarray(start, end))
  }
  const { nulls } = column
  if (nulls === undefined) return
  for (let row = start; row < end; row++) if (nulls[row] === 1) block[row - start] = Number.NaN
}

function levelEncoder(transform: StringTransform, column: Column, { values, width, offset }: Target): BlockEncoder {
  const positions = new Map(transform.levels.map(({ level }, index) => [level, offset + index]))
  const flagAt = offset + transform.levels.length
  const texts = column.type === 'string' ? column.values : []
  const { nulls } = column
  return (start, end) => {
    for (let row = start; row < end; row++) {
      if (nulls?.[row] === 1) {
        if (transform.missing !== null) values[row * width + flagAt] = 1
        continue
      }
      const position = positions.get(texts[row] ?? '')
      if (position !== undefined) values[row * width + position] = 1
    }
  }
}
