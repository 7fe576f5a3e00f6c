export { type ExtractOptions, type ExtractResult, extractFeatures, extractFeaturesStep } from './extract-features.js'
export type { FeatureCheck } from './feature-checks.js'
export {
  DataIngestionPipeline,
  DataProcessingPipeline,
  FeaturePipeline,
  type PipelineScope,
} from './feature-pipeline.js'
export { type IngestOptions, type IngestResult, ingestRaw, ingestRawStep } from './ingest-raw.js'
export { type ProcessOptions, type ProcessResult, processSilver, processSilverStep } from './process-silver.js'
export { findRawFile, type RawFile } from './raw-file.js'
export {
  type PublishResult,
  type ValidateOptions,
  validateFeatures,
  validateFeaturesStep,
} from './validate-features.js'
