import { z } from 'zod'
import type { TaskHandler } from '../execute/execution.js'
import { StatesError } from '../execute/states-error.js'
import { type CommandResult, runCommand } from './run-command.js'
import type { RunEvent, StepStatus } from './run-event.js'
import type { StepLedger } from './step-ledger.js'

export interface LocalTaskOptions {
  readonly ledger: StepLedger
  readonly now: () => Date
  readonly emit: (event: RunEvent) => void
  /** Keeps the last lines of a step for the error of the run. */
  readonly remember: (step: string, line: string) => void
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly workingFolder: string
  /** The program that stands for `node`. */
  readonly nodePath: string
  readonly graceMs: number
}

const runTaskParameters = z.object({
  Overrides: z.object({
    ContainerOverrides: z.tuple([
      z.object({
        Name: z.string(),
        Command: z.array(z.string()).min(1),
        Environment: z.array(z.object({ Name: z.string(), Value: z.string() })),
      }),
    ]),
  }),
})

/** `ecs:runTask.sync` with a child process in the place of the container, and ECS's own description of a failure. */
export function taskOnThisMachine(options: LocalTaskOptions): TaskHandler {
  return async ({ state, parameters, signal }) => {
    const [container] = runTaskParameters.parse(parameters).Overrides.ContainerOverrides
    const given = Object.fromEntries(container.Environment.map(({ Name, Value }) => [Name, Value]))
    const step = stepOf(state)
    const shard = given['ESTEIRA_SHARD'] === undefined ? undefined : Number(given['ESTEIRA_SHARD'])
    const about = shard === undefined ? { step } : { step, shard }
    const attempt = options.ledger.start(step, shard)
    const startedMs = options.now().getTime()
    options.emit({ type: 'stepStarted', ...about, attempt })
    const [program = '', ...args] = container.Command
    const result = await runCommand({
      command: [program === 'node' ? options.nodePath : program, ...args],
      environment: { ...options.environment, ...given },
      workingFolder: options.workingFolder,
      graceMs: options.graceMs,
      signal,
      onLine: (stream, line) => {
        options.remember(step, line)
        options.emit({ type: 'stepLog', ...about, stream, line })
      },
    })
    const exitCode = result.exitCode ?? null
    // A step that was done before the signal reached it is done.
    const status: StepStatus = exitCode === 0 ? 'succeeded' : signal.aborted ? endedBy(signal) : 'failed'
    options.ledger.end(step, shard, status, exitCode)
    const durationMs = options.now().getTime() - startedMs
    options.emit({ type: 'stepEnded', ...about, status, exitCode, attempt, durationMs })
    if (exitCode === 0) return describeTask(container.Name, result)
    throw new StatesError('States.TaskFailed', JSON.stringify(describeTask(container.Name, result)))
  }
}

/** Name of the step that a state belongs to. */
export function stepOf(state: string): string {
  return state.split('.', 1)[0] ?? state
}

function endedBy(signal: AbortSignal): StepStatus {
  return signal.reason instanceof Error && signal.reason.name === 'TimeoutError' ? 'timedOut' : 'aborted'
}

/** What DescribeTasks says of a stopped task, as far as a state machine looks at it. */
function describeTask(name: string, result: CommandResult) {
  if (result.startFault !== undefined) {
    const reason = `CannotStartContainerError: ${result.startFault}`
    return {
      Containers: [{ Name: name, LastStatus: 'STOPPED', Reason: reason }],
      LastStatus: 'STOPPED',
      StopCode: 'TaskFailedToStart',
      StoppedReason: reason,
    }
  }
  return {
    Containers: [{ Name: name, LastStatus: 'STOPPED', ExitCode: result.exitCode }],
    LastStatus: 'STOPPED',
    StopCode: 'EssentialContainerExited',
    StoppedReason: 'Essential container in task exited',
  }
}
