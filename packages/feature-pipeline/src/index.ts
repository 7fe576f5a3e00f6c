export {
  BACKFILL_STEPS,
  type BackfillOptions,
  type BackfillProgress,
  type BackfillResult,
  type BackfillStep,
  backfillDates,
  backfillFeatures,
} from './backfill-features.js'
export { type ExtractOptions, type ExtractResult, extractFeatures, extractFeaturesStep } from './extract-features.js'
export type { FailedExample, FeatureCheck } from './feature-check.js'
export {
  DataIngestionPipeline,
  DataProcessingPipeline,
  FeaturePipeline,
  type PipelineScope,
} from './feature-pipeline.js'
export { type IngestOptions, type IngestResult, ingestRaw, ingestRawStep } from './ingest-raw.js'
export { type ProcessOptions, type ProcessResult, processSilver, processSilverStep } from './process-silver.js'
export { findRawFile, type RawFile } from './raw-file.js'
export type { ReferenceTables } from './references.js'
export { silverKnownAt } from './silver-known-at.js'
export { type SweepOptions, type SweepResult, sweepStaged } from './sweep-staged.js'
export { type PublishResult, type ValidateOptions, validateFeatures } from './validate-features.js'
export { validateFeaturesStep } from './validate-features-step.js'
export type { ValidationReport } from './validation-report.js'
