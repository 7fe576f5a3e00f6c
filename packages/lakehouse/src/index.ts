export type { DuckDbEngine, DuckDbOptions } from './duckdb/open-duckdb.js'
export { atRiskPopulation, type PopulationOptions } from './feature-store/at-risk-population.js'
export { compileFeatureView } from './feature-store/compile-feature-view.js'
export { type ChangedFeature, type ChangedPart, diffViews, type FeatureDiff } from './feature-store/feature-diff.js'
export {
  ensureFeatureVersion,
  type FeatureVersion,
  featureVersions,
  type RegisteredVersion,
  registeredVersions,
  registeredViews,
} from './feature-store/feature-registry.js'
export { type StatisticsOptions, writeFeatureStatistics } from './feature-store/feature-statistics.js'
export { featureTableDefinition } from './feature-store/feature-table.js'
export { keepUnderDigest, type StoredRows } from './feature-store/keep-under-digest.js'
export type { LatestRequest } from './feature-store/latest-features.js'
export { type FeatureStore, type FeatureStoreOptions, openFeatureStore } from './feature-store/open-feature-store.js'
export type { PointInTimePlan, ViewInPlan } from './feature-store/point-in-time-plan.js'
export { pointInTimeSelect } from './feature-store/point-in-time-select.js'
export { joinInDuckDb } from './feature-store/point-in-time-tables.js'
export type { KnownSource, SourceKnownAt } from './feature-store/prepare-join.js'
export type { StoredTrainingSet, ViewCounts } from './feature-store/stored-training-set.js'
export type { ChurnLabels, Spine, TrainingSetRequest, ViewRequest } from './feature-store/training-set-request.js'
export type { CompileOptions } from './feature-store/view-plan.js'
export type { LocalLakehouse, LocalLakehouseOptions } from './local/open-local-lakehouse.js'
export { openLocalObjectStore } from './object-store/local-object-store.js'
export { parseS3Address, type S3Address } from './object-store/s3-address.js'
export type { S3Encryption, S3ObjectStoreOptions } from './object-store/s3-options.js'
export {
  athenaSelectToDuckDb,
  explainMissingColumn,
  openDuckDb,
  openLocalLakehouse,
  openS3ObjectStore,
} from './open-drivers.js'
export type { AthenaSelect } from './sql-text/athena-select.js'
