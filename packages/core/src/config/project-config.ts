/** `config.yaml` of a project after reading: every default filled, names in camelCase, times in seconds. */
export interface ProjectConfig {
  /** Lower-case letters, digits and hyphens, at most 32: part of every AWS name of the project. */
  readonly projectName: string
  readonly description: string
  /** Text as written: `1.0` stays `1.0`. Legal as an image tag. */
  readonly version: string
  readonly owners: { readonly techOwner?: string; readonly businessOwner?: string }
  readonly runtime: RuntimeConfig
  /** `batch.enabled`: false means that nothing is scheduled. */
  readonly enabled: boolean
  /** In the order of the file; `batch.pipeline` is the workflow `default`. */
  readonly workflows: ReadonlyMap<string, WorkflowConfig>
  readonly compute: ComputeConfig
  readonly notifications: { readonly onSuccess: readonly string[]; readonly onFailure: readonly string[] }
}

export interface RuntimeConfig {
  readonly language: 'node' | 'python'
  /** Text as written: `3.10` stays `3.10`. */
  readonly version: string
  readonly requirementsFile?: string
  /** Environment of the container, beside what the state machine gives each step. */
  readonly environment: Readonly<Record<string, string>>
}

export interface WorkflowConfig {
  readonly name: string
  readonly schedule: ScheduleConfig
  /** At least one, ids unique, every one reachable. */
  readonly steps: readonly StepConfig[]
}

export interface ScheduleConfig {
  /** Never true without a cron. */
  readonly enabled: boolean
  /** Five fields, or `@daily` and the like. */
  readonly cron?: string
  /** IANA name. */
  readonly timezone: string
  /** Bound of the whole run. */
  readonly timeoutSeconds: number
  /** Retries of a step after a temporary failure (exit 75), unless the step says otherwise. */
  readonly retries: number
}

export interface StepConfig {
  /** snake_case, unique in its workflow. */
  readonly id: string
  /** For people; the id when none is given. */
  readonly name: string
  /** Program and arguments; no shell is involved. */
  readonly command: readonly string[]
  readonly resources: {
    /** vCPUs: 1 is one core (1024 ECS units). */
    readonly cpu: number
    /** GiB. */
    readonly memoryGb: number
  }
  readonly retries: number
  readonly timeoutSeconds: number
  /** Where to go after the step, by the `decision` in its result. */
  readonly branch?: BranchConfig
  /** The step runs as this many tasks, each with `ESTEIRA_SHARD` and `ESTEIRA_SHARDS`. */
  readonly shards?: number
}

export interface BranchConfig {
  /** The decision that takes the branch. */
  readonly on: string
  /** Id of a later step, reached by branches only. */
  readonly to: string
  /** Id of a later step, or `end`; absent: the next step that no branch points at. */
  readonly else?: string
}

export interface ComputeConfig {
  readonly provider: 'ec2'
  readonly ec2Type: string
  readonly minQuantity: number
  readonly maxQuantity: number
  readonly spot: boolean
}

/**
 * Ids of the steps that may follow a step: the branch's two ways, or the next step that no branch points at.
 * `end` is the end of the run.
 */
export function successorsOf(
  steps: readonly Pick<StepConfig, 'id' | 'branch'>[],
  index: number,
): { readonly next: string; readonly branchTo?: string } {
  const targets = new Set(steps.map((step) => step.branch?.to))
  const following = steps.slice(index + 1).find((step) => !targets.has(step.id))?.id ?? 'end'
  const branch = steps[index]?.branch
  return branch === undefined ? { next: following } : { next: branch.else ?? following, branchTo: branch.to }
}
