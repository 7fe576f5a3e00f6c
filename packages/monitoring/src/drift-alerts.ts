import { createHash } from 'node:crypto'
import type { Alert } from '@esteira/core'
import type { ColumnDrift, DriftReport } from './drift-report.js'

/** What makes two alerts the same trouble. */
export type AlertIdentity = Pick<Alert, 'model' | 'name' | 'column' | 'kind'>

/** sha256 of `model|name|column|kind`: values, runs and severities change, the trouble stays the same. */
export function alertId({ model, name, column = '', kind }: AlertIdentity): string {
  return createHash('sha256').update([model, name, column, kind].join('|')).digest('hex')
}

/** The alerts of a report, most severe first: the batch, the model's output, and each check of each column. */
export function driftAlerts(report: DriftReport, model: string): Alert[] {
  const dataset: Omit<Alert, 'id'>[] =
    report.verdict === 'critical'
      ? [{ name: 'DatasetDrift', severity: 'critical', model, kind: 'dataset', summary: report.reasons.join('; ') }]
      : []
  const output = report.predictions.flatMap((column) =>
    columnAlerts(column, model, 'PredictionDrift', report.policy.predictionDrift),
  )
  const columns = report.columns.flatMap((column) =>
    columnAlerts(column, model, 'ColumnDrift', column.important ? 'critical' : 'warning'),
  )
  const alerts = [...dataset, ...output, ...columns].map((alert) => ({ id: alertId(alert), ...alert }))
  return [...alerts.filter(isCritical), ...alerts.filter((alert) => !isCritical(alert))]
}

function columnAlerts(
  column: ColumnDrift,
  model: string,
  name: string,
  severity: Alert['severity'],
): Omit<Alert, 'id'>[] {
  const about = { severity, model, column: column.name }
  if (column.status === 'error') {
    return [{ ...about, name: 'ColumnUnusable', kind: 'error', summary: `${column.name}: ${column.reason}` }]
  }
  return column.checks
    .filter(({ status }) => status === 'drift')
    .map(({ kind, reason }) => ({ ...about, name, kind, summary: `${column.name}: ${reason}` }))
}

function isCritical({ severity }: Alert): boolean {
  return severity === 'critical'
}
