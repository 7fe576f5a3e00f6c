import { EsteiraError } from '@esteira/core'
import type { LabelledMatrix, TrainingOutcome, TrainingProgress } from './classifier.js'
import { checkFeatureNames } from './feature-matrix.js'
import { parseHyperparameters } from './hyperparameters.js'
import { trainLogistic } from './logistic/train-logistic.js'
import type { ModelType } from './model-type.js'
import { trainNeural } from './neural/train-neural.js'
import { trainSmallForest } from './small-forest/train-small-forest.js'
import { trainBoosting, trainForest } from './xgboost/train-xgboost.js'
import type { XgboostOptions } from './xgboost/tree-classifier.js'

export interface TrainOptions extends TrainingProgress, XgboostOptions {
  readonly modelType: ModelType
  /** As people write them; checked by {@link parseHyperparameters}. */
  readonly hyperparameters?: unknown
  readonly training: LabelledMatrix
  /** Rows that early stopping watches; the model never learns from them. */
  readonly validation?: LabelledMatrix
  /** The same seed and the same rows give the same model bytes. */
  readonly seed: number
}

/**
 * Trains a binary classifier.
 *
 * @throws EsteiraError `ESTEIRA_HYPERPARAMETER` for an unknown or impossible hyperparameter, `ESTEIRA_TARGET` when the
 * labels are not both classes of 0 and 1, `ESTEIRA_NO_DATA` without rows, `ESTEIRA_INTERRUPTED` when the signal ends it,
 * `ESTEIRA_NATIVE_LIBRARY` when libxgboost is missing.
 * @example
 * const { classifier, rounds } = await train({ modelType: 'xgboost', training: { matrix, labels }, seed: 7 })
 */
export async function train(options: TrainOptions): Promise<TrainingOutcome> {
  const { modelType, training, validation } = options
  checkRows('training', training)
  checkClasses(training)
  if (validation !== undefined) {
    checkRows('validation', validation)
    checkFeatureNames(training.matrix.names, validation.matrix)
  }
  switch (modelType) {
    case 'xgboost':
      return trainBoosting(options, parseHyperparameters(modelType, options.hyperparameters))
    case 'random_forest':
      return trainForest(options, parseHyperparameters(modelType, options.hyperparameters))
    case 'neural_network':
      checkFilled(training, modelType)
      return trainNeural(options, parseHyperparameters(modelType, options.hyperparameters))
    case 'logistic_regression':
      checkFilled(training, modelType)
      return trainLogistic(options, parseHyperparameters(modelType, options.hyperparameters))
    case 'ml_random_forest':
      checkFilled(training, modelType)
      return trainSmallForest(options, parseHyperparameters(modelType, options.hyperparameters))
  }
}

function checkRows(part: string, { matrix, labels }: LabelledMatrix): void {
  const { rows, names, values } = matrix
  if (rows === 0 || names.length === 0) {
    throw new EsteiraError('ESTEIRA_NO_DATA', `the ${part} part has ${rows} rows and ${names.length} columns`, {
      hint: 'Widen the dates, or look which rows and columns were left out and why.',
    })
  }
  if (labels.length !== rows || values.length !== rows * names.length) {
    throw new EsteiraError(
      'ESTEIRA_INTERNAL',
      `the ${part} part has ${rows} rows of ${names.length} columns, but ${labels.length} labels and ${values.length} values`,
    )
  }
}

/** Trees of XGBoost send a missing value down a learned branch; the other algorithms calculate with it. */
function checkFilled({ matrix }: LabelledMatrix, modelType: ModelType): void {
  const at = matrix.values.findIndex((value) => !Number.isFinite(value))
  if (at === -1) return
  const name = matrix.names[at % matrix.names.length]
  throw new EsteiraError('ESTEIRA_FEATURES_REFUSED', `column "${name}" has a missing value; ${modelType} takes none`, {
    hint: `Transform the rows with FeatureTransformer.forModel('${modelType}'), which fills missing values.`,
    details: { column: name, row: Math.floor(at / matrix.names.length), modelType },
  })
}

function checkClasses({ labels }: LabelledMatrix): void {
  let positives = 0
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row]
    if (label === 1) positives++
    else if (label !== 0) {
      throw new EsteiraError('ESTEIRA_TARGET', `the target of training row ${row} is ${label}; expected 0 or 1`)
    }
  }
  if (positives > 0 && positives < labels.length) return
  const only = positives === 0 ? 0 : 1
  throw new EsteiraError('ESTEIRA_TARGET', `the target has one class: all ${labels.length} training rows are ${only}`, {
    hint: 'A classifier needs rows of both classes. Check the label, its positive value and the dates.',
    details: { rows: labels.length, positives },
  })
}
