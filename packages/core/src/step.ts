import type { ProjectConfig } from './config/project-config.js'
import type { Lakehouse } from './lakehouse.js'
import type { ObjectStore } from './object-store.js'
import type { ProjectDefinition } from './project/project.js'
import type { RunContext } from './run-context.js'
import type { ModelRegistry, Tracking } from './tracking.js'

/** A project folder, loaded: what `config.yaml` says of operations and `project.ts` of the model. */
export interface Project {
  /** `project_name` of config.yaml. */
  readonly name: string
  readonly folder: string
  readonly config: ProjectConfig
  readonly definition: ProjectDefinition
}

/** The drivers a pipeline works with, each opened at first use. */
export interface Workspace {
  readonly project: Project
  readonly objects: ObjectStore
  lakehouse(): Promise<Lakehouse>
  mlflow(): Promise<{ readonly tracking: Tracking; readonly registry: ModelRegistry }>
  /** A local folder that only this process uses, removed at the end. */
  scratchFolder(): Promise<string>
  readonly environment: StepEnvironment
  close(): Promise<void>
}

/** What the environment decides, read once by `openWorkspace`. */
export interface StepEnvironment {
  /** `dev` promotes to `staging`, anything else to `production`. */
  readonly stage: 'staging' | 'production'
  /** Takes the place of the path of the project's source. */
  readonly source?: string
  /** Overrides the search for libxgboost. */
  readonly xgboostLibrary?: string
  readonly gitCommit?: string
  readonly user?: string
}

/** A table that was read, at the snapshot that was read. */
export interface TableRead {
  readonly table: string
  readonly snapshotId: string | null
}

/**
 * What a step was asked and what it would read, worked out before it runs. When both equal those of an earlier result of the
 * same run, the result is used again and nothing is done.
 */
export interface StepPlan {
  /** Plain JSON of everything that decides the outcome beside the tables: definitions, parameters, digests. */
  readonly asked: unknown
  readonly read: readonly TableRead[]
}

export interface StepOutcome {
  /** Lines for people: what went in, what came out. */
  readonly summary: readonly string[]
  /** Tables and files this step wrote. */
  readonly wrote?: { readonly tables?: readonly TableRead[]; readonly files?: readonly string[] }
  readonly counts?: Readonly<Record<string, number>>
  /** What a state machine may branch on. */
  readonly decision?: string
  /** Facts for the steps that follow; plain JSON. */
  readonly output?: Readonly<Record<string, unknown>>
}

/** The stored result of a step: `runs/<run id>/<step>.json` in the object store. */
export interface StepResult extends StepOutcome {
  readonly project: string
  readonly workflow: string
  readonly runId: string
  readonly runDate: string
  readonly step: string
  /** sha256 over `asked`. */
  readonly askedHash: string
  readonly read: readonly TableRead[]
  readonly startedAt: string
  readonly durationMs: number
}

/** One step of a pipeline as a function over a workspace. */
export interface Step {
  /** `extract_features`, as users type it. */
  readonly name: string
  /** One line for `--help`. */
  readonly description: string
  plan(scope: StepScope): Promise<StepPlan>
  run(scope: StepScope): Promise<StepOutcome>
}

export interface StepScope {
  readonly context: RunContext
  readonly workspace: Workspace
  readonly workflow: string
  /** Flags of the command line or `ESTEIRA_<FLAG>` variables that belong to this step: `feature-dates`, `fail-on`. */
  readonly options: Readonly<Record<string, string | undefined>>
  /** Result of another step of this run. @throws EsteiraError ESTEIRA_STEP_RESULT_MISSING */
  resultOf(step: string): Promise<StepResult>
  /** The same, undefined when the step has not run. */
  findResult(step: string): Promise<StepResult | undefined>
}
