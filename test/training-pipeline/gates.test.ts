import { gate, METRICS, type Metric } from '@esteira/core'
import type { BinaryEvaluation } from '@esteira/statistics'
import { type Contest, judgeGates } from '@esteira/training-pipeline'
import { describe, expect, it } from 'vitest'

/** Metrics that are all 0.5 but the given ones. */
function metrics(given: Partial<Record<Metric, number | null>> = {}): BinaryEvaluation {
  const all = Object.fromEntries(METRICS.map((metric) => [metric, 0.5])) as Record<Metric, number | null>
  return {
    ...all,
    ...given,
    threshold: 0.5,
    confusion: { truePositives: 1, falsePositives: 1, falseNegatives: 1, trueNegatives: 1 },
    support: { positives: 2, negatives: 2, rows: 4 },
    positive_rate: 0.5,
    reasons: {},
  } as BinaryEvaluation
}

function contest(challenger: BinaryEvaluation, others: Partial<Contest> = {}): Contest {
  return { challenger, baselines: {}, live: { kind: 'none' }, ...others }
}

const passes = (...args: Parameters<typeof judgeGates>) => judgeGates(...args).map(({ passed }) => passed)

describe('gate.above', () => {
  it('passes at the threshold and fails under it', () => {
    expect(passes([gate.above('accuracy', 0.8)], contest(metrics({ accuracy: 0.8 })))).toEqual([true])
    expect(judgeGates([gate.above('accuracy', 0.8)], contest(metrics({ accuracy: 0.7999 })))).toEqual([
      { gate: 'accuracy >= 0.8', passed: false, reason: 'accuracy is 0.7999' },
    ])
  })

  it('takes a loss the other way round', () => {
    const asked = [gate.above('log_loss', 0.4), gate.above('brier_score', 0.2)]
    expect(passes(asked, contest(metrics({ log_loss: 0.4, brier_score: 0.21 })))).toEqual([true, false])
    expect(judgeGates(asked, contest(metrics()))[0]?.gate).toBe('log_loss <= 0.4')
  })
})

describe('gate.beats', () => {
  it('wants more than the baseline, not as much', () => {
    const beats = gate.beats('majority_class')
    const baselines = { majority_class: metrics({ accuracy: 0.7 }) }
    expect(passes([beats], contest(metrics({ accuracy: 0.71 }), { baselines }))).toEqual([true])
    expect(judgeGates([beats], contest(metrics({ accuracy: 0.7 }), { baselines }))).toEqual([
      { gate: 'better accuracy than majority_class', passed: false, reason: '0.7000 against 0.7000' },
    ])
  })

  it('takes a loss the other way round', () => {
    const baselines = { recency: metrics({ log_loss: 0.6 }) }
    const beats = gate.beats('recency', 'log_loss')
    expect(passes([beats], contest(metrics({ log_loss: 0.5 }), { baselines }))).toEqual([true])
    expect(passes([beats], contest(metrics({ log_loss: 0.7 }), { baselines }))).toEqual([false])
  })

  it('fails with a reason when the rows have no such baseline', () => {
    const [verdict] = judgeGates([gate.beats('recency')], contest(metrics({ roc_auc: 0.9 })))
    expect(verdict).toMatchObject({ passed: false, reason: 'there is no recency baseline for these rows' })
  })
})

describe('gate.notWorseThanLive', () => {
  const live = (of: BinaryEvaluation) => ({ live: { kind: 'compared', version: 3, metrics: of } as const })

  it('passes when as good and within the tolerance, and fails beyond it', () => {
    const strict = gate.notWorseThanLive()
    const lenient = gate.notWorseThanLive('roc_auc', { tolerance: 0.01 })
    const mine = metrics({ roc_auc: 0.8 })
    expect(passes([strict, lenient], contest(mine, live(metrics({ roc_auc: 0.8 }))))).toEqual([true, true])
    expect(passes([strict, lenient], contest(mine, live(metrics({ roc_auc: 0.805 }))))).toEqual([false, true])
    expect(passes([strict, lenient], contest(mine, live(metrics({ roc_auc: 0.82 }))))).toEqual([false, false])
    expect(judgeGates([strict], contest(mine, live(metrics({ roc_auc: 0.82 }))))[0]?.reason).toBe(
      '0.8000 against 0.8200 of live version 3, on the same rows',
    )
  })

  it('takes a loss the other way round', () => {
    const asked = [gate.notWorseThanLive('log_loss', { tolerance: 0.1 })]
    expect(passes(asked, contest(metrics({ log_loss: 0.5 }), live(metrics({ log_loss: 0.45 }))))).toEqual([true])
    expect(passes(asked, contest(metrics({ log_loss: 0.5 }), live(metrics({ log_loss: 0.35 }))))).toEqual([false])
  })

  it('passes with the reason when no model is live or none can be compared', () => {
    const none = judgeGates([gate.notWorseThanLive()], contest(metrics()))
    expect(none[0]).toMatchObject({ passed: true, reason: 'no model is live' })
    const other = { live: { kind: 'not_comparable', version: 2, isNewer: false, reason: 'it knows them' } as const }
    const unknown = judgeGates([gate.notWorseThanLive()], contest(metrics(), other))
    expect(unknown[0]).toMatchObject({ passed: true, reason: 'not comparable with live version 2: it knows them' })
  })

  it('fails an older challenger that cannot be compared with a newer live model', () => {
    const newer = { live: { kind: 'not_comparable', version: 2, isNewer: true, reason: 'it knows them' } as const }
    expect(judgeGates([gate.notWorseThanLive()], contest(metrics(), newer))[0]).toMatchObject({ passed: false })
  })

  it('knows its metrics and baselines when the project is loaded', () => {
    expect(() => gate.above('rocauc' as 'roc_auc', 0.7)).toThrow(
      expect.objectContaining({ code: 'ESTEIRA_PROJECT', hint: 'Did you mean "roc_auc"?' }),
    )
    expect(() => gate.beats('majority' as 'recency')).toThrow(expect.objectContaining({ code: 'ESTEIRA_PROJECT' }))
  })
})

it('lets no metric pass that could not be computed', () => {
  const undefinedMetrics = metrics({ roc_auc: null, log_loss: null })
  const baselines = { majority_class: metrics(), recency: undefinedMetrics }
  const asked = [
    gate.above('roc_auc', 0),
    gate.above('log_loss', 99),
    gate.beats('majority_class', 'roc_auc'),
    gate.notWorseThanLive('roc_auc', { tolerance: 1 }),
  ]
  const live = { kind: 'compared', version: 1, metrics: metrics() } as const
  const verdicts = judgeGates(asked, contest(undefinedMetrics, { baselines, live }))
  expect(verdicts.map(({ passed }) => passed)).toEqual([false, false, false, false])
  expect(verdicts[0]?.reason).toBe('roc_auc is undefined')
  expect(passes([gate.beats('recency', 'roc_auc')], contest(metrics(), { baselines }))).toEqual([false])
})
