import {
  EsteiraError,
  nearest,
  type ProjectConfig,
  type StepConfig,
  successorsOf,
  type WorkflowConfig,
} from '@esteira/core'
import type { AslDocument, AslStates } from './asl-document.js'
import { branchStates } from './branch-states.js'
import { prepareStates } from './prepare-states.js'
import { shardStates } from './shard-states.js'
import { DONE, entryOf, type StateMachineScope } from './state-names.js'
import { taskStates } from './task-states.js'

export interface StateMachineOptions {
  /** The environment that the steps get as `ENV`; none on a laptop. */
  readonly env?: 'dev' | 'prd'
  /** Only this step, and no branch after it. */
  readonly only?: string
  /** This step and those that follow it. */
  readonly from?: string
}

/**
 * The state machine of one workflow: Step Functions runs this document, and `runWorkflow` runs the same here.
 *
 * Input, all optional: `runId`, `runDate`, `scheduledTime`, `project` (folder of the project in the image). ECS reports
 * every failure alike, so a task that failed is looked into: exit code 75 and a lost Spot instance are tried again, up to the
 * step's `retries`; anything else ends the run. `${HomeBucket}` and `${HomePrefix}` are where `ESTEIRA_HOME` is;
 * deployment puts them in.
 *
 * @throws EsteiraError ESTEIRA_USAGE when there is no such workflow or step.
 *
 * @example
 * const document = stateMachine(await readConfig('projects/churn'), 'training', { env: 'prd' })
 */
export function stateMachine(config: ProjectConfig, workflow: string, options: StateMachineOptions = {}): AslDocument {
  const { schedule, steps } = workflowOf(config, workflow)
  const first = firstStep(steps, workflow, options)
  const scope = { projectName: config.projectName, workflow, env: options.env }
  const stepStates =
    options.only === undefined
      ? reachableFrom(steps, first).flatMap((index) => statesOf(steps, index, scope))
      : taskOrShards(first, DONE, scope)
  return {
    Comment: `${config.projectName} ${config.version}: ${workflow}`,
    StartAt: 'prepare',
    TimeoutSeconds: schedule.timeoutSeconds,
    States: Object.fromEntries([
      ...Object.entries(prepareStates(scope, entryOf(first.id))),
      ...stepStates,
      [DONE, { Type: 'Succeed' }],
    ]),
  }
}

/** The workflow of that name. @throws EsteiraError ESTEIRA_USAGE naming those there are. */
function workflowOf(config: ProjectConfig, workflow: string): WorkflowConfig {
  const found = config.workflows.get(workflow)
  if (found === undefined) throw notThere('workflow', workflow, [...config.workflows.keys()], config.projectName)
  return found
}

function firstStep(steps: readonly StepConfig[], workflow: string, options: StateMachineOptions): StepConfig {
  if (options.only !== undefined && options.from !== undefined) {
    throw new EsteiraError('ESTEIRA_USAGE', `only "${options.only}" and from "${options.from}" cannot hold at once`)
  }
  const wanted = options.only ?? options.from
  const step = wanted === undefined ? steps[0] : steps.find(({ id }) => id === wanted)
  if (step !== undefined) return step
  throw notThere(
    'step',
    wanted ?? '',
    steps.map(({ id }) => id),
    `workflow ${workflow}`,
  )
}

function notThere(what: string, name: string, names: readonly string[], owner: string): EsteiraError {
  // `train` for `train_model` is many letters away, yet what was meant.
  const meant = nearest(name, names) ?? names.find((each) => name.length > 2 && each.includes(name.toLowerCase()))
  return new EsteiraError('ESTEIRA_USAGE', `${owner} has no ${what} "${name}"; there are ${names.join(', ')}`, {
    hint: meant === undefined ? `Name one of them, for example ${names[0]}.` : `Did you mean ${meant}?`,
    details: { [what]: name },
  })
}

function reachableFrom(steps: readonly StepConfig[], first: StepConfig): number[] {
  const reached = new Set([first.id])
  return steps.flatMap((step, index) => {
    if (!reached.has(step.id)) return []
    const { next, branchTo } = successorsOf(steps, index)
    for (const id of [next, branchTo]) if (id !== undefined) reached.add(id)
    return [index]
  })
}

function statesOf(
  steps: readonly StepConfig[],
  index: number,
  scope: StateMachineScope,
): [string, AslStates[string]][] {
  const step = steps[index]
  if (step === undefined) return []
  const { next } = successorsOf(steps, index)
  const following = next === 'end' ? DONE : entryOf(next)
  const { branch } = step
  if (branch === undefined) return taskOrShards(step, following, scope)
  const ways = { on: branch.on, to: entryOf(branch.to), otherwise: following }
  return [...taskOrShards(step, `${step.id}.result`, scope), ...Object.entries(branchStates(step.id, ways))]
}

function taskOrShards(step: StepConfig, next: string, scope: StateMachineScope): [string, AslStates[string]][] {
  const states =
    step.shards === undefined
      ? taskStates({ name: step.id, step, next: { Next: next }, scope })
      : shardStates({ step, shards: step.shards, next, scope })
  return Object.entries(states)
}
