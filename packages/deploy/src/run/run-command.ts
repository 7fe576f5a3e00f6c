import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { endGroup, killGroup } from './process-group.js'
import { splitLines } from './split-lines.js'

export interface CommandOptions {
  readonly command: readonly string[]
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly workingFolder: string
  /** Ends the command: SIGTERM to it and its descendants, after the grace SIGKILL. */
  readonly signal: AbortSignal
  readonly graceMs: number
  readonly onLine: (stream: 'stdout' | 'stderr', line: string) => void
}

export type CommandResult =
  | { readonly exitCode: number; readonly startFault?: undefined }
  | { readonly exitCode?: undefined; readonly startFault: string }

/** Output that a descendant outside the group keeps open is waited for this long. */
const OUTPUT_WAIT_MS = 2000

/**
 * Runs a program as the leader of a process group of its own. Resolves when neither it nor any descendant in its group runs
 * any more, as a container ends with its first process. A death by signal is 128 + its number.
 */
export async function runCommand(options: CommandOptions): Promise<CommandResult> {
  const [program = '', ...args] = options.command
  const child = spawn(program, args, {
    cwd: options.workingFolder,
    env: options.environment,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exit = new Promise<CommandResult>((resolve) => {
    child.once('error', (error) => resolve({ startFault: error.message }))
    child.once('exit', (code, signal) => resolve({ exitCode: code ?? 128 + (signal ? constants.signals[signal] : 0) }))
  })
  const output = Promise.all([
    splitLines(child.stdout, (line) => options.onLine('stdout', line)),
    splitLines(child.stderr, (line) => options.onLine('stderr', line)),
  ])
  const { pid } = child
  if (pid === undefined) return exit
  const ended: { by?: Promise<void> } = {}
  const stop = () => {
    ended.by ??= endGroup(pid, options.graceMs)
  }
  options.signal.addEventListener('abort', stop, { once: true })
  if (options.signal.aborted) stop()
  try {
    const result = await exit
    await (ended.by ?? killGroup(pid))
    await within(OUTPUT_WAIT_MS, output)
    return result
  } finally {
    options.signal.removeEventListener('abort', stop)
    child.stdout.destroy()
    child.stderr.destroy()
  }
}

async function within(milliseconds: number, work: Promise<unknown>): Promise<void> {
  const timer = new AbortController()
  await Promise.race([work, delay(milliseconds, undefined, { signal: timer.signal }).catch(() => {})])
  timer.abort()
}
