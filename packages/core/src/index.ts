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
export type {
  Commit,
  CommitResult,
  Lakehouse,
  PartitionField,
  SliceCondition,
  Snapshot,
  TableColumn,
  TableColumnType,
  TableDefinition,
  TableState,
  TableVersion,
  WrittenParquet,
} from './lakehouse.js'
export { type LogFields, type Logger, silentLogger } from './logger.js'
export type { ObjectInfo, ObjectStore } from './object-store.js'
export { featureDateOf, type RunContext } from './run-context.js'
export { DIALECTS, type Dialect, type QueryOptions, type SqlEngine } from './sql-engine.js'
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
