// Lanczos approximation, g = 7, nine terms (Godfrey): relative error below 1e-14 for positive arguments.
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
] as const

/** Natural logarithm of the gamma function for positive `x`. */
export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x)
  const z = x - 1
  let sum: number = LANCZOS[0]
  for (let i = 1; i < LANCZOS.length; i++) sum += (LANCZOS[i] ?? 0) / (z + i)
  const t = z + 7.5
  return 0.5 * Math.log(2 * Math.PI) + (z + 0.5) * Math.log(t) - t + Math.log(sum)
}

/**
 * Upper regularised incomplete gamma function Q(a, x): series below a + 1, Lentz's continued fraction above
 * (Numerical Recipes 6.2). Relative error about 1e-13.
 */
export function upperGamma(a: number, x: number): number {
  if (x <= 0) return 1
  if (x === Number.POSITIVE_INFINITY) return 0
  const front = Math.exp(a * Math.log(x) - x - logGamma(a))
  return x < a + 1 ? 1 - front * lowerSeries(a, x) : front * upperFraction(a, x)
}

function lowerSeries(a: number, x: number): number {
  let term = 1 / a
  let sum = term
  for (let n = 1; Math.abs(term) > Math.abs(sum) * 1e-17; n++) {
    term *= x / (a + n)
    sum += term
  }
  return sum
}

function upperFraction(a: number, x: number): number {
  const tiny = 1e-300
  let b = x + 1 - a
  let c = 1 / tiny
  let d = 1 / b
  let fraction = d
  for (let i = 1; i < 100_000; i++) {
    const numerator = -i * (i - a)
    b += 2
    d = 1 / away(numerator * d + b, tiny)
    c = away(b + numerator / c, tiny)
    const factor = d * c
    fraction *= factor
    if (Math.abs(factor - 1) < 1e-16) break
  }
  return fraction
}

function away(value: number, tiny: number): number {
  return Math.abs(value) < tiny ? tiny : value
}

/** Probability that a chi-square variable with `dof` degrees of freedom is at least `statistic`; 1 at zero degrees. */
export function chiSquareTail(statistic: number, dof: number): number {
  return dof <= 0 ? 1 : upperGamma(dof / 2, statistic / 2)
}

/** Probability that a standard normal variable is at least `|z|` away from 0, on either side. */
export function normalTwoSided(z: number): number {
  return upperGamma(0.5, (z * z) / 2)
}
