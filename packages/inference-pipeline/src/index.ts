export {
  type BatchInferenceOptions,
  BatchInferencePipeline,
  type InferenceRequest,
} from './batch-inference-pipeline.js'
export { atRiskSql, type PublishedFeatures, type ScoreOptions, type ScoreResult, scoreModel } from './score-model.js'
export { scoreModelStep } from './score-model-step.js'
