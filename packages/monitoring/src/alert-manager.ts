import type { Alert, AlertChannel } from '@esteira/core'

/** What became of one channel's delivery. */
export interface AlertDelivery {
  readonly channel: string
  readonly delivered: boolean
  /** Why not. */
  readonly error?: string
}

/**
 * Sends alerts through every channel. A channel that fails is reported and stops no other: trouble with a
 * messenger never changes what was found.
 *
 * @example
 * const alerts = new AlertManager({ channels: [printAlertChannel(logger), fileAlertChannel(objects, 'alerts.json')] })
 * const deliveries = await alerts.send(driftAlerts(report, 'churn'))
 */
export class AlertManager {
  readonly #channels: readonly AlertChannel[]

  constructor({ channels }: { readonly channels: readonly AlertChannel[] }) {
    this.#channels = channels
  }

  /** One delivery per channel, in their order; none without alerts. The same alert id is sent once. */
  async send(alerts: readonly Alert[]): Promise<readonly AlertDelivery[]> {
    const once = [...new Map(alerts.map((alert) => [alert.id, alert])).values()]
    if (once.length === 0) return []
    return Promise.all(this.#channels.map((channel) => deliver(channel, once)))
  }
}

async function deliver(channel: AlertChannel, alerts: readonly Alert[]): Promise<AlertDelivery> {
  try {
    await channel.send(alerts)
    return { channel: channel.name, delivered: true }
  } catch (error) {
    return { channel: channel.name, delivered: false, error: error instanceof Error ? error.message : String(error) }
  }
}
