export { ALERT_SEVERITIES, type Alert, type AlertChannel, type AlertSeverity } from './alert-channel.js'
export { type CronFields, parseCron } from './config/cron.js'
export {
  type BranchConfig,
  type ComputeConfig,
  type ProjectConfig,
  type RuntimeConfig,
  type ScheduleConfig,
  type StepConfig,
  successorsOf,
  type WorkflowConfig,
} from './config/project-config.js'
export { parseConfig, readConfig } from './config/read-config.js'
export {
  ERROR_CODES,
  type ErrorCode,
  EsteiraError,
  type EsteiraErrorOptions,
  type ExitCode,
  exampleValues,
  nearest,
} from './errors.js'
export {
  COLUMN_TYPES,
  type Column,
  type ColumnType,
  columnOf,
  type Frame,
  formatDay,
  formatTimestamp,
  isNull,
  takeRows,
  toFloat64,
  toRows,
  toStrings,
  valueAt,
} from './frame.js'
export { hashFile } from './hash-file.js'
export type {
  ArrowBatch,
  Commit,
  CommitResult,
  CompactOptions,
  CompactResult,
  ExpireOptions,
  ExpireResult,
  Lakehouse,
  OrphanOptions,
  OrphanResult,
  PartitionField,
  PlanOptions,
  PruningCondition,
  RefOptions,
  RegisterOptions,
  RelocateResult,
  RollbackResult,
  ScanOptions,
  ScanPlan,
  SliceCondition,
  Snapshot,
  SortField,
  TableChange,
  TableColumn,
  TableColumnType,
  TableDefinition,
  TableRef,
  TableState,
  TableVersion,
  UpsertResult,
  WrittenParquet,
} from './lakehouse.js'
export { asEsteiraError, describeFailure } from './log/describe-failure.js'
export { type LogFields, type Logger, silentLogger } from './logger.js'
export type { ByteRange, ObjectCall, ObjectInfo, ObjectStore } from './object-store.js'
export { type ColumnRule, type ColumnRuleOptions, rule } from './project/column-rule.js'
export {
  avg,
  count,
  daysSinceLast,
  engagement,
  type Feature,
  type FeatureType,
  featureValue,
  max,
  min,
  mode,
  overdue,
  peakHour,
  quintile,
  rfm,
  seasonality,
  segment,
  std,
  sum,
  unavailable,
  type WindowAggregate,
  weekendShare,
  windows,
} from './project/feature.js'
export { addDays, matureMonths, monthsBetween } from './project/feature-date.js'
export {
  BASELINES,
  type Baseline,
  type ChurnLabel,
  churnLabel,
  defineProject,
  type Gate,
  gate,
  type Hyperparameters,
  METRICS,
  type Metric,
  type ModelChoice,
  type Monitoring,
  model,
  type ProjectDefinition,
  type SampleGenerator,
} from './project/project.js'
export type { RuleKey, RuleRow } from './project/read-table-rules.js'
export { RULE_SEVERITIES, type RuleOptions, type RuleSeverity } from './project/rule-options.js'
export {
  definitionOf,
  type Entity,
  entity,
  LINE_NUMBER,
  type Source,
  type SourceColumn,
  type SourceColumnRef,
  type SourceDefinition,
  type SourceFormat,
  type SourceType,
  source,
} from './project/source.js'
export { tableNames } from './project/table-names.js'
export {
  type ReferencedColumn,
  type RowCountOptions,
  type TableRule,
  type TableRuleOptions,
  tableRule,
} from './project/table-rule.js'
export { FEATURE_TABLE_COLUMNS, type FeatureView, featureHash, recencyFeature, view } from './project/view.js'
export { featureDateOf, type RunContext } from './run-context.js'
export { type RunStepOptions, runStep, type StepProcess } from './run-step.js'
export {
  aggregate,
  allOf,
  between,
  call,
  caseWhen,
  cast,
  column,
  date,
  type Expression,
  integer,
  isNullExpression,
  literal,
  not,
  type Ordering,
  oneOf,
  operation,
  type SqlType,
  windowOver,
} from './sql/expression.js'
export { quoteName, quoteTableName, quoteText, renderExpression, renderOrdering } from './sql/render.js'
export { mapColumns, replaceNodes, visitExpression } from './sql/walk.js'
export { DIALECTS, type Dialect, type QueryOptions, type SqlEngine } from './sql-engine.js'
export type {
  Project,
  Step,
  StepEnvironment,
  StepOutcome,
  StepPlan,
  StepResult,
  StepScope,
  TableRead,
  Workspace,
} from './step.js'
export { type TableInRun, tableInRun } from './table-in-run.js'
export {
  type DatasetInput,
  type LoggedModel,
  MODEL_STAGES,
  type ModelRegistry,
  type ModelStage,
  type ModelVersion,
  type NewLoggedModel,
  type NewModelVersion,
  type NewRun,
  type Run,
  type RunBatch,
  type RunMetric,
  type Tracking,
} from './tracking.js'
