import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import type { Readable } from 'node:stream'
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

type Child = ChildProcessByStdio<null, Readable, Readable>

/** Output that a descendant outside the group keeps open is waited for this long. */
const OUTPUT_WAIT_MS = 1000

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
  splitLines(child.stdout, (line) => options.onLine('stdout', line))
  splitLines(child.stderr, (line) => options.onLine('stderr', line))
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
    await outputEnds(child)
    return result
  } finally {
    options.signal.removeEventListener('abort', stop)
  }
}

async function outputEnds(child: Child): Promise<void> {
  const open = [child.stdout, child.stderr].filter((stream) => !stream.closed)
  const timer = new AbortController()
  await Promise.race([
    Promise.all(open.map((stream) => once(stream, 'close'))),
    delay(OUTPUT_WAIT_MS, undefined, { signal: timer.signal }).catch(() => {}),
  ])
  timer.abort()
  for (const stream of open) stream.destroy()
}
