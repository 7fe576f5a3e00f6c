import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const places = fileURLToPath(new URL('../../.esteira-java/places.json', import.meta.url))
const program = fileURLToPath(new URL('engine.py', import.meta.url))

export type Row = Readonly<Record<string, unknown>>

/** Spark or Trino on the tables of one `catalog.db`, which it calls `esteira`. */
export interface Engine {
  /** Rows of a statement, sorted, in the one form of values that `test/services/canonical.py` describes. */
  readonly run: (sql: string) => Promise<readonly Row[]>
  readonly close: () => Promise<void>
}

interface Answer {
  readonly ready?: string
  readonly rows?: readonly Row[]
  readonly error?: string
}

/** @throws Error telling what to run first when the engines are not there, or what the engine said when it does not start. */
export async function startEngine(kind: 'spark' | 'trino', catalog: string): Promise<Engine> {
  if (!existsSync(places)) throw new Error('the Java engines are not there; run: npm run test:java')
  const { python } = JSON.parse(readFileSync(places, 'utf8')) as { readonly python: string }
  const child = spawn(python, [program, kind, places, catalog], { stdio: ['pipe', 'pipe', 'pipe'] })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = `${errors}${text}`.slice(-5_000)
  })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const answer = async (): Promise<Answer> => {
    const { value, done } = await lines.next()
    if (done === true) throw new Error(`${kind} has ended:\n${errors}`)
    return JSON.parse(value) as Answer
  }
  await answer()
  return {
    async run(sql) {
      child.stdin.write(`${JSON.stringify({ sql })}\n`)
      const { rows, error } = await answer()
      if (rows === undefined) throw new Error(`${kind} refuses ${sql}\n${error}`)
      return rows
    },
    async close() {
      child.stdin.end()
      await ended
    },
  }
}
