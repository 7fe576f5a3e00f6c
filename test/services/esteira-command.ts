import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The checkout: where commands run unless a test says otherwise. */
export const root = fileURLToPath(new URL('../..', import.meta.url))

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
  /** Runs the program under a shell that limits it first, e.g. `ulimit -f 100`. */
  readonly limit?: string
  readonly uid?: number
}

export interface Ended {
  /** null when a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface Started {
  readonly pid: number
  /** What it has written so far, both streams. */
  output(): string
  /** Resolves when the output matches; rejects when the process ends before. */
  says(pattern: RegExp): Promise<void>
  kill(signal: NodeJS.Signals): void
  readonly ended: Promise<Ended>
}

/** The built `esteira` command. */
export function esteira(args: readonly string[], options: CommandOptions = {}): Promise<Ended> {
  return startEsteira(args, options).ended
}

export function startEsteira(args: readonly string[], options: CommandOptions = {}): Started {
  return start([join(root, 'packages/esteira/bin/esteira.js'), ...args], options)
}

/** `node steps/<step>.js`, as an ECS task runs it. */
export function runStepFile(step: string, args: readonly string[], options: CommandOptions = {}): Promise<Ended> {
  return startStepFile(step, args, options).ended
}

export function startStepFile(step: string, args: readonly string[], options: CommandOptions = {}): Started {
  return start([join(root, 'steps', `${step}.js`), ...args], options)
}

/** Standard output as the one JSON document it must be. */
export function documentOf<T>({ stdout }: Ended): T {
  return JSON.parse(stdout) as T
}

/** The last JSON line of standard error that has the key: a step's error (`code`) or its end (`event`). */
export function logLine<T>({ stderr }: Ended, key: string): T {
  const lines = stderr
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  const found = lines.findLast((line) => key in line)
  if (found === undefined) throw new Error(`no log line with "${key}" in:\n${stderr}`)
  return found as T
}

function start(args: readonly string[], { env = {}, cwd = root, limit, uid }: CommandOptions): Started {
  const command = [process.execPath, ...args]
  const [program = '', ...rest] =
    limit === undefined ? command : ['bash', '-c', `${limit}; exec "$@"`, 'sh', ...command]
  const child = spawn(program, rest, {
    cwd,
    env: { ...ownEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid !== undefined && { uid, gid: uid }),
  })
  let stdout = ''
  let stderr = ''
  const listeners = new Set<() => void>()
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    for (const listener of listeners) listener()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
    for (const listener of listeners) listener()
  })
  const ended = once(child, 'close').then(([code, signal]): Ended => ({ code, signal, stdout, stderr }))
  const output = () => `${stdout}${stderr}`
  return {
    pid: child.pid ?? 0,
    output,
    says: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (!pattern.test(output())) return
          listeners.delete(look)
          resolve()
        }
        listeners.add(look)
        void ended.then(() => reject(new Error(`ended without saying ${pattern}:\n${output()}`)))
        look()
      }),
    kill: (signal) => child.kill(signal),
    ended,
  }
}

/** This process's environment without what would choose other stores, projects or runs. */
function ownEnvironment(): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(ESTEIRA|MLFLOW|AWS)_|^(ENV|FORCE_COLOR|NODE_OPTIONS)$|^VITEST/.test(name),
    ),
  )
}
