import {
  EsteiraError,
  type FeatureView,
  type Lakehouse,
  type ObjectStore,
  type Step,
  tableNames,
  toRows,
} from '@esteira/core'
import { featureTableDefinition } from '@esteira/lakehouse'
import { z } from 'zod'
import { checkFeatures, type FeatureCheck } from './feature-checks.js'

export interface ValidateOptions {
  readonly view: FeatureView
  readonly lakehouse: Lakehouse
  readonly objects: ObjectStore
  readonly stagingKey: string
  readonly featureDates: readonly string[]
  readonly featureVersion: number
  /** Day of the newest event before each date, as `extract_features` found it. */
  readonly newestEvents: Readonly<Record<string, string>>
  readonly runId: string
  /** Key of the validation report. */
  readonly reportKey: string
  readonly signal?: AbortSignal
}

export interface PublishResult {
  readonly table: string
  readonly snapshotId: string | null
  readonly checks: readonly FeatureCheck[]
  readonly rowsPublished: number
  readonly rowsReplaced: number
}

/**
 * Checks staged features and publishes them in one commit that replaces exactly their dates of this feature version. Refused
 * rows stay staged; the report names each check and what it found.
 *
 * @throws EsteiraError ESTEIRA_FEATURES_REFUSED with the failed checks; the table is as before
 */
export async function validateFeatures(options: ValidateOptions): Promise<PublishResult> {
  const { view, lakehouse, objects, featureDates } = options
  const staged = await lakehouse.parquet(options.stagingKey)
  const { newestEvents } = options
  const checks = await checkFeatures(view, { lakehouse, staged, featureDates, newestEvents })
  const failed = checks.filter(({ passed }) => !passed)
  const report = {
    view: view.name,
    runId: options.runId,
    stagingKey: options.stagingKey,
    featureDates,
    passed: failed.length === 0,
    checks,
  }
  await objects.put(options.reportKey, JSON.stringify(report, null, 2))
  if (failed.length > 0) throw await refused(options, failed)
  const table = tableNames.features(view)
  await lakehouse.ensureTable(table, featureTableDefinition(view))
  const slice = [
    { column: 'feature_date', op: 'in', value: featureDates },
    { column: '_feature_version', op: '=', value: options.featureVersion },
  ] as const
  const commit = await lakehouse.replace(table, slice, `SELECT * FROM ${staged} AS s`, {
    commitId: `${options.runId}/validate_features/${view.name}/${await contentOf(options, staged)}`,
    runId: options.runId,
    ...(options.signal && { signal: options.signal }),
  })
  return {
    table,
    snapshotId: commit.snapshotId ?? null,
    checks,
    rowsPublished: commit.rowsAdded,
    rowsReplaced: commit.rowsRemoved,
  }
}

/** Same run, same staging time, same commit: a retry after a lost answer publishes once. */
async function contentOf(options: ValidateOptions, staged: string): Promise<string> {
  const sql = `SELECT CAST(max("_created_at") AS VARCHAR) AS "at", count(*) AS "rows" FROM ${staged} AS s`
  const [row] = toRows(await options.lakehouse.engine.query(sql))
  return `${row?.['at']}/${row?.['rows']}`
}

function refused(options: ValidateOptions, failed: readonly FeatureCheck[]): EsteiraError {
  const lines = failed.slice(0, 10).map(({ name, expected, found }) => `${name}: expected ${expected}, found ${found}`)
  const more = failed.length > 10 ? [`… and ${failed.length - 10} more`] : []
  const table = tableNames.features(options.view)
  return new EsteiraError(
    'ESTEIRA_FEATURES_REFUSED',
    `${options.view.name}: ${failed.length} of the checks failed; nothing was published, ${table} is as before\n${[...lines, ...more].join('\n')}`,
    {
      hint: `The refused rows are in ${options.objects.locate(options.stagingKey)}, the report in ${options.objects.locate(options.reportKey)}.\nMend the source, or change the rules of the view in project.ts.`,
      details: { failed: failed.map(({ name, expected, found }) => ({ name, expected, found })) },
    },
  )
}

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
  description: 'checks the staged features and publishes them in one commit; refused rows stay staged with a report',
  async plan({ workspace, resultOf }) {
    const extracted = await resultOf('extract_features')
    const { view } = workspace.project.definition
    return {
      asked: {
        staged: extracted.output,
        extractedAt: extracted.startedAt,
        rules: view.rules,
        freshWithinDays: view.from.freshWithinDays,
        moreRowsThan: view.moreRowsThan,
      },
      read: [],
    }
  },
  async run({ workspace, context, resultOf }) {
    const extracted = extractOutput.parse((await resultOf('extract_features')).output)
    const reportKey = `reports/${context.runId}/validation.json`
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
      signal: context.signal,
    })
    const replaced =
      result.rowsReplaced === 0
        ? ''
        : `, ${result.rowsReplaced.toLocaleString('en-US')} rows of the same dates replaced`
    return {
      summary: [
        `${result.checks.length} checks passed → published, snapshot ${result.snapshotId ?? 'unchanged'}${replaced}`,
      ],
      wrote: { tables: [{ table: result.table, snapshotId: result.snapshotId }], files: [reportKey] },
      counts: { checks: result.checks.length, rowsPublished: result.rowsPublished, rowsReplaced: result.rowsReplaced },
      output: { ...extracted, featureTable: result.table, featureSnapshotId: result.snapshotId },
    }
  },
}
