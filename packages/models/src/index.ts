export type {
  Classifier,
  LabelledMatrix,
  RoundMetrics,
  TrainingOutcome,
  TrainingProgress,
} from './classifier.js'
export type { FeatureMatrix } from './feature-matrix.js'
export { type DroppedColumn, FeatureTransformer, type TransformerOptions } from './feature-transformer.js'
export { type Hyperparameters, hyperparameterNames, parseHyperparameters } from './hyperparameters.js'
export { loadClassifier } from './load-classifier.js'
export { DEFAULT_THRESHOLD, type ModelDescription } from './model-description.js'
export {
  loadModelFolder,
  type ModelParts,
  type Predictions,
  type ScoringModel,
  saveModelFolder,
} from './model-folder.js'
export { MODEL_TYPES, type ModelType, parseModelType } from './model-type.js'
export { type PythonFlavorVersions, pythonFlavors, pythonRequirements } from './python-flavors.js'
export { type TrainOptions, train } from './train.js'
export { type FindXgboostOptions, findXgboost, XGBOOST_VERSION } from './xgboost/find-xgboost.js'
export type { XgboostOptions } from './xgboost/tree-classifier.js'
