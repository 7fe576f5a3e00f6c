/** `log(1 + exp(z))` without overflow. */
export function softplus(z: number): number {
  return Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)))
}

/** The logistic function. */
export function sigmoid(z: number): number {
  return 1 / (1 + Math.exp(-z))
}

/** Mean logistic loss of the log-odds `z` against labels of 0 and 1. */
export function meanLogLoss(z: Float64Array, labels: ArrayLike<number>): number {
  let sum = 0
  for (let row = 0; row < z.length; row++) sum += softplus(z[row] ?? 0) - (labels[row] ?? 0) * (z[row] ?? 0)
  return sum / z.length
}
