import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import {
  type Column,
  columnOf,
  EsteiraError,
  type Feature,
  type Frame,
  type Hyperparameters,
  type Logger,
  monthsBetween,
  type ProjectDefinition,
  type RunContext,
  type ScanOptions,
  silentLogger,
  tableNames,
  type Workspace,
} from '@esteira/core'
import { silverKnownAt } from '@esteira/feature-pipeline'
import {
  atRiskPopulation,
  compileFeatureView,
  ensureFeatureVersion,
  type FeatureStore,
  openFeatureStore,
} from '@esteira/lakehouse'
import { resolveModel } from '@esteira/mlflow'
import { loadModelFolder } from '@esteira/models'
import {
  buildTrainingSet,
  readTrainingSet,
  TrainingPipeline,
  type TrainingReport,
  type TrainingSet,
} from '@esteira/training-pipeline'
import { readEnvironment } from './environment.js'
import { checkDay, checkRange, valuesOf } from './lab-arguments.js'
import { openDrivers } from './open-workspace.js'
import { parseRunDate, today } from './run-date.js'

export interface WorkspaceOptions<P> {
  /** The project's own default export: gives the columns their types. */
  readonly project?: P
  /** Takes the place of `ESTEIRA_HOME`. */
  readonly home?: string
  readonly logger?: Logger
  /** Labels are mature up to this date; default today. */
  readonly runDate?: string
}

type FeaturesOf<P> = P extends ProjectDefinition<infer F> ? F : Record<string, Feature>

type ArrayOf<F> =
  F extends Feature<infer T>
    ? T extends 'integer'
      ? Int32Array
      : T extends 'bigint'
        ? BigInt64Array
        : T extends 'double'
          ? Float64Array
          : readonly string[]
    : never

/** Columns of a result by name, as typed arrays; a misspelt name does not compile when the project's type is known. */
interface Columns<Features> {
  readonly rowCount: number
  readonly frame: Frame
  column<Name extends keyof Features & string>(name: Name): ArrayOf<Features[Name]>
}

export interface LabTrainingSet<P> extends Columns<FeaturesOf<P>> {
  readonly labels: Uint8Array
  readonly digest: string
  readonly set: TrainingSet
}

export interface LabScores {
  readonly rowCount: number
  readonly frame: Frame
  readonly modelVersion: number
  column(name: 'probability'): Float64Array
  column(name: 'prediction'): Int32Array
  column(name: 'entity'): readonly string[]
}

/** A project opened in a notebook or a program. */
export interface Lab<P = ProjectDefinition> {
  /** The drivers behind it, for {@link TrainingPipeline} and the other pipelines. */
  readonly workspace: Workspace
  readonly context: RunContext
  /** The feature store: training sets of any rows and views, the latest features of some entities. */
  features(): Promise<FeatureStore>
  /** The rows to learn from: published features of the first days of months in the range, joined to labels. */
  trainingSet(range: { readonly from: string; readonly to: string }): Promise<LabTrainingSet<P>>
  /** Trains, evaluates and logs to MLflow; registers when asked. */
  train(
    set: LabTrainingSet<P>,
    options?: { readonly modelType?: string; readonly hyperparameters?: Hyperparameters; readonly register?: boolean },
  ): Promise<TrainingReport>
  /** Scores everybody at risk at a date with a version such as `churn@production`; nothing is written. */
  predict(model: string, options: { readonly asOf: string }): Promise<LabScores>
  /** The rows of a table in pieces of typed arrays; memory does not grow with the table. */
  scan(table: string, options?: ScanOptions): AsyncIterable<Frame>
  close(): Promise<void>
}

/**
 * Opens a project folder for work in TypeScript. The environment chooses the drivers, as it does for the steps.
 *
 * @throws EsteiraError ESTEIRA_PROJECT, ESTEIRA_CONFIG
 * @example
 * const lab = await openWorkspace('projects/churn')
 * const set = await lab.trainingSet({ from: '2025-01-01', to: '2025-10-01' })
 * const { evaluation } = await lab.train(set)
 */
export async function openWorkspace<P extends ProjectDefinition = ProjectDefinition>(
  folder: string,
  options: WorkspaceOptions<P> = {},
): Promise<Lab<P>> {
  const logger = options.logger ?? silentLogger
  const environment = readEnvironment({
    ...process.env,
    ...(options.home !== undefined && { ESTEIRA_HOME: options.home }),
  })
  const workspace = await openDrivers(folder, { environment, logger })
  const runDate = parseRunDate(options.runDate ?? today(new Date()))
  const context: RunContext = {
    runId: `lab-${randomUUID().slice(0, 8)}`,
    runDate,
    seed: workspace.project.definition.seed,
    logger,
    signal: new AbortController().signal,
    now: () => new Date(),
    newId: randomUUID,
  }
  return {
    workspace,
    context,
    features: () => featureStore(workspace),
    trainingSet: (range) => trainingSet<P>(workspace, context, range),
    train: ({ set }, request = {}) => {
      const { register, ...rest } = request
      // Every training of a notebook is a run of its own.
      const run = { ...context, runId: `lab-${randomUUID().slice(0, 8)}` }
      return new TrainingPipeline({ workspace, context: run }).run({ ...rest, set, registerModel: register ?? false })
    },
    predict: (model, { asOf }) => predict(workspace, context, model, asOf),
    async *scan(table, options) {
      yield* (await workspace.lakehouse()).scan(table, options)
    },
    close: () => workspace.close(),
  }
}

