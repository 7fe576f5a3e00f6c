import type { DriftPolicy } from './drift-policy.js'
import type { ColumnDrift, DriftReport, Verdict } from './drift-report.js'
import { formatShare } from './format-number.js'

interface Judged {
  readonly columns: readonly ColumnDrift[]
  readonly predictions: readonly ColumnDrift[]
  readonly currentRows: number
  readonly policy: DriftPolicy
}

interface Finding {
  readonly verdict: Verdict
  readonly reason: string
}

type DatasetVerdict = Pick<DriftReport, 'verdict' | 'reasons' | 'judgedColumns' | 'driftedColumns' | 'driftedShare'>

/** The verdict on the whole batch: the worst of its findings, each with its reason. */
export function decideVerdict(judged: Judged): DatasetVerdict {
  const drifted = judged.columns.filter(({ status }) => status === 'drift')
  const judgedColumns = drifted.length + judged.columns.filter(({ status }) => status === 'ok').length
  const driftedShare = judgedColumns === 0 ? null : drifted.length / judgedColumns
  const findings = [
    ...shareFinding(drifted, judgedColumns, judged.policy),
    ...importantFindings(judged.columns),
    ...predictionFindings(judged.predictions, judged.policy),
    ...errorFindings(judged.columns),
  ]
  const critical = findings.filter(({ verdict }) => verdict === 'critical')
  const others = findings.filter(({ verdict }) => verdict !== 'critical')
  const verdict = critical.length > 0 ? 'critical' : others.length > 0 ? 'warning' : 'none'
  const reasons = [...critical, ...others].map(({ reason }) => reason)
  return {
    verdict,
    reasons: reasons.length > 0 ? reasons : [quietReason(judged, judgedColumns)],
    judgedColumns,
    driftedColumns: drifted.length,
    driftedShare,
  }
}

function shareFinding(drifted: readonly ColumnDrift[], judgedColumns: number, { share }: DriftPolicy): Finding[] {
  if (drifted.length === 0) return []
  const verdict = drifted.length / judgedColumns >= share ? 'critical' : 'warning'
  const names = listNames(drifted)
  const found = formatShare(drifted.length / judgedColumns)
  return [
    {
      verdict,
      reason: `${drifted.length} of ${judgedColumns} columns drifted (${found}, critical from ${formatShare(share)}): ${names}`,
    },
  ]
}

function importantFindings(columns: readonly ColumnDrift[]): Finding[] {
  return columns
    .filter(({ important, status }) => important && (status === 'drift' || status === 'error'))
    .map(({ name, status, reason }) => {
      const what = status === 'drift' ? 'drifted' : 'cannot be compared'
      return { verdict: 'critical', reason: `important column ${name} ${what}: ${reason}` }
    })
}

function predictionFindings(predictions: readonly ColumnDrift[], { predictionDrift }: DriftPolicy): Finding[] {
  return predictions
    .filter(({ status }) => status === 'drift')
    .map(({ name, reason }) => ({ verdict: predictionDrift, reason: `the model's ${name} drifted: ${reason}` }))
}

function errorFindings(columns: readonly ColumnDrift[]): Finding[] {
  return columns
    .filter(({ important, status }) => !important && status === 'error')
    .map(({ name, reason }) => ({ verdict: 'warning', reason: `column ${name} cannot be compared: ${reason}` }))
}

function quietReason({ columns, predictions, currentRows, policy }: Judged, judgedColumns: number): string {
  if (judgedColumns > 0) {
    const output = predictions.some(({ status }) => status === 'ok') ? ' and the model’s output' : ''
    return `no drift in ${judgedColumns} ${judgedColumns === 1 ? 'column' : 'columns'}${output}`
  }
  if (columns.some(({ status }) => status === 'insufficient_data')) {
    return `not judged: ${currentRows} rows now, and both sides need ${policy.minRows} usable rows per column`
  }
  return 'not judged: the reference has no column that can be compared'
}

function listNames(columns: readonly ColumnDrift[]): string {
  const names = columns.slice(0, 5).map(({ name }) => name)
  return names.join(', ') + (columns.length > 5 ? `, and ${columns.length - 5} more` : '')
}
