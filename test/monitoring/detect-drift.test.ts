import type { Column, Frame } from '@esteira/core'
import { type ColumnDrift, type DriftPolicy, type DriftReport, detectDrift, ModelMonitor } from '@esteira/monitoring'
import { buildReferenceProfile, parseReferenceProfile, serializeReferenceProfile } from '@esteira/statistics'
import { describe, expect, it } from 'vitest'
import { doubles, frameOf, normals, text, uniform } from './random-columns.js'

function compare(before: Column, now: Column, policy: Partial<DriftPolicy> = {}): ColumnDrift {
  const reference = buildReferenceProfile(frameOf({ x: before }))
  const [column] = detectDrift({ reference, current: frameOf({ x: now }), policy }).columns
  if (column === undefined) throw new Error('no column')
  return column
}

function checkOf(column: ColumnDrift, kind: string) {
  const check = column.checks.find((one) => one.kind === kind)
  if (check === undefined) throw new Error(`no check ${kind}`)
  return check
}

function cycle(levels: readonly string[], rows: number): Column {
  return text(Array.from({ length: rows }, (_, i) => levels[i % levels.length] ?? ''))
}

const random = uniform(42)
const wave = normals(random, 1000)

describe('numeric columns', () => {
  it('drift when values move by more than the limit', () => {
    const column = compare(doubles(wave), doubles(wave.map((value) => value + 0.5)))
    expect(column).toMatchObject({ status: 'drift', kind: 'numeric' })
    const { score, pValue, adjustedPValue, threshold } = checkOf(column, 'distribution')
    expect(score).toBeCloseTo(0.5, 1)
    expect(threshold).toBe(0.1)
    expect(pValue).toBeLessThan(1e-9)
    expect(adjustedPValue).toBe(pValue)
    expect(column.reason).toMatch(/values moved by 0\.5\d* standard deviations \(limit 0\.1\)/)
  })

  it('are steady against themselves', () => {
    const column = compare(doubles(wave), doubles(wave))
    expect(column.status).toBe('ok')
    expect(checkOf(column, 'distribution')).toMatchObject({ score: 0, pValue: 1 })
  })

  it('show one outlier in the current data as no drift, and a real shift behind an outlier as drift', () => {
    const outlier = Float64Array.from([...wave, 1e6])
    const quiet = compare(doubles(wave), doubles(outlier))
    expect(checkOf(quiet, 'distribution').score).toBeGreaterThan(100)
    expect(quiet.status).toBe('ok')
    const shifted = compare(doubles(wave), doubles([...wave.map((value) => value + 1.5), 1e6]))
    expect(shifted.status).toBe('drift')
  })

  it('see a shift in tiny units as in any other', () => {
    const tiny = compare(doubles(wave.map((value) => value * 1e-5)), doubles(wave.map((value) => (value + 3) * 1e-5)))
    expect(tiny.status).toBe('drift')
    expect(checkOf(tiny, 'distribution').score).toBeCloseTo(3, 1)
    const least = compare(doubles(wave.map((value) => value * 1e-200)), doubles(wave.map((value) => value * 2e-200)))
    expect(Number.isFinite(checkOf(least, 'distribution').score)).toBe(true)
  })

  it('of one value drift by the share of other values, not by a magic floor', () => {
    const seven = doubles(Array(500).fill(7))
    const moved = compare(seven, doubles(Array(500).fill(7.01)))
    expect(moved.status).toBe('drift')
    expect(checkOf(moved, 'constant')).toMatchObject({ score: 1, method: 'share' })
    expect(compare(seven, seven).status).toBe('ok')
    expect(compare(seven, doubles([...Array(499).fill(7), 8])).status).toBe('ok')
  })

  it('drift by nulls alone, which no distance sees', () => {
    const column = compare(doubles(wave), doubles([...wave].map((value, i) => (i % 5 === 0 ? null : value))))
    expect(column.status).toBe('drift')
    expect(checkOf(column, 'distribution').status).toBe('ok')
    expect(checkOf(column, 'null_share').score).toBeCloseTo(0.2, 12)
  })

  it('drift by NaN and infinities, which are no values', () => {
    const broken = [...wave].map((value, i) =>
      i % 4 === 0 ? Number.NaN : i % 10 === 1 ? Number.POSITIVE_INFINITY : value,
    )
    const column = compare(doubles(wave), doubles(broken))
    expect(checkOf(column, 'invalid_share')).toMatchObject({ status: 'drift' })
    expect(column.current?.invalid).toBe(350)
  })

  it('drift when many values leave the range', () => {
    const column = compare(doubles(wave), doubles([...wave.slice(0, 970), ...Array(30).fill(9)]))
    expect(checkOf(column, 'out_of_range')).toMatchObject({ status: 'drift', score: 0.03 })
  })

  it('take whole numbers for doubles and the other way round', () => {
    const days = Int32Array.from(wave, (value) => Math.round(value * 10))
    expect(compare({ type: 'int', values: days }, doubles(days)).status).toBe('ok')
    expect(compare(doubles(days), { type: 'long', values: BigInt64Array.from(days, BigInt) }).status).toBe('ok')
  })
})

