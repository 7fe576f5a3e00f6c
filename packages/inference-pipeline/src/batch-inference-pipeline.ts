import { EsteiraError, type RunContext, type Workspace } from '@esteira/core'
import { resolveModel } from '@esteira/mlflow'
import { type PublishedFeatures, type ScoreResult, scoreModel } from './score-model.js'

export interface BatchInferenceOptions {
  readonly workspace: Workspace
  readonly context: RunContext
  readonly modelName: string
  /** `production`, `staging`, a stage of old (`Production`), `latest` or a version number. */
  readonly modelStage: string
}

export interface InferenceRequest {
  /** Features to score; from {@link PublishedFeatures} of a feature pipeline. */
  readonly inputData: PublishedFeatures
  /** Key of the Parquet file of predictions. */
  readonly outputPath?: string
}

/**
 * Scores with a registered model. The class of the requirements; the step `score_model` calls the same function.
 *
 * @example
 * await new BatchInferencePipeline({ workspace, context, modelName: 'churn', modelStage: 'production' }).run({ inputData })
 */
export class BatchInferencePipeline {
  readonly #options: BatchInferenceOptions

  constructor(options: BatchInferenceOptions) {
    this.#options = options
  }

  /** @throws EsteiraError ESTEIRA_MODEL_MISSING, ESTEIRA_SIGNATURE, ESTEIRA_NO_DATA */
  async run({ inputData, outputPath }: InferenceRequest): Promise<ScoreResult> {
    const { workspace, context, modelName, modelStage } = this.#options
    if (modelName === '') throw new EsteiraError('ESTEIRA_USAGE', 'modelName is empty')
    const { registry } = await workspace.mlflow()
    const isAlias = /^[a-z]/.test(modelStage) && modelStage !== 'latest'
    // Resolved once: what is promoted while this run scores waits for the next one.
    const version = await resolveModel(registry, `${modelName}${isAlias ? '@' : '/'}${modelStage}`)
    return scoreModel({
      workspace,
      context,
      version,
      features: inputData,
      ...(outputPath !== undefined && { outputKey: outputPath }),
    })
  }
}
