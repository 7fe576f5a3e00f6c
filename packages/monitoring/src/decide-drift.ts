import { adjustPValues } from '@esteira/statistics'
import { decideVerdict } from './decide-verdict.js'
import type { DriftPolicy } from './drift-policy.js'
import {
  type CheckMeasurement,
  COLUMN_STATUSES,
  type ColumnDrift,
  type ColumnMeasurement,
  type ColumnStatus,
  type DriftCheck,
  type DriftReport,
} from './drift-report.js'
import { explainCheck } from './explain-check.js'
import type { DriftMeasurement } from './measure-drift.js'

/**
 * What measurements mean under a policy. A check is drift when its score reaches the threshold, its p-value, adjusted
 * over the columns of the same kind, is small enough, and both sides have enough rows: the first keeps
 * harmless changes of big batches quiet, the second the noise of small ones.
 */
export function decideDrift(measurement: DriftMeasurement, policy: DriftPolicy): DriftReport {
  const columns = judgeColumns(measurement.columns, policy)
  const predictions = judgeColumns(measurement.predictions, policy)
  return {
    ...decideVerdict({ columns, predictions, currentRows: measurement.currentRows, policy }),
    referenceRows: measurement.referenceRows,
    currentRows: measurement.currentRows,
    columns,
    predictions,
    unexpectedColumns: measurement.unexpectedColumns,
    policy,
  }
}

function judgeColumns(columns: readonly ColumnMeasurement[], policy: DriftPolicy): ColumnDrift[] {
  const adjusted = adjustByKind(columns, policy)
  return columns.map((column) => judgeColumn(column, adjusted, policy)).sort(byUrgency)
}

/** Adjusted p-values of the checks that can be judged; a check of a different kind asks a different question. */
function adjustByKind(columns: readonly ColumnMeasurement[], policy: DriftPolicy): Map<CheckMeasurement, number> {
  const families = new Map<string, { check: CheckMeasurement; pValue: number }[]>()
  for (const check of columns.flatMap(({ checks }) => checks)) {
    if (check.pValue === null || !enoughRows(check, policy)) continue
    const family = `${check.kind} ${check.method}`
    families.set(family, [...(families.get(family) ?? []), { check, pValue: check.pValue }])
  }
  const adjusted = new Map<CheckMeasurement, number>()
  for (const family of families.values()) {
    const pValues = adjustPValues(family.map(({ pValue }) => pValue))
    family.forEach(({ check }, index) => {
      adjusted.set(check, pValues[index] ?? 1)
    })
  }
  return adjusted
}

function judgeColumn(
  { checks, obstacle, ...column }: ColumnMeasurement,
  adjusted: ReadonlyMap<CheckMeasurement, number>,
  policy: DriftPolicy,
): ColumnDrift {
  const important = policy.important.includes(column.name)
  if (obstacle !== null) return { ...column, ...obstacle, important, checks: [] }
  const judged = checks.map((check) => judgeCheck(check, adjusted.get(check) ?? null, policy)).sort(byUrgency)
  // The first check says what the column is about: its values. The others add alarms, not doubts.
  const main = judged.find(({ kind }) => kind === 'distribution' || kind === 'constant')
  const drifted = judged.filter(({ status }) => status === 'drift')
  const status: ColumnStatus = drifted.length > 0 ? 'drift' : (main?.status ?? 'undefined')
  const reason = drifted.length > 0 ? drifted.map((check) => check.reason).join('; ') : (main?.reason ?? 'no check')
  return { ...column, status, reason, important, checks: judged }
}

function judgeCheck(check: CheckMeasurement, adjustedPValue: number | null, policy: DriftPolicy): DriftCheck {
  const threshold = thresholdOf(check, policy)
  const status = statusOf(check, threshold, adjustedPValue, policy)
  const decided = { ...check, threshold, adjustedPValue, status }
  return { ...decided, reason: explainCheck(decided, policy) }
}

function statusOf(
  check: CheckMeasurement,
  threshold: number,
  adjusted: number | null,
  policy: DriftPolicy,
): DriftCheck['status'] {
  if (check.score === null && check.currentRows > 0) return 'undefined'
  if (!enoughRows(check, policy)) return 'insufficient_data'
  return (check.score ?? 0) >= threshold && (adjusted ?? 1) <= policy.pValue ? 'drift' : 'ok'
}

function enoughRows(check: CheckMeasurement, { minRows }: DriftPolicy): boolean {
  return Math.min(check.referenceRows, check.currentRows) >= minRows
}

function thresholdOf({ kind, method }: CheckMeasurement, policy: DriftPolicy): number {
  switch (kind) {
    case 'distribution':
      return method === 'wasserstein' ? policy.numericThreshold : policy.categoricalThreshold
    case 'constant':
      return policy.constantThreshold
    case 'null_share':
    case 'invalid_share':
      return policy.nullShareThreshold
    case 'new_levels':
      return policy.newLevelThreshold
    case 'out_of_range':
      return policy.outOfRangeThreshold
  }
}

interface Urgency {
  readonly status: ColumnStatus
  readonly name?: string
  readonly checks?: readonly DriftCheck[]
  readonly score?: number | null
  readonly threshold?: number
}

function byUrgency(a: Urgency, b: Urgency): number {
  const byStatus = COLUMN_STATUSES.indexOf(a.status) - COLUMN_STATUSES.indexOf(b.status)
  return byStatus || excess(b) - excess(a) || ((a.name ?? '') < (b.name ?? '') ? -1 : 1)
}

/** How many times its threshold a score is; of a column, that of its worst check. */
function excess({ checks, score, threshold }: Urgency): number {
  const worst = checks?.[0]
  if (worst !== undefined) return excess({ status: worst.status, score: worst.score, threshold: worst.threshold })
  return threshold === undefined || threshold === 0 ? 0 : (score ?? 0) / threshold
}
