export { fileAlertChannel, printAlertChannel } from './alert-channels.js'
export { type AlertDelivery, AlertManager } from './alert-manager.js'
export { decideDrift } from './decide-drift.js'
export { type DetectDriftOptions, detectDrift } from './detect-drift.js'
export { detectDriftStep, handleDriftStep } from './detect-drift-step.js'
export { type AlertIdentity, alertId, driftAlerts } from './drift-alerts.js'
export { DEFAULT_DRIFT_POLICY, type DriftPolicy } from './drift-policy.js'
export {
  CHECK_KINDS,
  type CheckKind,
  COLUMN_STATUSES,
  type ColumnDrift,
  type ColumnStatus,
  type DriftCheck,
  type DriftReport,
  driftReportSchema,
  VERDICTS,
  type Verdict,
} from './drift-report.js'
export { type DriftInput, type DriftMeasurement, measureDrift } from './measure-drift.js'
export { ModelMonitor, type ModelMonitorOptions } from './model-monitor.js'
export {
  MONITORING_FORMAT,
  type MonitoringDocument,
  type MonitoringSource,
  monitoringDocument,
  monitoringDocumentSchema,
  serializeMonitoringDocument,
} from './monitoring-document.js'
export { notifyStep } from './notify-step.js'
export { renderDriftReport } from './render-drift-report.js'
