import { EsteiraError, type Step, type StepScope, type TableRead, tableInRun } from '@esteira/core'
import { z } from 'zod'
import { referencedTables } from './references.js'
import { sweepStaged } from './sweep-staged.js'
import { type PublishResult, validateFeatures } from './validate-features.js'
import { checkLine, failedChecks, textKeyOf } from './validation-report.js'

/** What `extract_features` leaves for the steps after it. */
const extractOutput = z.object({
  stagingKey: z.string(),
  featureVersion: z.number(),
  featureHash: z.string(),
  featureDates: z.array(z.string()),
  newestEvents: z.record(z.string(), z.string()),
  silverTable: z.string(),
  silverSnapshotId: z.string(),
})

/** Step `validate_features`: the gate between staged and published features. */
export const validateFeaturesStep: Step = {
  name: 'validate_features',
  description:
    'checks the staged features and publishes them in one commit; refused rows stay staged with a report for --keep-staged-days days',
  async plan(scope) {
    const extracted = await scope.resultOf('extract_features')
    const { view } = scope.workspace.project.definition
    return {
      asked: {
        staged: extracted.output,
        extractedAt: extracted.startedAt,
        rules: view.rules,
        ...(view.tableRules.length > 0 && { tableRules: view.tableRules }),
        freshWithinDays: view.from.freshWithinDays,
        moreRowsThan: view.moreRowsThan,
      },
      read: await referenceTablesOf(scope),
    }
  },
  async run(scope) {
    const { workspace, context, resultOf } = scope
    const extracted = extractOutput.parse((await resultOf('extract_features')).output)
    const reportKey = `reports/${context.runId}/validation.json`
    const snapshots = (await referenceTablesOf(scope)).flatMap(({ table, snapshotId }) =>
      snapshotId === null ? [] : [[table, snapshotId] as const],
    )
    const keepDays = keepDaysOf(scope)
    try {
      const result = await validateFeatures({
        view: workspace.project.definition.view,
        lakehouse: await workspace.lakehouse(),
        objects: workspace.objects,
        stagingKey: extracted.stagingKey,
        featureDates: extracted.featureDates,
        featureVersion: extracted.featureVersion,
        newestEvents: extracted.newestEvents,
        runId: context.runId,
        reportKey,
        references: { project: workspace.project.name, snapshots: Object.fromEntries(snapshots) },
        signal: context.signal,
      })
      const { warnings } = failedChecks(result.checks)
      for (const warning of warnings) context.logger.warn(`validation: ${checkLine(warning)}`)
      return {
        summary: summaryOf(result, warnings.length),
        wrote: {
          tables: [{ table: result.table, snapshotId: result.snapshotId }],
          files: [reportKey, textKeyOf(reportKey)],
        },
        counts: {
          checks: result.checks.length,
          warnings: warnings.length,
          rowsPublished: result.rowsPublished,
          rowsReplaced: result.rowsReplaced,
        },
        output: { ...extracted, featureTable: result.table, featureSnapshotId: result.snapshotId },
      }
    } finally {
      await sweep(scope, keepDays)
    }
  },
}

/** The tables that rules refer to, as this run reads them. */
function referenceTablesOf(scope: StepScope): Promise<TableRead[]> {
  const { project } = scope.workspace
  const tables = referencedTables(project.definition.view, project.name).map(async (name) => {
    const { table, snapshotId = null } = await tableInRun(scope, name, 'process_silver')
    return { table, snapshotId }
  })
  return Promise.all(tables)
}

function summaryOf(result: PublishResult, warnings: number): string[] {
  const replaced =
    result.rowsReplaced === 0 ? '' : `, ${result.rowsReplaced.toLocaleString('en-US')} rows of the same dates replaced`
  const passed = result.checks.length - warnings
  const warned = warnings === 0 ? '' : `, ${warnings} gave a warning`
  return [`${passed} checks passed${warned} → published, snapshot ${result.snapshotId ?? 'unchanged'}${replaced}`]
}

function keepDaysOf({ options }: StepScope): number | undefined {
  const text = options['keep-staged-days']
  if (text === undefined) return undefined
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text)
  throw new EsteiraError(
    'ESTEIRA_USAGE',
    `--keep-staged-days: expected a whole number from 1, found ${JSON.stringify(text)}`,
  )
}

/** Old staged files of other runs; that they could not be removed is no reason to fail this one. */
async function sweep({ workspace, context }: StepScope, keepDays: number | undefined): Promise<void> {
  try {
    const { runs, sizeBytes } = await sweepStaged(workspace.objects, {
      now: context.now(),
      runId: context.runId,
      ...(keepDays !== undefined && { keepDays }),
    })
    if (runs.length > 0) {
      context.logger.info(`removed the staged files of ${runs.length} old runs, ${(sizeBytes / 1e6).toFixed(1)} MB`)
    }
  } catch (error) {
    context.logger.warn(`old staged files were not removed: ${error instanceof Error ? error.message : String(error)}`)
  }
}
