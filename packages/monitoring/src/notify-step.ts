import type { Alert, Step, StepScope } from '@esteira/core'
import { fileAlertChannel, printAlertChannel } from './alert-channels.js'
import { AlertManager } from './alert-manager.js'
import { alertId } from './drift-alerts.js'

/** Steps whose outcome people want to hear of, the last one first. */
const NEWS = ['promote_model', 'detect_drift', 'score_model', 'validate_features'] as const

/** Step `notify`: tells people how the run ended. */
export const notifyStep: Step = {
  name: 'notify',
  description: 'sends the outcome of the run through the alert channels of the project',
  async plan(scope) {
    return { asked: { news: await newsOf(scope), recipients: scope.workspace.project.config.notifications }, read: [] }
  },
  async run(scope) {
    const { workspace, context, workflow } = scope
    const news = await newsOf(scope)
    const [first] = news
    const model = workspace.project.definition.modelName ?? workspace.project.name
    const identity = { model, name: 'RunFinished', kind: workflow }
    const alert: Alert = {
      ...identity,
      id: alertId(identity),
      severity: first?.decision === 'refused' || first?.decision === 'drift' ? 'warning' : 'info',
      summary:
        first === undefined ? `run ${context.runId} has nothing to tell` : `run ${context.runId}: ${first.summary}`,
    }
    const key = `reports/${context.runId}/notification.json`
    const manager = new AlertManager({
      channels: [printAlertChannel(context.logger), fileAlertChannel(workspace.objects, key)],
    })
    const deliveries = await manager.send([alert])
    const failed = deliveries.filter(({ delivered }) => !delivered)
    for (const { channel, error } of failed)
      context.logger.warn(`channel ${channel} did not deliver: ${error ?? 'no reason given'}`)
    return {
      summary: [`told through ${deliveries.length - failed.length} of ${deliveries.length} channels → ${key}`],
      wrote: { files: [key] },
      counts: { delivered: deliveries.length - failed.length, failed: failed.length },
    }
  },
}

async function newsOf({
  findResult,
}: StepScope): Promise<{ readonly step: string; readonly summary: string; readonly decision: string }[]> {
  const results = await Promise.all(NEWS.map((step) => findResult(step)))
  return results.flatMap((result) =>
    result === undefined
      ? []
      : [{ step: result.step, summary: result.summary[0] ?? '', decision: result.decision ?? '' }],
  )
}
