import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'

/** A process that works on a lakehouse with the built packages, as steps do. */
export interface Program {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>
  /** Everything it has printed so far. */
  readonly output: () => string
  /** Waits until it has printed a line. @throws Error when it ends before */
  readonly says: (line: string) => Promise<void>
  /** Exit code (or signal) and everything it printed. */
  readonly ended: Promise<{ readonly code: number | string | null; readonly output: string }>
}

/** Starts `programs/<name>.js`; `limit` runs it in a shell with that `ulimit` first. */
export function startProgram(name: string, args: readonly string[], limit?: string): Program {
  const program = fileURLToPath(new URL(`programs/${name}.js`, import.meta.url))
  const command =
    limit === undefined ? [process.execPath] : ['/bin/sh', '-c', `ulimit ${limit} && exec "$0" "$@"`, process.execPath]
  const [first = '', ...rest] = command
  const child = spawn(first, [...rest, program, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  let output = ''
  const collect = (text: string) => {
    output += text
  }
  child.stdin.on('error', () => {}) // it may end without reading
  child.stdout.setEncoding('utf8').on('data', collect)
  child.stderr.setEncoding('utf8').on('data', collect)
  const ended = new Promise<{ code: number | string | null; output: string }>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code: code ?? signal, output }))
  })
  const says = async (line: string) => {
    const closed = ended.then(({ code }) => {
      throw new Error(`${name} ended with ${code} before it said "${line}":\n${output}`)
    })
    while (!output.split('\n').includes(line)) await Promise.race([once(child.stdout, 'data'), closed])
  }
  return { child, output: () => output, says, ended }
}
