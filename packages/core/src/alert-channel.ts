export const ALERT_SEVERITIES = ['info', 'warning', 'critical'] as const
export type AlertSeverity = (typeof ALERT_SEVERITIES)[number]

/** Something a person should know. Names and numbers only, never rows. */
export interface Alert {
  /** The same for the same trouble in every run: made of model, name, column and kind, never of a value or a run. */
  readonly id: string
  /** CamelCase, e.g. `ColumnDrift`. */
  readonly name: string
  readonly severity: AlertSeverity
  readonly model: string
  readonly column?: string
  /** What was looked at, e.g. `distribution`. */
  readonly kind: string
  /** One sentence: what happened, with the numbers. */
  readonly summary: string
}

/** A way to tell people. A channel that cannot deliver throws; who sends decides what that means. */
export interface AlertChannel {
  /** For reports of what was delivered: `print`, `file`, `slack`. */
  readonly name: string
  /** Delivers the alerts of one run together; never called with none. */
  send(alerts: readonly Alert[]): Promise<void>
}
