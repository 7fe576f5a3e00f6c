/**
 * Solves `A x = b` for a symmetric positive definite `A` by Cholesky's decomposition.
 *
 * @param upper `size * size` numbers, row-major; only the upper triangle is read.
 * @returns undefined when `A` is not positive definite to working precision.
 */
export function solvePositiveDefinite(upper: Float64Array, b: Float64Array): Float64Array | undefined {
  const size = b.length
  const factor = upper.slice()
  const at = (row: number, column: number) => factor[row * size + column] ?? 0
  // factor becomes R with R'R = A.
  for (let k = 0; k < size; k++) {
    const pivot = at(k, k)
    if (!(pivot > 0)) return undefined
    const root = Math.sqrt(pivot)
    for (let column = k; column < size; column++) factor[k * size + column] = at(k, column) / root
    for (let row = k + 1; row < size; row++) {
      const head = at(k, row)
      if (head === 0) continue
      for (let column = row; column < size; column++)
        factor[row * size + column] = at(row, column) - head * at(k, column)
    }
  }
  const x = b.slice()
  for (let row = 0; row < size; row++) {
    let sum = x[row] ?? 0
    for (let k = 0; k < row; k++) sum -= at(k, row) * (x[k] ?? 0)
    x[row] = sum / at(row, row)
  }
  for (let row = size - 1; row >= 0; row--) {
    let sum = x[row] ?? 0
    for (let k = row + 1; k < size; k++) sum -= at(row, k) * (x[k] ?? 0)
    x[row] = sum / at(row, row)
  }
  return x
}