describe('categorical columns', () => {
  it('drift when shares of levels move', () => {
    const column = compare(cycle(['a', 'b', 'c', 'd'], 400), cycle(['a', 'a', 'b', 'c', 'd'], 400), {
      categoricalThreshold: 0.05,
    })
    expect(column).toMatchObject({ status: 'drift', kind: 'categorical' })
    expect(checkOf(column, 'distribution')).toMatchObject({ method: 'jensen_shannon', test: 'chi_square' })
  })

  it('drift by a level the reference does not know, and name it', () => {
    const column = compare(
      cycle(['a', 'b'], 1000),
      text([...Array(480).fill('a'), ...Array(480).fill('b'), ...Array(40).fill('z')]),
    )
    expect(checkOf(column, 'new_levels')).toMatchObject({ status: 'drift', score: 0.04 })
    expect(column.newLevels).toEqual(['z'])
  })

  it('do not take rare levels for new ones when the reference is full of rare levels', () => {
    const rare = (from: number) =>
      text(Array.from({ length: 1000 }, (_, i) => (i % 10 === 0 ? `rare ${from + i}` : `common ${i % 3}`)))
    const column = compare(rare(0), rare(100_000))
    expect(checkOf(column, 'new_levels')).toMatchObject({ status: 'ok', score: 0.1, pValue: 1 })
    expect(column.status).toBe('ok')
  })

  it('of one level drift by other levels', () => {
    const column = compare(cycle(['only'], 300), cycle(['only', 'other'], 300))
    expect(checkOf(column, 'constant')).toMatchObject({ status: 'drift', score: 0.5 })
  })

  it('with identifiers are left out, with the reason', () => {
    const ids = text(Array.from({ length: 500 }, (_, i) => `customer ${i}`))
    expect(compare(ids, ids)).toMatchObject({ status: 'excluded', reason: expect.stringMatching(/identifier/) })
  })
})

describe('columns that cannot be judged', () => {
  it('say how many rows they need', () => {
    const column = compare(doubles(wave), doubles(wave.slice(0, 99).map((value) => value + 9)))
    expect(column.status).toBe('insufficient_data')
    expect(column.reason).toBe('too few usable rows to judge: 1000 in the reference, 99 now, 100 needed')
    expect(compare(doubles(wave), doubles(wave.slice(0, 100).map((value) => value + 9))).status).toBe('drift')
  })

  it('are drift when all values became null, whatever type the reader gives them', () => {
    for (const allNull of [
      doubles(Array(300).fill(null)),
      { ...cycle([''], 300), nulls: new Uint8Array(300).fill(1) },
    ]) {
      const column = compare(doubles(wave), allNull)
      expect(column.status).toBe('drift')
      expect(checkOf(column, 'distribution')).toMatchObject({ score: null, pValue: null })
    }
  })

  it('do not stop the others', () => {
    const before = {
      a: doubles(wave),
      b: doubles(wave),
      c: doubles(wave),
      d: cycle(['x', 'y'], 1000),
      e: doubles(wave),
    }
    const reference = buildReferenceProfile(frameOf(before))
    const unreadable: Column = {
      type: 'double',
      get values(): Float64Array {
        throw new Error('page 3 of the file is damaged')
      },
    }
    const current: Frame = {
      rowCount: 1000,
      columns: new Map<string, Column>([
        ['a', cycle(['text'], 1000)],
        ['b', unreadable],
        ['d', { type: 'boolean', values: new Uint8Array(1000) }],
        ['e', doubles(wave.map((value) => value + 1))],
        ['new', doubles(wave)],
      ]),
    }
    const report = detectDrift({ reference, current })
    const reasons = Object.fromEntries(report.columns.map(({ name, status, reason }) => [name, `${status}: ${reason}`]))
    expect(reasons).toMatchObject({
      a: 'error: the type changed from double to string',
      b: 'error: page 3 of the file is damaged',
      c: 'error: the column is missing in the current data',
      d: 'error: the type changed from string to boolean',
    })
    expect(reasons['e']).toMatch(/^drift/)
    expect(report.unexpectedColumns).toEqual(['new'])
    expect(report).toMatchObject({ verdict: 'critical', judgedColumns: 1, driftedColumns: 1 })
  })
})

