import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Column } from '@esteira/core'
import {
  bucketCounts,
  buildReferenceProfile,
  type CategoricalProfile,
  chiSquareContingency,
  countLevels,
  distributionOf,
  empiricalDistribution,
  hellingerDistance,
  jensenShannonDistance,
  ksPValueExact,
  ksPValueVrbik,
  ksStatistic,
  type NumericProfile,
  numericValues,
  populationStabilityIndex,
  totalVariation,
  twoProportionTest,
  wassersteinDistance,
} from '@esteira/statistics'
import { describe, expect, it } from 'vitest'

// Golden values of 24 pairs of columns and 3 generated pairs, computed with numpy and scipy after the definitions of
// Evidently and NannyML; tolerances are those the file states.
const folder = process.env['ESTEIRA_REAL_DATA'] ?? resolve(import.meta.dirname, '../../../shared')
const golden: Golden = JSON.parse(readFileSync(resolve(folder, 'golden/drift_golden.json'), 'utf8'))

type Cell = number | string | null

interface Golden {
  readonly cases: readonly GoldenCase[]
  readonly generated_cases: readonly GeneratedCase[]
}

interface GoldenCase {
  readonly name: string
  readonly column_type: 'num' | 'cat'
  readonly reference: readonly Cell[]
  readonly current: readonly Cell[]
  readonly expected: {
    readonly evidently: {
      readonly bins: Readonly<Record<string, readonly number[]>>
      readonly jensenshannon: { readonly score_base2: number }
      readonly psi: { readonly score: number }
      readonly z: { readonly statistic: number | null; readonly p_value: number }
      readonly tvd_distance: number
      readonly ks: { readonly statistic: number; readonly p_value: number; readonly p_value_vrbik: number }
      readonly wasserstein: { readonly raw: number; readonly reference_std_ddof0: number }
    }
    readonly profile: {
      readonly cut_points: readonly number[]
      readonly levels: readonly string[]
      readonly reference_counts: readonly number[]
      readonly current_counts: readonly number[]
      readonly psi: number
      readonly js_base2: number
      readonly hellinger: number
      readonly null_share_z: number | null
      readonly null_share_p_value: number
      readonly chi2_contingency_uncorrected: {
        readonly statistic: number
        readonly p_value: number
        readonly dof: number
        readonly share_expected_below_5: number
      }
    }
  }
}

interface GeneratedCase {
  readonly name: string
  readonly reference: Generator
  readonly current: Generator
  readonly check: { readonly reference_first5: readonly number[]; readonly current_sum: number }
  readonly expected: {
    readonly ks: { readonly statistic: number; readonly p_value: number; readonly p_value_vrbik: number }
    readonly wasserstein: { readonly raw: number; readonly reference_std_ddof0: number }
  }
}

interface Generator {
  readonly n: number
  readonly mult: number
  readonly modulus: number
  readonly scale: number
  readonly shift: number
}

const NOT_NUMBERS: Readonly<Record<string, number>> = {
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
  NaN: Number.NaN,
}

function numberColumn(cells: readonly Cell[]): Column {
  const values = Float64Array.from(cells, (cell) => (typeof cell === 'string' ? (NOT_NUMBERS[cell] ?? 0) : (cell ?? 0)))
  return { type: 'double', values, nulls: Uint8Array.from(cells, (cell) => (cell === null ? 1 : 0)) }
}

function textColumn(cells: readonly Cell[]): Column {
  return { type: 'string', values: cells.map(String), nulls: Uint8Array.from(cells, (cell) => (cell === null ? 1 : 0)) }
}

function expectClose(found: number, expected: number, relative = 1e-9): void {
  expect(Math.abs(found - expected)).toBeLessThanOrEqual(Math.max(1e-9, relative * Math.abs(expected)))
}

function expectPValue(found: number, expected: number): void {
  expect(Math.abs(found - expected)).toBeLessThanOrEqual(1e-6 * expected)
}

function profileOf(column: Column): NumericProfile | CategoricalProfile {
  const kind = column.type === 'string' ? 'categorical' : 'numeric'
  const frame = { rowCount: column.values.length, columns: new Map([['column', column]]) }
  const [profile] = buildReferenceProfile(frame, { kinds: { column: kind } }).columns
  if (profile === undefined || profile.kind === 'excluded') throw new Error('the golden column was excluded')
  return profile
}

