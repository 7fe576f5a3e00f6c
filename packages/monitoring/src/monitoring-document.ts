import { ALERT_SEVERITIES, type Alert } from '@esteira/core'
import { z } from 'zod'
import { driftAlerts } from './drift-alerts.js'
import { type DriftReport, driftReportSchema } from './drift-report.js'

/** Version of `monitoring.json`; a reader refuses any other. */
export const MONITORING_FORMAT = 'esteira-monitoring/1'

/** Where a report comes from. */
export interface MonitoringSource {
  readonly modelName: string
  readonly modelVersion: number
  readonly runId: string
  readonly runDate: Date
}

const alertSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    severity: z.enum(ALERT_SEVERITIES),
    model: z.string(),
    column: z.string().optional(),
    kind: z.string(),
    summary: z.string(),
  })
  .readonly()

/** The whole of `monitoring.json`, for its readers. */
export const monitoringDocumentSchema = z
  .object({
    format: z.literal(MONITORING_FORMAT),
    model: z.object({ name: z.string(), version: z.int().min(1) }).readonly(),
    runId: z.string(),
    runDate: z.iso.datetime(),
    drift: driftReportSchema,
    alerts: z.array(alertSchema).readonly(),
  })
  .readonly()
export type MonitoringDocument = z.infer<typeof monitoringDocumentSchema>

/** The document of a report, with the alerts it raises. */
export function monitoringDocument(drift: DriftReport, source: MonitoringSource): MonitoringDocument {
  const alerts: readonly Alert[] = driftAlerts(drift, source.modelName)
  return {
    format: MONITORING_FORMAT,
    model: { name: source.modelName, version: source.modelVersion },
    runId: source.runId,
    runDate: source.runDate.toISOString(),
    drift,
    alerts: alerts.map(({ column, ...alert }) => (column === undefined ? alert : { ...alert, column })),
  }
}

/**
 * The text of `monitoring.json`: strict JSON, the same document the same bytes.
 *
 * @throws ZodError when a number is NaN or infinite: a defect, never data
 */
export function serializeMonitoringDocument(document: MonitoringDocument): string {
  return `${JSON.stringify(monitoringDocumentSchema.parse(document), null, 1)}\n`
}
