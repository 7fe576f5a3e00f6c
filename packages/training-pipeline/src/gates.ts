import type { Baseline, Gate, Metric } from '@esteira/core'
import type { BinaryEvaluation } from '@esteira/statistics'

/** What the gates judge: the challenger's test metrics beside those of the baselines and the live model on the same rows. */
export interface Contest {
  readonly challenger: BinaryEvaluation
  readonly baselines: Partial<Record<Baseline, BinaryEvaluation>>
  readonly live: LiveComparison
}

export type LiveComparison =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'not_comparable'
      readonly version: number
      readonly reason: string
      /** True when the live model learnt from later dates: the challenger is the older one. */
      readonly isNewer: boolean
    }
  | { readonly kind: 'compared'; readonly version: number; readonly metrics: BinaryEvaluation }

export interface GateVerdict {
  /** `accuracy >= 0.8`, as it was asked. */
  readonly gate: string
  readonly passed: boolean
  readonly reason: string
}

/** Of these less is better. */
const LOSSES: ReadonlySet<Metric> = new Set(['log_loss', 'brier_score'])

/** Judges every gate; measuring was done before. A metric that could not be computed passes no gate. */
export function judgeGates(gates: readonly Gate[], contest: Contest): GateVerdict[] {
  return gates.map((gate) => judgeGate(gate, contest))
}

function judgeGate(gate: Gate, contest: Contest): GateVerdict {
  switch (gate.kind) {
    case 'above':
      return judgeAbove(gate.metric, gate.threshold, contest)
    case 'beats':
      return judgeBeats(gate.baseline, gate.metric, contest)
    case 'notWorseThanLive':
      return judgeLive(gate.metric, gate.tolerance, contest)
  }
}

function judgeAbove(metric: Metric, threshold: number, { challenger }: Contest): GateVerdict {
  const value = challenger[metric]
  const isLoss = LOSSES.has(metric)
  const passed = value !== null && (isLoss ? value <= threshold : value >= threshold)
  return { gate: `${metric} ${isLoss ? '<=' : '>='} ${threshold}`, passed, reason: `${metric} is ${show(value)}` }
}

function judgeBeats(baseline: Baseline, metric: Metric, { challenger, baselines }: Contest): GateVerdict {
  const mine = challenger[metric]
  const theirs = baselines[baseline]?.[metric] ?? null
  const gate = `better ${metric} than ${baseline}`
  if (baselines[baseline] === undefined)
    return { gate, passed: false, reason: `there is no ${baseline} baseline for these rows` }
  const passed = mine !== null && theirs !== null && (LOSSES.has(metric) ? mine < theirs : mine > theirs)
  return { gate, passed, reason: `${show(mine)} against ${show(theirs)}` }
}

function judgeLive(metric: Metric, tolerance: number, { challenger, live }: Contest): GateVerdict {
  const gate =
    tolerance === 0
      ? `${metric} no worse than the live model`
      : `${metric} at most ${tolerance} worse than the live model`
  if (live.kind === 'none') return { gate, passed: true, reason: 'no model is live' }
  if (live.kind === 'not_comparable') {
    // An older challenger must not take the place of a newer model just because nothing can be said.
    return { gate, passed: !live.isNewer, reason: `not comparable with live version ${live.version}: ${live.reason}` }
  }
  const mine = challenger[metric]
  const theirs = live.metrics[metric]
  const passed =
    mine !== null && theirs !== null && (LOSSES.has(metric) ? mine <= theirs + tolerance : mine >= theirs - tolerance)
  return {
    gate,
    passed,
    reason: `${show(mine)} against ${show(theirs)} of live version ${live.version}, on the same rows`,
  }
}

function show(value: number | null): string {
  return value === null ? 'undefined' : value.toFixed(4)
}
