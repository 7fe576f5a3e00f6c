import type {
  BranchConfig,
  ProjectConfig,
  RuntimeConfig,
  ScheduleConfig,
  StepConfig,
  WorkflowConfig,
} from './project-config.js'
import type { ConfigFile, ScheduleSection, StepSection } from './schema.js'

/** A day: a run that takes longer hangs (without a bound, one may wait for capacity for a year). */
const DEFAULT_TIMEOUT_SECONDS = 86_400
const DEFAULT_RETRIES = 2

export function fillDefaults(file: ConfigFile): ProjectConfig {
  const compute = file.infra?.compute ?? {}
  return {
    projectName: file.project_name,
    description: file.description ?? '',
    version: file.version,
    owners: {
      ...given('techOwner', file.owners?.tech_owner),
      ...given('businessOwner', file.owners?.business_owner),
    },
    runtime: toRuntime(file.runtime ?? {}),
    enabled: file.batch.enabled ?? true,
    workflows: toWorkflows(file),
    compute: {
      provider: 'ec2',
      ec2Type: compute.ec2_type ?? 'm6i.xlarge',
      minQuantity: compute.min_quantity ?? 0,
      maxQuantity: compute.max_quantity ?? 1,
      spot: compute.spot ?? false,
    },
    notifications: {
      onSuccess: file.notifications?.on_success ?? [],
      onFailure: file.notifications?.on_failure ?? [],
    },
  }
}

function toRuntime(runtime: NonNullable<ConfigFile['runtime']>): RuntimeConfig {
  const isPython = runtime.python_version !== undefined
  return {
    language: isPython ? 'python' : 'node',
    version: runtime.python_version ?? runtime.node_version ?? '22',
    environment: runtime.env_vars ?? {},
    ...given('requirementsFile', runtime.requirements_file),
  }
}

function toWorkflows({ batch, schedule }: ConfigFile): ReadonlyMap<string, WorkflowConfig> {
  const pipelines =
    batch.pipeline === undefined ? Object.entries(batch.pipelines ?? {}) : [['default', batch.pipeline] as const]
  return new Map(
    pipelines.map(([name, pipeline]) => {
      const own = 'schedule' in pipeline ? pipeline.schedule : undefined
      const merged = toSchedule({ ...schedule, ...own })
      return [name, { name, schedule: merged, steps: pipeline.steps.map((step) => toStep(step, merged)) }]
    }),
  )
}

function toSchedule(schedule: ScheduleSection): ScheduleConfig {
  return {
    enabled: schedule.cron !== undefined && (schedule.enabled ?? true),
    ...given('cron', schedule.cron),
    timezone: schedule.timezone ?? 'UTC',
    timeoutSeconds: schedule.timeout_seconds ?? DEFAULT_TIMEOUT_SECONDS,
    retries: schedule.retries ?? DEFAULT_RETRIES,
  }
}

function toStep(step: StepSection, schedule: ScheduleConfig): StepConfig {
  return {
    id: step.id,
    name: step.name ?? step.id,
    command: step.command,
    resources: { cpu: step.resources?.cpu ?? 1, memoryGb: step.resources?.memory_gb ?? 2 },
    retries: step.retries ?? schedule.retries,
    timeoutSeconds: step.timeout_seconds ?? schedule.timeoutSeconds,
    ...(step.branch === undefined ? {} : { branch: toBranch(step.branch) }),
    ...given('shards', step.shards),
  }
}

function toBranch(branch: NonNullable<StepSection['branch']>): BranchConfig {
  return { on: branch.on, to: branch.to, ...given('else', branch.else) }
}

/** The property when there is a value, nothing otherwise. */
function given<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]: V })
}
