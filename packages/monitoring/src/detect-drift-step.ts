import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  columnOf,
  EsteiraError,
  type Frame,
  quoteName,
  quoteText,
  type Step,
  type StepScope,
  toFloat64,
} from '@esteira/core'
import { parseReferenceProfile, type ReferenceProfile } from '@esteira/statistics'
import { z } from 'zod'
import { fileAlertChannel, printAlertChannel } from './alert-channels.js'
import { AlertManager } from './alert-manager.js'
import { ModelMonitor } from './model-monitor.js'
import { monitoringDocument, monitoringDocumentSchema, serializeMonitoringDocument } from './monitoring-document.js'
import { renderDriftReport } from './render-drift-report.js'

const scored = z.object({
  predictionsKey: z.string(),
  modelName: z.string(),
  modelVersion: z.number(),
  featureDate: z.string(),
  featureTable: z.string(),
  featureSnapshotId: z.string(),
  featureVersion: z.number(),
})

/** Step `detect_drift`: what was scored against what the model version was judged on. */
export const detectDriftStep: Step = {
  name: 'detect_drift',
  description:
    'compares the scored features and predictions with the reference profile of the model version; --fail-on drift ends with 65',
  async plan({ workspace, resultOf, options }) {
    const score = await resultOf('score_model')
    return {
      asked: {
        scored: score.output,
        at: score.startedAt,
        policy: workspace.project.definition.monitoring,
        failOn: options['fail-on'],
      },
      read: [],
    }
  },
  async run(scope) {
    const { workspace, context, resultOf, options } = scope
    const from = scored.parse((await resultOf('score_model')).output)
    const reference = await referenceOf(scope, from.modelName, from.modelVersion)
    const current = await scoredRows(scope, from, reference)
    const { monitoring } = workspace.project.definition
    const report = new ModelMonitor({ reference, policy: monitoring }).run({
      current: withoutColumns(current, ['probability', 'prediction']),
      probability: toFloat64(columnOf(current, 'probability')),
    })
    const source = {
      modelName: from.modelName,
      modelVersion: from.modelVersion,
      runId: context.runId,
      runDate: context.runDate,
    }
    const document = monitoringDocument(report, source)
    const folder = `reports/${context.runId}`
    await workspace.objects.put(`${folder}/monitoring.json`, serializeMonitoringDocument(document))
    await workspace.objects.put(`${folder}/report.html`, renderDriftReport(report, source))
    const undecided = report.columns.filter(
      ({ status }) => status === 'insufficient_data' || status === 'undefined',
    ).length
    const few = undecided === 0 ? '' : ` (${undecided} with too little data)`
    const isDrift = report.verdict !== 'none'
    if (isDrift && options['fail-on'] === 'drift') {
      throw new EsteiraError('ESTEIRA_DRIFT_FOUND', `drift is ${report.verdict}: ${report.reasons.join('; ')}`, {
        hint: `Read ${workspace.objects.locate(`${folder}/report.html`)}. Without --fail-on drift it is a result, not a failure.`,
      })
    }
    return {
      summary: [
        `${isDrift ? `${report.verdict} drift` : 'no drift'}: ${report.driftedColumns} of ${report.judgedColumns} columns${few}`,
        ...(isDrift ? report.reasons : []),
      ],
      wrote: { files: [`${folder}/monitoring.json`, `${folder}/report.html`] },
      counts: { rows: report.currentRows, driftedColumns: report.driftedColumns, judgedColumns: report.judgedColumns },
      decision: isDrift ? 'drift' : 'none',
      output: {
        verdict: report.verdict,
        reasons: report.reasons,
        reportKey: `${folder}/report.html`,
        monitoringKey: `${folder}/monitoring.json`,
      },
    }
  },
}

async function referenceOf({ workspace }: StepScope, name: string, version: number): Promise<ReferenceProfile> {
  const { registry } = await workspace.mlflow()
  const found = await registry.getVersion(name, version)
  if (found === undefined)
    throw new EsteiraError('ESTEIRA_MODEL_MISSING', `model ${name} has no version ${version} any more`)
  const folder = await registry.modelFolder(found, join(await workspace.scratchFolder(), 'model'))
  const text = await readFile(join(folder, 'reference_profile.json'), 'utf8').catch((cause: unknown) => {
    throw new EsteiraError(
      'ESTEIRA_MODEL_CORRUPT',
      `${name} v${version} holds no reference_profile.json: there is nothing to compare with`,
      {
        hint: 'Versions that Esteira trained hold one. Train a new version.',
        cause,
      },
    )
  })
  return parseReferenceProfile(text)
}

/** The features of the scored entities with their predictions. */
async function scoredRows(
  { workspace }: StepScope,
  from: z.output<typeof scored>,
  reference: ReferenceProfile,
): Promise<Frame> {
  const lakehouse = await workspace.lakehouse()
  const { view } = workspace.project.definition
  const entity = quoteName(view.from.entity.column)
  const features = await lakehouse.relation(from.featureTable, { snapshotId: from.featureSnapshotId })
  const known = new Set(reference.columns.map(({ name }) => name))
  const names = Object.keys(view.features).filter((name) => known.has(name))
  const sql = [
    `SELECT ${names.map((name) => `f.${quoteName(name)}`).join(', ')}, p."probability", p."prediction"`,
    `FROM ${await lakehouse.parquet(from.predictionsKey)} AS p JOIN ${features} AS f ON f.${entity} = p.${entity}`,
    `WHERE f."feature_date" = DATE ${quoteText(from.featureDate)} AND f."_feature_version" = ${from.featureVersion}`,
  ]
  return lakehouse.engine.query(sql.join(' '))
}

function withoutColumns(frame: Frame, names: readonly string[]): Frame {
  return { rowCount: frame.rowCount, columns: new Map([...frame.columns].filter(([name]) => !names.includes(name))) }
}

/** Step `handle_drift`: tells people, once per trouble, what drifted and what to do. */
export const handleDriftStep: Step = {
  name: 'handle_drift',
  description: 'sends the alerts that detect_drift raised and says what to do about them',
  async plan({ resultOf }) {
    return { asked: (await resultOf('detect_drift')).output, read: [] }
  },
  async run({ workspace, context, resultOf }) {
    const { monitoringKey } = z.object({ monitoringKey: z.string() }).parse((await resultOf('detect_drift')).output)
    const body = await workspace.objects.get(monitoringKey)
    if (body === undefined)
      throw new EsteiraError('ESTEIRA_STEP_RESULT_MISSING', `${monitoringKey} is gone`, {
        hint: 'Run detect_drift again.',
      })
    const { alerts } = monitoringDocumentSchema.parse(JSON.parse(new TextDecoder().decode(body)))
    const key = `reports/${context.runId}/alerts.json`
    const manager = new AlertManager({
      channels: [printAlertChannel(context.logger), fileAlertChannel(workspace.objects, key)],
    })
    await manager.send(alerts.map(({ column, ...alert }) => (column === undefined ? alert : { ...alert, column })))
    return {
      summary: [
        alerts.length === 0 ? 'nothing to alert about' : `${alerts.length} alerts → ${key}`,
        `To learn from the changed data: npx esteira run training --project ${workspace.project.folder}`,
      ],
      // Without an alert no channel is called, and no file is written.
      wrote: { files: alerts.length === 0 ? [] : [key] },
      counts: { alerts: alerts.length },
      decision: 'alerted',
    }
  },
}
