import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

/** A process that writes to a lakehouse with the built packages, as steps do. */
export interface WriterProcess {
  readonly child: ChildProcessByStdio<null, Readable, Readable>
  /** Exit code (or signal) and everything it printed. */
  readonly ended: Promise<{ readonly code: number | string | null; readonly output: string }>
}

/** Starts `programs/<name>.js`; `limit` runs it in a shell with that `ulimit` first. */
export function startWriter(name: string, args: readonly string[], limit?: string): WriterProcess {
  const program = fileURLToPath(new URL(`programs/${name}.js`, import.meta.url))
  const command =
    limit === undefined ? [process.execPath] : ['/bin/sh', '-c', `ulimit ${limit} && exec "$0" "$@"`, process.execPath]
  const [first = '', ...rest] = command
  const child = spawn(first, [...rest, program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const collect = (text: string) => {
    output += text
  }
  child.stdout.setEncoding('utf8').on('data', collect)
  child.stderr.setEncoding('utf8').on('data', collect)
  const ended = new Promise<{ code: number | string | null; output: string }>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code: code ?? signal, output }))
  })
  return { child, ended }
}
