/**
 * A distribution function in steps: at `values[i]` (strictly rising) the share of mass at or below it becomes
 * `cumulative[i]`; the last one is 1. Of a sample it is exact, of a reference profile at most 1,000 steps.
 */
export interface StepDistribution {
  readonly values: Float64Array
  readonly cumulative: Float64Array
}

/** The empirical distribution of finite values sorted upwards. */
export function stepsOfSorted(sorted: Float64Array): StepDistribution {
  const values = new Float64Array(sorted.length)
  const cumulative = new Float64Array(sorted.length)
  let steps = 0
  for (let i = 0; i < sorted.length; i++) {
    const value = sorted[i] ?? 0
    if (value === sorted[i + 1]) continue
    values[steps] = value
    cumulative[steps++] = (i + 1) / sorted.length
  }
  return { values: values.subarray(0, steps), cumulative: cumulative.subarray(0, steps) }
}

/** The empirical distribution of a sample; NaN and infinities are left out. */
export function empiricalDistribution(sample: Float64Array): StepDistribution {
  return stepsOfSorted(sample.filter(Number.isFinite).sort())
}

/**
 * Walks both distribution functions upwards together: one call per distinct value, with both shares at or below it
 * and the distance to the next value (0 after the last).
 */
export function walkTogether(
  a: StepDistribution,
  b: StepDistribution,
  visit: (shareA: number, shareB: number, gap: number) => void,
): void {
  let i = 0
  let j = 0
  let shareA = 0
  let shareB = 0
  let nextA = valueOrEnd(a.values, 0)
  let nextB = valueOrEnd(b.values, 0)
  while (nextA < Number.POSITIVE_INFINITY || nextB < Number.POSITIVE_INFINITY) {
    const value = nextA < nextB ? nextA : nextB
    if (nextA === value) {
      shareA = a.cumulative[i++] ?? 1
      nextA = valueOrEnd(a.values, i)
    }
    if (nextB === value) {
      shareB = b.cumulative[j++] ?? 1
      nextB = valueOrEnd(b.values, j)
    }
    const next = nextA < nextB ? nextA : nextB
    visit(shareA, shareB, next === Number.POSITIVE_INFINITY ? 0 : next - value)
  }
}

function valueOrEnd(values: Float64Array, index: number): number {
  return index < values.length ? (values[index] ?? 0) : Number.POSITIVE_INFINITY
}