describe('verdict', () => {
  const columns = Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`c${i}`, doubles(wave)]))
  const reference = buildReferenceProfile(frameOf(columns))
  const shifted = doubles(wave.map((value) => value + 1))
  const run = (moved: readonly string[], policy: Partial<DriftPolicy> = {}): DriftReport =>
    detectDrift({
      reference,
      current: frameOf({ ...columns, ...Object.fromEntries(moved.map((name) => [name, shifted])) }),
      policy,
    })

  it('is none, warning or critical by the share of drifted columns', () => {
    expect(run([])).toMatchObject({ verdict: 'none', reasons: ['no drift in 5 columns'], driftedShare: 0 })
    expect(run(['c1'])).toMatchObject({ verdict: 'warning', driftedColumns: 1, driftedShare: 0.2 })
    expect(run(['c1', 'c2', 'c3'])).toMatchObject({ verdict: 'critical', driftedShare: 0.6 })
    expect(run(['c1'], { share: 0.2 }).verdict).toBe('critical')
  })

  it('is critical when an important column drifts or is missing', () => {
    expect(run(['c1'], { important: ['c1'] })).toMatchObject({
      verdict: 'critical',
      reasons: [
        expect.stringMatching(/^important column c1 drifted/),
        expect.stringMatching(/^1 of 5 columns drifted/),
      ],
    })
    expect(run(['c1'], { important: ['c2'] }).verdict).toBe('warning')
    const missing = detectDrift({ reference, current: frameOf({ c0: doubles(wave) }), policy: { important: ['c4'] } })
    expect(missing.reasons[0]).toBe('important column c4 cannot be compared: the column is missing in the current data')
  })

  it('says that nothing was judged when there are too few rows, or none', () => {
    for (const rows of [0, 40]) {
      const few = frameOf(Object.fromEntries(Object.keys(columns).map((name) => [name, doubles(wave.slice(0, rows))])))
      const report = detectDrift({ reference, current: few })
      expect(report).toMatchObject({ verdict: 'none', judgedColumns: 0, driftedShare: null })
      expect(report.reasons[0]).toMatch(`not judged: ${rows} rows now, and both sides need 100`)
      expect(report.columns.every(({ status }) => status === 'insufficient_data')).toBe(true)
    }
  })

  it('puts the worst column first', () => {
    const report = detectDrift({
      reference,
      current: frameOf({ ...columns, c3: shifted, c4: doubles(wave.map((value) => value + 5)) }),
    })
    expect(report.columns.map(({ name }) => name)).toEqual(['c4', 'c3', 'c0', 'c1', 'c2'])
  })
})

describe('prediction drift', () => {
  const squash = (value: number) => 1 / (1 + Math.exp(-value))
  const probability = wave.map(squash)
  const x = doubles(wave)
  const reference = buildReferenceProfile(frameOf({ x }), { probability })

  it('compares probability and calls', () => {
    const moved = wave.map((value) => squash(value + 0.8))
    const report = detectDrift({ reference, current: frameOf({ x }), probability: moved })
    expect(report.predictions.map(({ name, status }) => [name, status])).toEqual([
      ['probability', 'drift'],
      ['prediction', 'drift'],
    ])
    expect(report).toMatchObject({ verdict: 'warning', driftedColumns: 0 })
    const strict = {
      reference,
      current: frameOf({ x }),
      probability: moved,
      policy: { predictionDrift: 'critical' },
    } as const
    expect(detectDrift(strict).verdict).toBe('critical')
  })

  it('uses calls that are given', () => {
    const calls = new Uint8Array(1000)
    const report = detectDrift({ reference, current: frameOf({ x }), prediction: calls })
    expect(report.predictions).toMatchObject([{ name: 'prediction', status: 'drift' }])
  })

  it('is absent without probability on both sides', () => {
    expect(detectDrift({ reference, current: frameOf({ x }) }).predictions).toEqual([])
    const bare = buildReferenceProfile(frameOf({ x }))
    expect(detectDrift({ reference: bare, current: frameOf({ x }), probability }).predictions).toEqual([])
  })

  it('refuses probabilities that are not one a row', () => {
    expect(() => detectDrift({ reference, current: frameOf({ x }), probability: Float64Array.of(0.5) })).toThrow(
      expect.objectContaining({ code: 'ESTEIRA_USAGE' }),
    )
  })
})

describe('ModelMonitor', () => {
  it('gives the same report from a profile that went through its file', () => {
    const frame = frameOf({ x: doubles(wave), level: cycle(['a', 'b', 'c'], 1000) })
    const reference = buildReferenceProfile(frame)
    const fromFile = parseReferenceProfile(serializeReferenceProfile(reference))
    const current = frameOf({ x: doubles(wave.map((value) => value * 2)), level: cycle(['a', 'b'], 1000) })
    const policy = { important: ['x'] }
    expect(new ModelMonitor({ reference: fromFile, policy }).run({ current })).toEqual(
      detectDrift({ reference, current, policy }),
    )
  })
})
