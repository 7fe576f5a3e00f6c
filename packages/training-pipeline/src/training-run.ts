import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { featureDateOf, type ModelVersion, type RunContext, type Workspace } from '@esteira/core'
import { loadModelFolder, type ModelType, type ScoringModel, saveModelFolder } from '@esteira/models'
import { type Evaluation, evaluateModel, findLive, LABELS_END_TAG } from './evaluate-model.js'
import { writeModelArtifact } from './model-artifact.js'
import { modelCard } from './model-card.js'
import { promotionTarget } from './promote.js'
import { logEvaluation, logTraining, startRun } from './track-run.js'
import { type TrainedModel, trainModel } from './train-model.js'
import type { TrainingSet } from './training-set.js'

/** One training as MLflow sees it, from the rows to a logged model. */
export interface TrainingJob {
  readonly workspace: Workspace
  readonly context: RunContext
  readonly experiment: string
  readonly modelName: string
  readonly modelType: ModelType
  readonly hyperparameters: Readonly<Record<string, unknown>>
  readonly set: TrainingSet
  readonly featureVersion?: string
}

export interface TrackedTraining {
  readonly trained: TrainedModel
  readonly mlflowRunId: string
  /** Folder holding the trained model and its transformer. */
  readonly folder: string
}

/** Trains, logs the training to a new MLflow run (left running for the evaluation) and saves the model to a local folder. */
export async function trainAndLog(job: TrainingJob): Promise<TrackedTraining> {
  const { workspace, context, set, modelType, hyperparameters } = job
  const { tracking } = await workspace.mlflow()
  const { environment, project } = workspace
  const run = await startRun({
    tracking,
    experiment: job.experiment,
    runId: context.runId,
    project: project.name,
    modelType,
    dataVersion: set.digest,
    runDate: context.runDate.toISOString(),
    now: context.now(),
    logger: context.logger,
    ...(job.featureVersion !== undefined && { featureVersion: job.featureVersion }),
    ...(environment.gitCommit !== undefined && { gitCommit: environment.gitCommit }),
    ...(environment.user !== undefined && { user: environment.user }),
  })
  try {
    const trained = await trainModel({
      set,
      modelType,
      hyperparameters,
      seed: context.seed,
      logger: context.logger,
      signal: context.signal,
      ...(environment.xgboostLibrary !== undefined && { xgboostLibrary: environment.xgboostLibrary }),
    })
    await logTraining(tracking, run.runId, {
      set,
      trained,
      modelType,
      hyperparameters,
      seed: context.seed,
      now: context.now(),
    })
    const folder = join(await workspace.scratchFolder(), 'trained')
    await mkdir(folder, { recursive: true })
    await saveModelFolder(folder, trained)
    return { trained, mlflowRunId: run.runId, folder }
  } catch (error) {
    await tracking.finishRun(run.runId, context.signal.aborted ? 'KILLED' : 'FAILED')
    throw error
  }
}

export interface EvaluatedTraining {
  readonly evaluation: Evaluation
  readonly modelId: string
  readonly artifactUri: string
}

/** Judges the trained folder on the test part, logs metrics and the complete model folder, and finishes the MLflow run. */
export async function evaluateAndLog(
  job: TrainingJob & {
    readonly mlflowRunId: string
    readonly folder: string
    readonly gain: Readonly<Record<string, number>>
  },
): Promise<EvaluatedTraining> {
  const { workspace, context, mlflowRunId } = job
  const { tracking } = await workspace.mlflow()
  const { xgboostLibrary } = workspace.environment
  const library = xgboostLibrary === undefined ? {} : { xgboostLibrary }
  let model: ScoringModel | undefined
  try {
    model = await loadModelFolder(job.folder, library)
    const evaluation = await evaluate(job, model)
    await logEvaluation(tracking, mlflowRunId, evaluation, context.now())
    const logged = await logModel(job, evaluation, model)
    await tracking.finishRun(mlflowRunId, 'FINISHED')
    return { evaluation, ...logged }
  } catch (error) {
    await tracking.finishRun(mlflowRunId, context.signal.aborted ? 'KILLED' : 'FAILED')
    throw error
  } finally {
    model?.close()
  }
}

async function evaluate({ workspace, context, set, modelName }: TrainingJob, model: ScoringModel): Promise<Evaluation> {
  const { registry } = await workspace.mlflow()
  const { xgboostLibrary, stage } = workspace.environment
  const cacheFolder = join(await workspace.scratchFolder(), 'live')
  const live = await findLive(registry, modelName, { alias: promotionTarget(stage).alias, cacheFolder })
  return evaluateModel({
    set,
    predict: (rows) => model.predict(rows),
    gates: workspace.project.definition.gates,
    seed: context.seed,
    signal: context.signal,
    ...(xgboostLibrary !== undefined && { xgboostLibrary }),
    ...(live && { live }),
  })
}

async function logModel(
  job: TrainingJob & {
    readonly mlflowRunId: string
    readonly folder: string
    readonly gain: Readonly<Record<string, number>>
  },
  evaluation: Evaluation,
  model: ScoringModel,
): Promise<{ readonly modelId: string; readonly artifactUri: string }> {
  const { workspace, context, set, modelType } = job
  const { tracking } = await workspace.mlflow()
  const { config, name } = workspace.project
  const card = modelCard({
    modelName: job.modelName,
    modelType,
    description: config.description,
    owner: config.owners.techOwner ?? '',
    hyperparameters: job.hyperparameters,
    rounds: model.classifier.describe().rounds,
    set,
    evaluation,
    featureImportance: job.gain,
    createdAt: context.now(),
    runId: context.runId,
    ...(workspace.environment.gitCommit !== undefined && { gitCommit: workspace.environment.gitCommit }),
  })
  const metadata = {
    project: name,
    model_type: modelType,
    data_version: set.digest,
    run_date: featureDateOf(context),
    seed: context.seed,
  }
  return tracking.logModel(job.mlflowRunId, {
    name: job.modelName,
    modelType,
    tags: { data_version: set.digest },
    writeFolder: (folder, identity) =>
      writeModelArtifact(
        folder,
        {
          modelType,
          trainedFolder: job.folder,
          inputs: model.transformer.inputs.map(({ name }) => name),
          set,
          evaluation,
          card,
          metadata,
          createdAt: context.now(),
        },
        identity,
      ),
  })
}

/** Registers the logged model as a new version; the same MLflow run registers once. */
export async function registerVersion(
  job: Pick<TrainingJob, 'workspace' | 'context' | 'modelName' | 'modelType' | 'featureVersion'> & {
    readonly dataVersion: string
    readonly labelsEnd?: string
    readonly gatesPassed: boolean
    readonly mlflowRunId: string
    readonly modelId: string
    readonly artifactUri: string
  },
): Promise<ModelVersion> {
  const { registry } = await job.workspace.mlflow()
  await registry.ensureModel(job.modelName, job.workspace.project.config.description)
  const known = (await registry.versions(job.modelName)).find(({ runId }) => runId === job.mlflowRunId)
  if (known !== undefined) return known
  return registry.createVersion({
    name: job.modelName,
    source: job.artifactUri,
    runId: job.mlflowRunId,
    modelId: job.modelId,
    tags: {
      model_type: job.modelType,
      data_version: job.dataVersion,
      'esteira.run_id': job.context.runId,
      'esteira.gates': job.gatesPassed ? 'passed' : 'failed',
      ...(job.featureVersion !== undefined && { feature_version: job.featureVersion }),
      ...(job.labelsEnd !== undefined && { [LABELS_END_TAG]: job.labelsEnd }),
    },
  })
}