function expectDistances(
  reference: readonly number[],
  current: readonly number[],
  { profile }: GoldenCase['expected'],
) {
  expectClose(populationStabilityIndex(reference, current), profile.psi)
  expectClose(jensenShannonDistance(reference, current), profile.js_base2)
  expectClose(hellingerDistance(reference, current), profile.hellinger)
}

function expectNullShares(
  reference: readonly Cell[],
  current: readonly Cell[],
  expected: GoldenCase['expected'],
): void {
  const nulls = (cells: readonly Cell[]) => cells.filter((cell) => cell === null).length
  const { z, pValue } = twoProportionTest(nulls(reference), reference.length, nulls(current), current.length)
  const { null_share_z, null_share_p_value } = expected.profile
  if (null_share_z === null) expect(z).toBeNull()
  else expectClose(z ?? Number.NaN, null_share_z)
  expectPValue(pValue, null_share_p_value)
}

const numeric = golden.cases.filter(({ column_type }) => column_type === 'num')
const categorical = golden.cases.filter(({ column_type }) => column_type === 'cat')

describe('numeric columns of the golden file', () => {
  it.each(numeric)('$name has the deciles, counts and distances', ({ reference, current, expected }) => {
    const profile = profileOf(numberColumn(reference))
    if (profile.kind !== 'numeric') throw new Error('not numeric')
    expect(profile.cutPoints).toHaveLength(expected.profile.cut_points.length)
    profile.cutPoints.forEach((cut, i) => {
      expectClose(cut, expected.profile.cut_points[i] ?? Number.NaN)
    })
    expect(profile.bucketCounts).toEqual(expected.profile.reference_counts)
    const counts = bucketCounts(numericValues(numberColumn(current)).sorted, profile.cutPoints)
    expect(counts).toEqual(expected.profile.current_counts)
    expectDistances(profile.bucketCounts, counts, expected)
    expectNullShares(reference, current, expected)
  })

  it.each(numeric)('$name has the Wasserstein distance and KS test', ({ reference, current, expected }) => {
    const profile = profileOf(numberColumn(reference))
    if (profile.kind !== 'numeric') throw new Error('not numeric')
    const before = numericValues(numberColumn(reference)).sorted
    const now = numericValues(numberColumn(current)).sorted
    const { ks, wasserstein } = expected.evidently
    // The profile of a short column is exact: distances from it are those from the rows.
    for (const side of [empiricalDistribution(before), distributionOf(profile)]) {
      expectClose(wassersteinDistance(side, empiricalDistribution(now)), wasserstein.raw)
      expectClose(ksStatistic(side, empiricalDistribution(now)), ks.statistic)
    }
    expectClose(profile.std, wasserstein.reference_std_ddof0)
    expectPValue(ksPValueExact(ks.statistic, before.length, now.length), ks.p_value)
    expectPValue(ksPValueVrbik(ks.statistic, before.length, now.length), ks.p_value_vrbik)
  })
})

describe('categorical columns of the golden file', () => {
  it.each(categorical)('$name has the counts and distances', ({ reference, current, expected }) => {
    const profile = profileOf(textColumn(reference))
    if (profile.kind !== 'categorical') throw new Error('not categorical')
    const { levels, reference_counts, current_counts } = expected.profile
    const before = new Map(profile.levels.map(({ level, count }) => [level, count]))
    const { counts } = countLevels(textColumn(current))
    const known = levels.filter((level) => level !== '__other__')
    const now = known.map((level) => counts.get(level) ?? 0)
    const other =
      [...counts.values()].reduce((sum, count) => sum + count, 0) - now.reduce((sum, count) => sum + count, 0)
    expect([...known.map((level) => before.get(level) ?? 0), 0]).toEqual(reference_counts)
    expect([...now, other]).toEqual(current_counts)
    expectDistances(reference_counts, current_counts, expected)
    expectNullShares(reference, current, expected)
  })

  it.each(categorical)('$name has the contingency test', ({ reference, current, expected }) => {
    const before = countLevels(textColumn(reference)).counts
    const now = countLevels(textColumn(current)).counts
    const levels = [...new Set([...before.keys(), ...now.keys()])]
    const test = chiSquareContingency(
      levels.map((level) => before.get(level) ?? 0),
      levels.map((level) => now.get(level) ?? 0),
    )
    const { statistic, p_value, dof, share_expected_below_5 } = expected.profile.chi2_contingency_uncorrected
    expectClose(test.statistic, statistic)
    expect(test.degreesOfFreedom).toBe(dof)
    expectPValue(test.pValue, p_value)
    expectClose(test.shareExpectedBelow5, share_expected_below_5)
  })
})

