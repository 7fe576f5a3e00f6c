import type { ModelRegistry, Tracking } from '@esteira/core'

/** Tracking and registry of one MLflow: a local SQLite file or a server. */
export interface MlflowStore {
  readonly tracking: Tracking
  readonly registry: ModelRegistry
  /** Frees the file or the connections; also called by `tracking.close()`. Calling it again does nothing. */
  close(): Promise<void>
}
