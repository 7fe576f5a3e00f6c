import type { AlertChannel, Logger, ObjectStore } from '@esteira/core'

/** Writes one log line per alert: critical ones as errors, warnings as warnings. */
export function printAlertChannel(logger: Logger): AlertChannel {
  return {
    name: 'print',
    async send(alerts) {
      for (const { severity, summary, ...fields } of alerts) {
        const level = severity === 'critical' ? 'error' : severity === 'warning' ? 'warn' : 'info'
        logger[level](`${fields.name}: ${summary}`, { severity, ...fields })
      }
    },
  }
}

/** Writes the alerts of a run as one JSON file, replacing what an earlier attempt of the run wrote. */
export function fileAlertChannel(store: Pick<ObjectStore, 'put'>, key: string): AlertChannel {
  return {
    name: 'file',
    async send(alerts) {
      await store.put(key, `${JSON.stringify({ format: 'esteira-alerts/1', alerts }, null, 2)}\n`)
    },
  }
}
