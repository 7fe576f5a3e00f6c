import { availableParallelism } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import type { ObjectStore, ProjectConfig } from '@esteira/core'
import type { Json } from '../document/asl-document.js'
import { stateMachine } from '../document/state-machine.js'
import { DONE } from '../document/state-names.js'
import { type ExecutionResult, executeStateMachine } from '../execute/execute-state-machine.js'
import type { ExecutionEvent } from '../execute/execution.js'
import { isObject } from '../execute/path.js'
import { defaultRunId } from './default-run-id.js'
import { localEnvironment } from './local-environment.js'
import { objectOnThisMachine } from './object-on-this-machine.js'
import type { RunEvent, StepRun } from './run-event.js'
import { StepLedger } from './step-ledger.js'
import { stepOf, taskOnThisMachine } from './task-on-this-machine.js'

export interface RunWorkflowOptions {
  readonly config: ProjectConfig
  readonly workflow: string
  /** Given to the steps as `ESTEIRA_PROJECT`: relative to the working folder. */
  readonly projectFolder: string
  /** A date, or a UTC timestamp `YYYY-MM-DDThh:mm:ssZ`. */
  readonly runDate: string
  /** Default `<project>-<workflow>-<run date>`: {@link defaultRunId}. */
  readonly runId?: string
  /** Where the steps store their results: a branch reads them. */
  readonly objects: Pick<ObjectStore, 'get'>
  /** Environment of the steps; what the state machine sets wins over it. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Folder that the commands are started in. */
  readonly workingFolder: string
  /** The program that stands for `node` in a command, such as `process.execPath`. */
  readonly nodePath: string
  readonly now: () => Date
  readonly env?: 'dev' | 'prd'
  readonly only?: string
  readonly from?: string
  /** Ends the run: SIGTERM to the running steps, SIGKILL after the grace. */
  readonly signal?: AbortSignal
  readonly onEvent?: (event: RunEvent) => void
  /** Longest wait before a step is tried again, whatever the state machine says. Default 1. */
  readonly retryWaitSeconds?: number
  /** What a step has to end in after SIGTERM. Default 10. */
  readonly graceSeconds?: number
  /** Shards that run at once. Default: one for each core. */
  readonly shardConcurrency?: number
}

export interface WorkflowRun {
  readonly workflow: string
  readonly runId: string
  readonly runDate: string
  readonly status: 'succeeded' | 'failed' | 'aborted'
  /** The steps that ran, in the order in which they began. */
  readonly steps: readonly StepRun[]
  /** Why the run failed. */
  readonly error?: RunError
}

export interface RunError {
  /** The step that failed; undefined when none had begun, or the whole run took too long. */
  readonly step?: string
  readonly error: string
  readonly cause: string
  /** Last lines that the step wrote, at most 20. */
  readonly lastLines: readonly string[]
}

const LAST_LINES = 20

/**
 * Runs a workflow on this machine: the document that {@link stateMachine} gives for Step Functions, each task a child process.
 *
 * @returns when no process that it started runs any more, whether the run succeeded, failed, timed out or was aborted.
 * @throws EsteiraError ESTEIRA_USAGE when there is no such workflow or step; ESTEIRA_UNSUPPORTED.
 *
 * @example
 * const run = await runWorkflow({
 *   config: await readConfig('projects/churn'), workflow: 'training', projectFolder: 'projects/churn',
 *   runDate: '2026-01-01', objects, environment: process.env, workingFolder: process.cwd(),
 *   nodePath: process.execPath, now: () => new Date(),
 * })
 */
export async function runWorkflow(options: RunWorkflowOptions): Promise<WorkflowRun> {
  const { config, workflow, runDate } = options
  const document = stateMachine(config, workflow, options)
  const runId = options.runId ?? defaultRunId(config.projectName, workflow, runDate)
  const ledger = new StepLedger(options.now)
  const lastLines = new Map<string, readonly string[]>()
  const emit = options.onEvent ?? (() => {})
  const retryWaitSeconds = options.retryWaitSeconds ?? 1
  const execution = await executeStateMachine({
    document,
    input: { runId, runDate, project: options.projectFolder },
    name: runId,
    now: options.now,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    sleep: (milliseconds, stop) => delay(Math.min(milliseconds, retryWaitSeconds * 1000), undefined, { signal: stop }),
    maxConcurrency: options.shardConcurrency ?? availableParallelism(),
    onEvent: (event) => reportEvent(event, retryWaitSeconds, emit),
    handlers: {
      'arn:aws:states:::ecs:runTask.sync': taskOnThisMachine({
        ledger,
        now: options.now,
        emit,
        remember: (step, line) => lastLines.set(step, [...(lastLines.get(step) ?? []), line].slice(-LAST_LINES)),
        environment: localEnvironment(config, options.environment),
        workingFolder: options.workingFolder,
        nodePath: options.nodePath,
        graceMs: (options.graceSeconds ?? 10) * 1000,
      }),
      'arn:aws:states:::aws-sdk:s3:getObject': objectOnThisMachine(options.objects),
    },
  })
  const steps = ledger.steps()
  const { status, ...why } = conclude(execution, steps, lastLines)
  return { workflow, runId, runDate, status, steps, ...why }
}

function conclude(
  execution: ExecutionResult,
  steps: readonly StepRun[],
  lastLines: ReadonlyMap<string, readonly string[]>,
): Pick<WorkflowRun, 'status' | 'error'> {
  if (execution.status === 'SUCCEEDED') return { status: 'succeeded' }
  if (execution.status === 'ABORTED') return { status: 'aborted' }
  const { error, cause } = execution
  const step = steps.findLast(({ status }) => status !== 'succeeded')?.id ?? steps.at(-1)?.id
  if (step === undefined) return { status: 'failed', error: { error, cause, lastLines: [] } }
  return { status: 'failed', error: { step, error, cause, lastLines: lastLines.get(step) ?? [] } }
}

/** What a person wants to hear of the machine's own states; the tasks speak for themselves. */
function reportEvent(event: ExecutionEvent, longestWait: number, emit: (event: RunEvent) => void): void {
  if (event.type === 'waiting' || event.type === 'retryScheduled') {
    const shard = event.type === 'waiting' && isObject(event.input) ? event.input['shard'] : undefined
    emit({
      type: 'retryScheduled',
      step: stepOf(event.state),
      ...(typeof shard === 'number' ? { shard } : {}),
      waitSeconds: Math.min(event.waitSeconds, longestWait),
    })
  }
  if (event.type === 'stateExited' && event.state.endsWith('.branch')) {
    emit({
      type: 'branchTaken',
      step: stepOf(event.state),
      decision: decisionIn(event.output),
      to: event.next === undefined || event.next === DONE ? 'end' : stepOf(event.next),
    })
  }
}

function decisionIn(output: Json): string | undefined {
  const result = isObject(output) ? output['result'] : undefined
  const content = isObject(result) ? result['content'] : undefined
  const decision = isObject(content) ? content['decision'] : undefined
  return typeof decision === 'string' ? decision : undefined
}
