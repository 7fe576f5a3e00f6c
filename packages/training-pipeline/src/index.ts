export { type BuildOptions, buildTrainingSet, readTrainingSet, type TrainingSetManifest } from './build-training-set.js'
export { type EvaluateOptions, type Evaluation, evaluateModel } from './evaluate-model.js'
export { type Contest, type GateVerdict, judgeGates, type LiveComparison } from './gates.js'
export { metricsTable } from './metrics-table.js'
export { type Promotion, promote, promotions, promotionTarget, rollback, type Target } from './promote.js'
export { type ReadTableOptions, readTable, type TableSource } from './read-table.js'
export { type Parts, type PurgedSplit, partsByDate, purgedSplit, stratifiedParts } from './split.js'
export {
  checkReadinessStep,
  evaluateModelStep,
  prepareTrainingDataStep,
  promoteModelStep,
  trainModelStep,
} from './steps.js'
export { type TrainedModel, type TrainModelOptions, trainModel } from './train-model.js'
export {
  TrainingPipeline,
  type TrainingPipelineOptions,
  type TrainingReport,
  type TrainingRequest,
} from './training-pipeline.js'
export type { TrainingSet } from './training-set.js'
