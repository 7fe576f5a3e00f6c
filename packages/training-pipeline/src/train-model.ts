import { type Frame, type Logger, takeRows } from '@esteira/core'
import { type Classifier, FeatureTransformer, type ModelType, type TrainingOutcome, train } from '@esteira/models'
import { type BinaryEvaluation, evaluateBinary } from '@esteira/statistics'
import type { TrainingSet } from './training-set.js'

export interface TrainModelOptions {
  readonly set: TrainingSet
  readonly modelType: ModelType
  readonly hyperparameters: Readonly<Record<string, unknown>>
  readonly seed: number
  readonly xgboostLibrary?: string
  readonly logger?: Logger
  readonly signal?: AbortSignal
}

/** A model chosen on the validation part and fitted again on all rows that may be learnt from. */
export interface TrainedModel {
  readonly classifier: Classifier
  /** Fitted on the training part only: validation and test rows never touch it. */
  readonly transformer: FeatureTransformer
  /** Rounds, trees or epochs the final fit ran. */
  readonly rounds: number
  /** Metrics per round while choosing. */
  readonly history: Readonly<Record<string, readonly number[]>>
  readonly featureImportance: TrainingOutcome['featureImportance']
  /** The model of the choosing round on the validation rows. */
  readonly validation: BinaryEvaluation
  /** The final model on the rows it learnt from. */
  readonly training: BinaryEvaluation
}

/**
 * Chooses on train and validation (early stopping where the algorithm has it), then fits once more on the final-fit part with
 * what was chosen. A seed gives the same model bytes twice.
 *
 * @throws EsteiraError ESTEIRA_TARGET, ESTEIRA_HYPERPARAMETER, ESTEIRA_MODEL_TYPE, ESTEIRA_NATIVE_LIBRARY, ESTEIRA_INTERRUPTED
 */
export async function trainModel(options: TrainModelOptions): Promise<TrainedModel> {
  const { set, modelType, hyperparameters, seed, signal, logger } = options
  const part = (rows: Int32Array) => ({ frame: takeRows(set.features, rows), labels: pick(set.labels, rows) })
  const choosing = part(set.parts.train)
  const validation = part(set.parts.validation)
  const transformer = FeatureTransformer.forModel(modelType).fit(choosing.frame)
  const matrixOf = ({ frame, labels }: { readonly frame: Frame; readonly labels: Uint8Array }) => ({
    matrix: transformer.transform(frame),
    labels,
  })
  const common = {
    modelType,
    seed,
    ...(signal && { signal }),
    ...(options.xgboostLibrary !== undefined && { xgboostLibrary: options.xgboostLibrary }),
  }
  const chosen = await train({
    ...common,
    hyperparameters,
    training: matrixOf(choosing),
    validation: matrixOf(validation),
    onProgress: (round, total) => logger?.progress(`choosing ${modelType}`, round, total),
  })
  const validated = evaluateBinary(
    validation.labels,
    chosen.classifier.predictProbability(transformer.transform(validation.frame)),
  )
  chosen.classifier.close()
  const finalPart = matrixOf(part(set.parts.finalFit))
  const fitted = await train({
    ...common,
    hyperparameters: finalHyperparameters(modelType, hyperparameters, chosen.rounds),
    training: finalPart,
    onProgress: (round, total) => logger?.progress(`fitting ${modelType}`, round, total),
  })
  return {
    classifier: fitted.classifier,
    transformer,
    rounds: fitted.rounds,
    history: chosen.history,
    featureImportance: fitted.featureImportance,
    validation: validated,
    training: evaluateBinary(finalPart.labels, fitted.classifier.predictProbability(finalPart.matrix)),
  }
}

/** Without validation rows nothing stops early: the final fit runs the chosen number of rounds. */
function finalHyperparameters(
  modelType: ModelType,
  hyperparameters: Readonly<Record<string, unknown>>,
  rounds: number,
): Readonly<Record<string, unknown>> {
  if (modelType === 'xgboost') return { ...hyperparameters, n_estimators: rounds }
  if (modelType === 'neural_network') return { ...hyperparameters, epochs: rounds }
  return hyperparameters
}

/** The labels of the rows. */
export function pick(labels: Uint8Array, rows: Int32Array): Uint8Array {
  return Uint8Array.from(rows, (row) => labels[row] ?? 0)
}
