/** Runs of experiments, as MLflow keeps them. One interface over an MLflow server and the local SQLite file. */
export interface Tracking {
  /** Where runs go: `sqlite:///…/mlflow.db` or the server's address without credentials. */
  readonly uri: string
  /** Id of the experiment of that name; created when there is none. */
  ensureExperiment(name: string): Promise<string>
  createRun(run: NewRun): Promise<Run>
  getRun(runId: string): Promise<Run | undefined>
  /** Active runs of an experiment whose tags have all these values, newest first. */
  findRuns(experimentId: string, tags: Readonly<Record<string, string>>): Promise<readonly Run[]>
  /** Any number of metrics, params and tags; split into MLflow's batch limits. A param is written once. */
  logBatch(runId: string, batch: RunBatch): Promise<void>
  logDatasets(runId: string, datasets: readonly DatasetInput[]): Promise<void>
  finishRun(runId: string, status: 'FINISHED' | 'FAILED' | 'KILLED'): Promise<void>
  /** Uploads all files of a local folder below `path` of the run's artifacts. */
  logArtifacts(runId: string, localFolder: string, path?: string): Promise<void>
  /**
   * Stores a model folder as a logged model of the run: created pending, files uploaded, then marked ready;
   * `writeFolder` gets the model id before the files are read, because `MLmodel` names it.
   */
  logModel(runId: string, model: NewLoggedModel): Promise<LoggedModel>
  close(): Promise<void>
}

export interface NewRun {
  readonly experimentId: string
  readonly name: string
  readonly startedAt: Date
  readonly tags: Readonly<Record<string, string>>
}

export interface Run {
  readonly runId: string
  readonly experimentId: string
  readonly name: string
  readonly status: 'RUNNING' | 'SCHEDULED' | 'FINISHED' | 'FAILED' | 'KILLED'
  readonly artifactUri: string
  readonly params: Readonly<Record<string, string>>
  /** Last value of each metric. */
  readonly metrics: Readonly<Record<string, number>>
  readonly tags: Readonly<Record<string, string>>
}

export interface RunBatch {
  readonly metrics?: readonly RunMetric[]
  readonly params?: Readonly<Record<string, string>>
  readonly tags?: Readonly<Record<string, string>>
}

export interface RunMetric {
  readonly key: string
  readonly value: number
  /** Default 0. */
  readonly step?: number
  readonly timestamp?: Date
}

export interface DatasetInput {
  readonly name: string
  /** At most 36 characters. */
  readonly digest: string
  readonly sourceType: string
  /** JSON text that says where the rows came from. */
  readonly source: string
  /** JSON text: `{"mlflow_colspec":[…]}`. */
  readonly schema?: string
  readonly profile?: string
  readonly context: 'training' | 'validation' | 'evaluation'
}

export interface NewLoggedModel {
  readonly name: string
  readonly modelType: string
  readonly params?: Readonly<Record<string, string>>
  readonly tags?: Readonly<Record<string, string>>
  readonly metrics?: readonly RunMetric[]
  /** Fills the given empty local folder with the model's files. */
  readonly writeFolder: (
    folder: string,
    identity: { readonly modelId: string; readonly runId: string },
  ) => Promise<void>
}

export interface LoggedModel {
  readonly modelId: string
  readonly artifactUri: string
}

export const MODEL_STAGES = ['None', 'Staging', 'Production', 'Archived'] as const
export type ModelStage = (typeof MODEL_STAGES)[number]

export interface ModelVersion {
  readonly name: string
  readonly version: number
  readonly stage: ModelStage
  readonly aliases: readonly string[]
  readonly runId?: string
  /** Artifact address of the model folder. */
  readonly source: string
  readonly description?: string
  readonly tags: Readonly<Record<string, string>>
  readonly createdAt: Date
}

/** Registered models, as MLflow keeps them; aliases first, stages kept in step by the callers. */
export interface ModelRegistry {
  ensureModel(name: string, description?: string): Promise<void>
  createVersion(version: NewModelVersion): Promise<ModelVersion>
  getVersion(name: string, version: number): Promise<ModelVersion | undefined>
  /** All versions of a model, oldest first; empty when there is no such model. */
  versions(name: string): Promise<readonly ModelVersion[]>
  versionByAlias(name: string, alias: string): Promise<ModelVersion | undefined>
  modelNames(): Promise<readonly string[]>
  setAlias(name: string, alias: string, version: number): Promise<void>
  deleteAlias(name: string, alias: string): Promise<void>
  /** Moves a version to a stage; with `archiveExisting`, the others of that stage go to `Archived` in the same call. */
  setStage(
    name: string,
    version: number,
    stage: ModelStage,
    options?: { readonly archiveExisting?: boolean },
  ): Promise<void>
  setVersionTags(name: string, version: number, tags: Readonly<Record<string, string>>): Promise<void>
  /** Copies (or finds, when local) the version's model folder; the path of a local folder holding `MLmodel`. */
  modelFolder(version: ModelVersion, cacheFolder: string): Promise<string>
}

export interface NewModelVersion {
  readonly name: string
  readonly source: string
  readonly runId: string
  readonly modelId: string
  readonly description?: string
  readonly tags?: Readonly<Record<string, string>>
}
