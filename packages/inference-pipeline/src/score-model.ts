import { join } from 'node:path'
import {
  type ChurnLabel,
  EsteiraError,
  type FeatureView,
  featureDateOf,
  formatTimestamp,
  type Lakehouse,
  type ModelVersion,
  quoteName,
  quoteText,
  type RunContext,
  tableNames,
  type Workspace,
} from '@esteira/core'
import { atRiskPopulation } from '@esteira/lakehouse'
import { readMlmodel } from '@esteira/mlflow'
import { loadModelFolder } from '@esteira/models'
import { predictionsDefinition } from './predictions-table.js'
import { scoreRows } from './score-rows.js'

export interface ScoreOptions {
  readonly workspace: Workspace
  readonly context: RunContext
  /** The version to score with, resolved once by the caller. */
  readonly version: ModelVersion
  readonly features: PublishedFeatures
  /** Tells attempts of one scoring (the same text) from a new scoring at the same time; default the run id. */
  readonly attempt?: string
  /** Key of the Parquet file of predictions; `predictions/<run id>/<model>.parquet` when absent. */
  readonly outputKey?: string
}

/** Features as `validate_features` published them, and the silver rows they were made of. */
export interface PublishedFeatures {
  readonly featureTable: string
  readonly featureSnapshotId: string
  readonly featureVersion: number
  readonly silverTable: string
  readonly silverSnapshotId: string
}

export interface ScoreResult {
  readonly table: string
  readonly snapshotId: string | null
  readonly outputKey: string
  readonly rowsScored: number
  readonly rowsReplaced: number
  readonly positives: number
}

/**
 * Scores the at-risk entities of the run date (an event in the label's horizon before it) with one model version: schema
 * check, the transforms that travel inside the version, a Parquet file, and one commit to `predictions.<model>` that replaces
 * exactly the rows of this scoring time.
 *
 * @throws EsteiraError ESTEIRA_SIGNATURE, ESTEIRA_NO_DATA, ESTEIRA_MODEL_CORRUPT, ESTEIRA_NATIVE_LIBRARY
 */
export async function scoreModel(options: ScoreOptions): Promise<ScoreResult> {
  const { workspace, context, version, features } = options
  const { view, label } = workspace.project.definition
  const lakehouse = await workspace.lakehouse()
  const { registry } = await workspace.mlflow()
  const folder = await registry.modelFolder(version, join(await workspace.scratchFolder(), 'model'))
  const { signature } = await readMlmodel(folder)
  const { xgboostLibrary } = workspace.environment
  const model = await loadModelFolder(folder, xgboostLibrary === undefined ? {} : { xgboostLibrary })
  const outputKey = options.outputKey ?? `predictions/${context.runId}/${version.name}.parquet`
  const scoringTs = BigInt(context.runDate.getTime()) * 1000n
  let positives = 0
  try {
    const select = await atRiskSql(lakehouse, { view, label, features, featureDate: featureDateOf(context) })
    const scored = scoreRows(lakehouse.engine.stream(select, { signal: context.signal }), {
      model,
      modelName: version.name,
      modelVersion: version.version,
      signature: signature?.inputs ?? [],
      entity: view.from.entity.column,
      scoringTs,
      clockMs: () => context.now().getTime(),
    })
    const counted = tap(scored, (rows) => {
      const predictions = rows.columns.get('prediction')
      if (predictions?.type === 'int') for (const prediction of predictions.values) positives += prediction
    })
    const scratchKey = `staging/${context.runId}/scores.parquet`
    const staged = await lakehouse.writeFrames(scratchKey, counted)
    if (staged.rowCount === 0) throw nobodyAtRisk(view, label, featureDateOf(context))
    const rows = await predictionRows(lakehouse, scratchKey, options, scoringTs)
    await lakehouse.writeParquet(outputKey, rows, { signal: context.signal })
    const table = tableNames.predictions(version.name)
    await lakehouse.ensureTable(table, predictionsDefinition(view.from))
    const slice = [{ column: 'scoring_ts', op: '=', value: formatTimestamp(scoringTs) }] as const
    const commit = await lakehouse.replace(table, slice, `SELECT * FROM ${await lakehouse.parquet(outputKey)} AS p`, {
      commitId: `${context.runId}/score_model/v${version.version}/${features.featureSnapshotId}/${options.attempt ?? context.runId}`,
      runId: context.runId,
      signal: context.signal,
    })
    await workspace.objects.delete(scratchKey)
    return {
      table,
      snapshotId: commit.snapshotId ?? null,
      outputKey,
      rowsScored: staged.rowCount,
      rowsReplaced: commit.rowsRemoved,
      positives,
    }
  } finally {
    model.close()
  }
}

/** Features of everybody at risk at the date, ordered by entity. */
export async function atRiskSql(
  lakehouse: Lakehouse,
  of: {
    readonly view: FeatureView
    readonly label: ChurnLabel
    readonly features: PublishedFeatures
    readonly featureDate: string
  },
): Promise<string> {
  const { view, label, features, featureDate } = of
  const table = await lakehouse.relation(features.featureTable, { snapshotId: features.featureSnapshotId })
  const silver = await lakehouse.relation(features.silverTable, { snapshotId: features.silverSnapshotId })
  const entity = quoteName(view.from.entity.column)
  const day = `DATE ${quoteText(featureDate)}`
  const columns = Object.keys(view.features).map((name) => `f.${quoteName(name)}`)
  const population = atRiskPopulation({
    dialect: lakehouse.engine.dialect,
    source: silver,
    entity: view.from.entity.column,
    featureDates: [featureDate],
    horizonDays: label.horizonDays,
  })
  return [
    `SELECT f.${entity}, ${columns.join(', ')} FROM ${table} AS f JOIN (${population}) AS r ON r."entity" = f.${entity}`,
    `WHERE f."feature_date" = ${day} AND f."_feature_version" = ${features.featureVersion} ORDER BY f.${entity}`,
  ].join(' ')
}

async function predictionRows(
  lakehouse: Lakehouse,
  scratchKey: string,
  { context, version, features, workspace }: ScoreOptions,
  scoringTs: bigint,
): Promise<string> {
  const entity = quoteName(workspace.project.definition.view.from.entity.column)
  return [
    `SELECT "prediction_id", ${entity}, TIMESTAMP ${quoteText(formatTimestamp(scoringTs))} AS "scoring_ts",`,
    `DATE ${quoteText(featureDateOf(context))} AS "feature_date", "prediction", "probability",`,
    `${quoteText(version.name)} AS "model_name", CAST(${version.version} AS INTEGER) AS "model_version",`,
    `CAST(${quoteText(features.featureSnapshotId)} AS BIGINT) AS "feature_snapshot_id", "latency_ms", ${quoteText(context.runId)} AS "run_id"`,
    `FROM ${await lakehouse.parquet(scratchKey)} AS p`,
  ].join(' ')
}

function nobodyAtRisk(view: FeatureView, label: ChurnLabel, featureDate: string): EsteiraError {
  return new EsteiraError(
    'ESTEIRA_NO_DATA',
    `${view.name}: nobody is at risk at ${featureDate}: no event in the ${label.horizonDays} days before`,
    {
      hint: 'Check the run date against the data: npx esteira tables show the silver table of the project.',
    },
  )
}

async function* tap<T>(items: AsyncIterable<T>, see: (item: T) => void): AsyncGenerator<T> {
  for await (const item of items) {
    see(item)
    yield item
  }
}