async function featureStore(workspace: Workspace): Promise<FeatureStore> {
  const lakehouse = await workspace.lakehouse()
  const project = workspace.project.name
  return openFeatureStore({
    lakehouse,
    objects: workspace.objects,
    newId: randomUUID,
    now: () => new Date(),
    sourceKnownAt: (source, knownAt) => silverKnownAt({ project, source, lakehouse, knownAt }),
  })
}

async function published(workspace: Workspace, context: RunContext) {
  const { definition, name, folder } = workspace.project
  const lakehouse = await workspace.lakehouse()
  const featureTable = tableNames.features(definition.view)
  const silverTable = tableNames.silver(name, definition.view.from)
  const features = await lakehouse.table(featureTable)
  const silver = await lakehouse.table(silverTable)
  if (silver?.snapshotId === undefined) {
    throw new EsteiraError('ESTEIRA_TABLE_MISSING', `${silverTable} holds nothing yet`, {
      hint: `Run a workflow first: npx esteira run training --project ${folder}`,
    })
  }
  const { version } = await ensureFeatureVersion(workspace.objects, definition.view, context.now())
  return {
    lakehouse,
    featureTable,
    featureSnapshotId: features?.snapshotId,
    silverTable,
    silverSnapshotId: silver.snapshotId,
    featureVersion: version,
  }
}

async function trainingSet<P>(
  workspace: Workspace,
  context: RunContext,
  range: { readonly from: string; readonly to: string },
): Promise<LabTrainingSet<P>> {
  const { featureSnapshotId, ...from } = await published(workspace, context)
  const { definition, folder } = workspace.project
  if (featureSnapshotId === undefined) {
    throw new EsteiraError('ESTEIRA_TABLE_MISSING', `${from.featureTable} holds nothing yet`, {
      hint: `Run a workflow first: npx esteira run training --project ${folder}`,
    })
  }
  const manifest = await buildTrainingSet({
    ...from,
    featureSnapshotId,
    objects: workspace.objects,
    view: definition.view,
    label: definition.label,
    featureDates: monthsBetween(...checkRange(range)),
    runDay: context.runDate.toISOString().slice(0, 10),
    scratchKey: `staging/${context.runId}/training-set.parquet`,
  })
  const set = await readTrainingSet(from.lakehouse, workspace.objects, manifest.digest)
  return {
    rowCount: set.features.rowCount,
    frame: set.features,
    labels: set.labels,
    digest: set.digest,
    set,
    column: (name) => valuesOf(set.features, name) as never,
  }
}

async function predict(workspace: Workspace, context: RunContext, model: string, asOf: string): Promise<LabScores> {
  const day = checkDay('asOf', asOf)
  const { lakehouse, silverTable, silverSnapshotId } = await published(workspace, context)
  const { registry } = await workspace.mlflow()
  const version = await resolveModel(registry, model)
  const folder = await registry.modelFolder(
    version,
    join(await workspace.scratchFolder(), `${version.name}-${version.version}`),
  )
  const { view, label } = workspace.project.definition
  const source = await lakehouse.relation(silverTable, { snapshotId: silverSnapshotId })
  const select = compileFeatureView(view, { dialect: lakehouse.engine.dialect, source, featureDates: [day] })
  const entity = view.from.entity.column
  const population = atRiskPopulation({
    dialect: lakehouse.engine.dialect,
    source,
    entity,
    featureDates: [day],
    horizonDays: label.horizonDays,
  })
  const frame = await lakehouse.engine.query(
    `SELECT * FROM (${select}) AS f WHERE f."${entity}" IN (SELECT "entity" FROM (${population}) AS p) ORDER BY f."${entity}"`,
  )
  const { xgboostLibrary } = workspace.environment
  const scoring = await loadModelFolder(folder, xgboostLibrary === undefined ? {} : { xgboostLibrary })
  try {
    const { prediction, probability } = scoring.predict(frame)
    const columns = new Map<string, Column>([
      ['entity', columnOf(frame, entity)],
      ['probability', { type: 'double', values: probability }],
      ['prediction', { type: 'int', values: Int32Array.from(prediction) }],
    ])
    const scores: Frame = { rowCount: frame.rowCount, columns }
    return {
      rowCount: frame.rowCount,
      frame: scores,
      modelVersion: version.version,
      column: (name: string) => valuesOf(scores, name) as never,
    }
  } finally {
    scoring.close()
  }
}
