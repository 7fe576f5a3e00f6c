export { adjustPValues } from './adjust-p-values.js'
export {
  type BucketCounts,
  hellingerDistance,
  jensenShannonDistance,
  populationStabilityIndex,
  totalVariation,
} from './bucket-distances.js'
export { buildReferenceProfile, type ReferenceProfileOptions } from './build-reference-profile.js'
export {
  CALIBRATION_STRATEGIES,
  type CalibrationBin,
  type CalibrationCurve,
  type CalibrationOptions,
  calibrationCurve,
} from './calibration-curve.js'
export { type ChiSquareTest, chiSquareContingency } from './chi-square.js'
export { COLUMN_KINDS, type ColumnKind } from './column-kind.js'
export { type ConfusionMatrix, confusionMatrix } from './confusion-matrix.js'
export { bucketCounts } from './decile-buckets.js'
export { type BinaryEvaluation, evaluateBinary } from './evaluate-binary.js'
export { type Histogram, histogramOf } from './histogram.js'
export { ksPValue, ksPValueExact, ksPValueVrbik, ksStatistic } from './kolmogorov-smirnov.js'
export { countLevels, type LevelCounts } from './level-counts.js'
export { distributionOf } from './numeric-profile.js'
export { countNulls, type NumericValues, numericValues } from './numeric-values.js'
export { parseReferenceProfile } from './parse-reference-profile.js'
export { averagePrecision, type PrecisionRecallCurve, precisionRecallCurve } from './precision-recall-curve.js'
export { brierScore, logLoss } from './probability-scores.js'
export { type Interval, type ProportionTest, twoProportionTest, wilsonInterval } from './proportions.js'
export { countAtMost, countBelow, quantileOfSorted } from './quantiles.js'
export { rangeExceedancePValue } from './range-exceedance.js'
export {
  type CategoricalProfile,
  type ColumnProfile,
  type ExcludedProfile,
  type LevelCount,
  type NumericProfile,
  type NumericSummary,
  REFERENCE_PROFILE_FORMAT,
  type ReferenceProfile,
  serializeReferenceProfile,
  TOP_LEVELS,
} from './reference-profile.js'
export { type RocCurve, rocAuc, rocCurve } from './roc-curve.js'
export { empiricalDistribution, type StepDistribution, stepsOfSorted } from './step-distribution.js'
export { wassersteinDistance } from './wasserstein.js'
