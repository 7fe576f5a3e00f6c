import { normalTwoSided } from './special-functions.js'

export interface ProportionTest {
  /** (share A − share B) / pooled standard error; null when both shares are the same 0 or 1, or a side is empty. */
  readonly z: number | null
  /** Two-sided; 1 when `z` is null. */
  readonly pValue: number
}

/** Pooled two-proportion z-test of `hitsA` of `rowsA` against `hitsB` of `rowsB`. */
export function twoProportionTest(hitsA: number, rowsA: number, hitsB: number, rowsB: number): ProportionTest {
  const pooled = (hitsA + hitsB) / (rowsA + rowsB)
  const error = Math.sqrt(pooled * (1 - pooled) * (1 / rowsA + 1 / rowsB))
  if (!(error > 0) || rowsA === 0 || rowsB === 0) return { z: null, pValue: 1 }
  const z = (hitsA / rowsA - hitsB / rowsB) / error
  return { z, pValue: normalTwoSided(z) }
}

export interface Interval {
  readonly low: number
  readonly high: number
}

/** Wilson score interval of a share (1927); `z` 1.96 gives 95 %. Null for no rows. */
export function wilsonInterval(hits: number, rows: number, z = 1.959963984540054): Interval | null {
  if (rows === 0) return null
  const share = hits / rows
  const scale = 1 + (z * z) / rows
  const centre = (share + (z * z) / (2 * rows)) / scale
  const half = (z / scale) * Math.sqrt((share * (1 - share)) / rows + (z * z) / (4 * rows * rows))
  return { low: hits === 0 ? 0 : centre - half, high: hits === rows ? 1 : centre + half }
}
