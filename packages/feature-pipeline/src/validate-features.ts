import {
  EsteiraError,
  type FeatureView,
  type Lakehouse,
  type ObjectStore,
  type SliceCondition,
  tableNames,
  toRows,
} from '@esteira/core'
import { featureTableDefinition, writeFeatureStatistics } from '@esteira/lakehouse'
import type { FeatureCheck } from './feature-check.js'
import { checkFeatures } from './feature-checks.js'
import type { ReferenceTables } from './references.js'
import { holdStaged } from './staged-hold.js'
import { checkLine, failedChecks, storeReport, textKeyOf } from './validation-report.js'

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
  /** Key of the validation report; the same with `.txt` is for people. */
  readonly reportKey: string
  /** Where `references` rules look; needed only by views that have some. */
  readonly references?: ReferenceTables
  /** Default: made of the run, the view and the time the batch was staged, so that a retry publishes once. */
  readonly commitId?: string
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
 * Checks a staged batch and publishes it in one commit that replaces exactly its dates of this feature version: the only way into
 * a feature table, for a run, a backfill or a notebook. A refused batch stays staged; the report names each check, what it found and
 * the first rows that broke it.
 *
 * @throws EsteiraError ESTEIRA_FEATURES_REFUSED with the failed checks; the table and its snapshot are as before
 */
export async function validateFeatures(options: ValidateOptions): Promise<PublishResult> {
  const { view, lakehouse, objects, featureDates, featureVersion } = options
  await holdStaged(objects, options.stagingKey)
  const staged = await lakehouse.parquet(options.stagingKey)
  const { rowCount, checks } = await checkFeatures(view, { ...options, staged })
  const { errors } = failedChecks(checks)
  await storeReport(objects, options.reportKey, {
    view: view.name,
    runId: options.runId,
    stagingKey: options.stagingKey,
    featureDates,
    rows: rowCount,
    passed: errors.length === 0,
    checks,
  })
  if (errors.length > 0) throw refused(options, errors)
  const table = tableNames.features(view)
  await lakehouse.ensureTable(table, featureTableDefinition(view))
  const slice: readonly SliceCondition[] = [
    { column: 'feature_date', op: 'in', value: featureDates },
    { column: '_feature_version', op: '=', value: featureVersion },
  ]
  const commitId = options.commitId ?? (await commitIdOf(options, staged))
  // The commit point: before it readers see the rows of before, after it all of the batch.
  const commit = await lakehouse.replace(table, slice, `SELECT * FROM ${staged} AS s`, {
    commitId,
    runId: options.runId,
    ...(options.signal && { signal: options.signal }),
  })
  // A failure from here on leaves statistics missing; the same batch again publishes nothing twice and writes them.
  await writeFeatureStatistics({ ...options, rows: staged, commitId: `${commitId}/statistics` })
  return {
    table,
    snapshotId: commit.snapshotId ?? null,
    checks,
    rowsPublished: commit.rowsAdded,
    rowsReplaced: commit.rowsRemoved,
  }
}

/** Same run, same staging time, same commit: a retry after a lost answer publishes once. */
async function commitIdOf({ lakehouse, runId, view }: ValidateOptions, staged: string): Promise<string> {
  const sql = `SELECT CAST(max("_created_at") AS VARCHAR) AS "at", count(*) AS "rows" FROM ${staged} AS s`
  const [row] = toRows(await lakehouse.engine.query(sql))
  return `${runId}/validate_features/${view.name}/${row?.['at']}/${row?.['rows']}`
}

function refused(options: ValidateOptions, failed: readonly FeatureCheck[]): EsteiraError {
  const lines = failed.slice(0, 10).map(checkLine)
  const more = failed.length > 10 ? [`… and ${failed.length - 10} more`] : []
  const table = tableNames.features(options.view)
  const { objects, stagingKey, reportKey } = options
  return new EsteiraError(
    'ESTEIRA_FEATURES_REFUSED',
    `${options.view.name}: ${failed.length} of the checks failed; nothing was published, ${table} is as before\n${[...lines, ...more].join('\n')}`,
    {
      hint: `The refused rows are in ${objects.locate(stagingKey)}, the report in ${objects.locate(reportKey)}, for people in ${objects.locate(textKeyOf(reportKey))}.\nMend the source, or change the rules of the view in project.ts.`,
      details: { failed: failed.map(({ name, expected, found }) => ({ name, expected, found })) },
    },
  )
}
