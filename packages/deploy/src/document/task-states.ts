import type { StepConfig } from '@esteira/core'
import type { AslState, AslStates, JsonObject } from './asl-document.js'
import { entryOf, type StateMachineScope } from './state-names.js'

/** Errors by which ECS says that the task never ran: no capacity, throttling, its own faults. */
const NOT_STARTED = ['ECS.AmazonECSException', 'AmazonECS.Unknown', 'ECS.ServerException', 'ECS.ThrottlingException']

/** The exit code of a temporary failure. */
const TEMPORARY = 75

/** First wait before a step is tried again; it doubles each time. */
const FIRST_WAIT_SECONDS = 30

export interface TaskStatesOptions {
  /** Of the task state; the others are `<name>.<what they do>`. */
  readonly name: string
  readonly step: StepConfig
  readonly next: { readonly Next: string } | { readonly End: true }
  readonly scope: StateMachineScope
  /** Beside what every step gets. */
  readonly environment?: readonly JsonObject[]
}

/**
 * One task, tried again after temporary failures only. ECS turns every non-zero exit into `States.TaskFailed`, so `Retry`
 * covers what ECS itself reports; the exit code stands in the error's Cause, a description of the stopped task as JSON text.
 */
export function taskStates(options: TaskStatesOptions): AslStates {
  const { name, step } = options
  return {
    [entryOf(name)]: {
      Type: 'Pass',
      Result: { attempt: 1, waitSeconds: FIRST_WAIT_SECONDS },
      ResultPath: '$.retry',
      Next: name,
    },
    [name]: taskState(options),
    [`${name}.caught`]: {
      Type: 'Choice',
      Choices: [
        {
          And: [
            { Variable: '$.error.Error', StringEquals: 'States.TaskFailed' },
            { Variable: '$.error.Cause', StringMatches: '{*}' },
          ],
          Next: `${name}.parse`,
        },
      ],
      Default: `${name}.not_run`,
    },
    [`${name}.parse`]: {
      Type: 'Pass',
      Parameters: { 'task.$': 'States.StringToJson($.error.Cause)' },
      ResultPath: '$.failure',
      Next: `${name}.decide`,
    },
    [`${name}.decide`]: decideState(name, step.retries),
    [`${name}.wait`]: { Type: 'Wait', SecondsPath: '$.retry.waitSeconds', Next: `${name}.count` },
    [`${name}.count`]: {
      Type: 'Pass',
      Parameters: {
        'attempt.$': 'States.MathAdd($.retry.attempt, 1)',
        'waitSeconds.$': 'States.MathAdd($.retry.waitSeconds, $.retry.waitSeconds)',
      },
      ResultPath: '$.retry',
      Next: name,
    },
    ...failStates(name, step),
  }
}

function taskState({ name, step, next, scope, environment = [] }: TaskStatesOptions): AslState {
  return {
    Type: 'Task',
    Comment: step.name,
    Resource: 'arn:aws:states:::ecs:runTask.sync',
    Parameters: {
      Cluster: `ml-cluster-${scope.projectName}`,
      TaskDefinition: scope.projectName,
      CapacityProviderStrategy: [{ CapacityProvider: `cp-${scope.projectName}`, Weight: 1 }],
      Overrides: {
        ContainerOverrides: [
          {
            Name: scope.projectName,
            Command: step.command,
            Cpu: Math.round(step.resources.cpu * 1024),
            Memory: Math.round(step.resources.memoryGb * 1024),
            Environment: [
              { Name: 'ESTEIRA_PROJECT', 'Value.$': '$.run.project' },
              { Name: 'ESTEIRA_WORKFLOW', Value: scope.workflow },
              { Name: 'ESTEIRA_RUN_ID', 'Value.$': '$.run.runId' },
              { Name: 'ESTEIRA_RUN_DATE', 'Value.$': '$.run.runDate' },
              ...(scope.env === undefined ? [] : [{ Name: 'ENV', Value: scope.env }]),
              ...environment,
            ],
          },
        ],
      },
    },
    TimeoutSeconds: step.timeoutSeconds,
    // The description of the task is long, and nothing in it is of use to the steps that follow.
    ResultPath: null,
    Retry: [
      {
        ErrorEquals: NOT_STARTED,
        IntervalSeconds: 30,
        BackoffRate: 2,
        MaxAttempts: 6,
        MaxDelaySeconds: 600,
        JitterStrategy: 'FULL',
      },
    ],
    Catch: [
      { ErrorEquals: ['States.TaskFailed'], ResultPath: '$.error', Next: `${name}.caught` },
      { ErrorEquals: ['States.Timeout'], ResultPath: '$.error', Next: `${name}.timed_out` },
    ],
    ...next,
  }
}

function decideState(name: string, retries: number): AslState {
  const isPresentAnd = (path: string, test: JsonObject) => ({
    And: [
      { Variable: path, IsPresent: true },
      { Variable: path, ...test },
    ],
  })
  const exitCode = '$.failure.task.Containers[0].ExitCode'
  const stopCode = '$.failure.task.StopCode'
  return {
    Type: 'Choice',
    Choices: [
      {
        And: [
          { Variable: '$.retry.attempt', NumericLessThanEquals: retries },
          {
            Or: [
              isPresentAnd(exitCode, { NumericEquals: TEMPORARY }),
              isPresentAnd(stopCode, { StringEquals: 'SpotInterruption' }),
              isPresentAnd(stopCode, { StringEquals: 'TerminationNotice' }),
            ],
          },
        ],
        Next: `${name}.wait`,
      },
      { Variable: exitCode, IsPresent: true, Next: `${name}.failed` },
    ],
    Default: `${name}.not_run`,
  }
}

function failStates(name: string, step: StepConfig): AslStates {
  return {
    [`${name}.failed`]: {
      Type: 'Fail',
      Error: 'Esteira.StepFailed',
      CausePath: `States.Format('step ${step.id} ended with exit code {} at attempt {} of ${step.retries + 1}', $.failure.task.Containers[0].ExitCode, $.retry.attempt)`,
    },
    [`${name}.not_run`]: {
      Type: 'Fail',
      Error: 'Esteira.StepNotRun',
      CausePath: `States.Format('step ${step.id} gave no exit code, at attempt {} of ${step.retries + 1}. {}: {}', $.retry.attempt, $.error.Error, $.error.Cause)`,
    },
    [`${name}.timed_out`]: {
      Type: 'Fail',
      Error: 'States.Timeout',
      Cause: `step ${step.id} was ended after ${step.timeoutSeconds} s (timeout_seconds)`,
    },
  }
}
