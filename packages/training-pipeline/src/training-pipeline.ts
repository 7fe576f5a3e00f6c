import {
  EsteiraError,
  type Hyperparameters,
  type ModelVersion,
  type RunContext,
  recencyFeature,
  type Workspace,
} from '@esteira/core'
import { type ModelType, parseHyperparameters, parseModelType } from '@esteira/models'
import type { Evaluation } from './evaluate-model.js'
import { readTable, type TableSource } from './read-table.js'
import type { TrainedModel } from './train-model.js'
import { evaluateAndLog, registerVersion, trainAndLog } from './training-run.js'
import type { TrainingSet } from './training-set.js'

export interface TrainingPipelineOptions {
  readonly workspace: Workspace
  readonly context: RunContext
  /** MLflow experiment; default the project's name. */
  readonly experimentName?: string
  /** Name in the registry; default the project's model name. */
  readonly modelName?: string
}

export interface TrainingRequest {
  /** Rows to learn from, one of three: a set that was built, … */
  readonly set?: TrainingSet
  /** … a Parquet or CSV file of any ready table, … */
  readonly featuresPath?: string
  /** … or a SELECT in Athena's dialect over the lakehouse. */
  readonly query?: string
  /** Column to predict, for a file or a query; default the project's label. */
  readonly target?: string
  readonly positive?: string
  readonly modelType?: string
  readonly hyperparameters?: Hyperparameters
  /** Register the model as a new version. Promotion is a separate decision. */
  readonly registerModel?: boolean
  readonly featureVersion?: string
}

export interface TrainingReport {
  readonly modelName: string
  readonly modelType: ModelType
  readonly mlflowRunId: string
  readonly modelUri: string
  readonly set: TrainingSet
  readonly trained: TrainedModel
  readonly evaluation: Evaluation
  readonly version?: ModelVersion
}

/**
 * Load → prepare → split → train → evaluate → register, in one process. The class of the requirements; the container steps call
 * the same functions one by one.
 *
 * @example
 * const pipeline = new TrainingPipeline({ workspace, context, experimentName: 'churn' })
 * const { evaluation } = await pipeline.run({ featuresPath: 'features.parquet', target: 'churned', modelType: 'xgboost' })
 */
export class TrainingPipeline {
  readonly #options: TrainingPipelineOptions

  constructor(options: TrainingPipelineOptions) {
    this.#options = options
  }

  /** @throws EsteiraError ESTEIRA_MODEL_TYPE, ESTEIRA_HYPERPARAMETER, ESTEIRA_TARGET and those of reading the rows */
  async run(request: TrainingRequest): Promise<TrainingReport> {
    const { workspace, context } = this.#options
    const { definition, name } = workspace.project
    const modelType = parseModelType(request.modelType ?? definition.model.type)
    // The project's parameters belong to its own algorithm.
    const ofProject = modelType === definition.model.type ? definition.model.hyperparameters : {}
    const hyperparameters = { ...ofProject, ...request.hyperparameters }
    parseHyperparameters(modelType, hyperparameters)
    const set = request.set ?? (await this.#readRows(request))
    for (const note of set.notes) context.logger.info(note)
    const job = {
      workspace,
      context,
      experiment: this.#options.experimentName ?? name,
      modelName: this.#options.modelName ?? definition.modelName ?? name,
      modelType,
      hyperparameters,
      set,
      ...(request.featureVersion !== undefined && { featureVersion: request.featureVersion }),
    }
    const { trained, mlflowRunId, folder } = await trainAndLog(job)
    trained.classifier.close()
    const gain = trained.featureImportance['gain'] ?? {}
    const { evaluation, modelId, artifactUri } = await evaluateAndLog({ ...job, mlflowRunId, folder, gain })
    const report = {
      modelName: job.modelName,
      modelType,
      mlflowRunId,
      modelUri: `models:/${modelId}`,
      set,
      trained,
      evaluation,
    }
    if (request.registerModel !== true) return report
    const version = await registerVersion({
      ...job,
      dataVersion: set.digest,
      gatesPassed: evaluation.passed,
      mlflowRunId,
      modelId,
      artifactUri,
      ...(set.testDate !== undefined && { labelsEnd: set.testDate }),
    })
    return { ...report, version }
  }

  async #readRows(request: TrainingRequest): Promise<TrainingSet> {
    const { workspace, context } = this.#options
    const { label, view } = workspace.project.definition
    const recency = recencyFeature(view)
    return readTable({
      lakehouse: await workspace.lakehouse(),
      from: this.#sourceOf(request),
      target: request.target ?? label.name,
      horizonDays: label.horizonDays,
      entity: view.from.entity.column,
      ...(recency !== undefined && { recency }),
      seed: context.seed,
      signal: context.signal,
      ...(request.positive !== undefined && { positive: request.positive }),
    })
  }

  #sourceOf({ featuresPath, query }: TrainingRequest): TableSource {
    const { workspace, context } = this.#options
    if (featuresPath !== undefined && query === undefined) return { path: featuresPath }
    if (query !== undefined && featuresPath === undefined) {
      const { objects } = workspace
      return { query, objects, scratchKey: `staging/${context.runId}/training-set.parquet` }
    }
    throw new EsteiraError('ESTEIRA_USAGE', 'rows to learn from: expected one of set, featuresPath and query', {
      hint: "Give a file, a SELECT in Athena's dialect, or the training set of a project.",
    })
  }
}