describe('shared definitions of the golden file', () => {
  it.each(golden.cases)('$name has Jensen-Shannon, PSI and total variation on the given shares', ({ expected }) => {
    const { bins, jensenshannon, psi, tvd_distance } = expected.evidently
    const [before, now] = [bins['reference_share'] ?? [], bins['current_share'] ?? []]
    expectClose(jensenShannonDistance(before, now), jensenshannon.score_base2)
    if (bins['mode']?.toString() === 'one_bucket_per_value') expectClose(totalVariation(before, now), tvd_distance)
    const filled = [bins['reference_share_filled'] ?? [], bins['current_share_filled'] ?? []] as const
    // The file does not renormalise filled shares; ours always sum to 1. They agree where nothing had to be filled.
    const unfilled = filled.every((shares) => Math.abs(shares.reduce((sum, share) => sum + share, 0) - 1) < 1e-12)
    if (unfilled) expectClose(populationStabilityIndex(...filled), psi.score)
  })

  it.each(golden.cases)(
    '$name has the two-proportion z of all values but the first',
    ({ column_type, reference, current, expected }) => {
      const finite = (cells: readonly Cell[]) =>
        cells.filter((cell) => cell !== null && (column_type === 'cat' || typeof cell === 'number'))
      const [before, now] = [finite(reference), finite(current)]
      const first = [...before, ...now].sort((a, b) =>
        typeof a === 'number' ? a - Number(b) : String(a) < String(b) ? -1 : 1,
      )[0]
      const differing = (cells: readonly Cell[]) => cells.filter((cell) => cell !== first).length
      const { z, pValue } = twoProportionTest(differing(before), before.length, differing(now), now.length)
      if (expected.evidently.z.statistic === null) expect(z).toBeNull()
      else expectClose(z ?? Number.NaN, expected.evidently.z.statistic)
      // The file has 2·(1 − Φ(|z|)), which loses its digits below 1e-15.
      expect(Math.abs(pValue - expected.evidently.z.p_value)).toBeLessThanOrEqual(
        Math.max(1e-15, 1e-6 * expected.evidently.z.p_value),
      )
    },
  )
})

describe('large generated columns of the golden file', () => {
  it.each(golden.generated_cases)('$name has the distance and test', ({ reference, current, check, expected }) => {
    const [before, now] = [generate(reference), generate(current)]
    check.reference_first5.forEach((value, i) => {
      expectClose(before[i] ?? Number.NaN, value)
    })
    expectClose(
      now.reduce((sum, value) => sum + value, 0),
      check.current_sum,
      1e-12,
    )
    const { ks, wasserstein } = expected
    const [a, b] = [empiricalDistribution(before), empiricalDistribution(now)]
    expectClose(ksStatistic(a, b), ks.statistic, 1e-6)
    expectClose(wassersteinDistance(a, b), wasserstein.raw, 1e-6)
    expectPValue(ksPValueVrbik(ks.statistic, reference.n, current.n), ks.p_value_vrbik)
    if (reference.n * current.n <= 4e6) expectPValue(ksPValueExact(ks.statistic, reference.n, current.n), ks.p_value)
    // Against a profile of 1,000 steps D is off by at most 0.0005, W1 by at most that share of the range.
    const profile = profileOf({ type: 'double', values: before })
    if (profile.kind !== 'numeric') throw new Error('not numeric')
    expectClose(profile.std, wasserstein.reference_std_ddof0, 1e-6)
    expect(Math.abs(ksStatistic(distributionOf(profile), b) - ks.statistic)).toBeLessThanOrEqual(0.0005 + 1e-12)
    expect(Math.abs(wassersteinDistance(distributionOf(profile), b) - wasserstein.raw)).toBeLessThanOrEqual(0.0005)
  })
})

function generate({ n, mult, modulus, scale, shift }: Generator): Float64Array {
  return Float64Array.from({ length: n }, (_, i) => (((i * mult) % modulus) / modulus) * scale + shift)
}
