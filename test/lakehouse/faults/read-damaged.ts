import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import type { DamagedTable } from './damaged-table.js'
import { startProgram } from './program.js'

/** What a way of reading gave: the rows as text, or a refusal. */
export type Answer = string | { readonly code: string; readonly message: string }

/** One damage to one file, and what reading the table gave then. */
export interface DamageCase {
  readonly file: string
  readonly what: string
  readonly answers: readonly Answer[]
}

export interface Reading {
  /** Of the table unharmed. */
  readonly right: readonly Answer[]
  readonly cases: readonly DamageCase[]
  /** Of the table unharmed again. */
  readonly after: readonly Answer[]
}

/** No case may take longer, even on a busy machine. */
const LONGEST_CASE_MS = 60_000

type Message = { readonly case: number; readonly file: string; readonly what: string } | Answered
interface Answered {
  readonly case: number
  readonly answers: readonly Answer[]
}

/**
 * Damages files of one kind, one after the other, and reads the table each time, in a process of its own.
 * @throws Error naming the damage that ended or stopped the process
 */
export async function readDamaged(table: DamagedTable, files: readonly string[], cases: number): Promise<Reading> {
  const program = startProgram('read-damaged', [JSON.stringify({ ...table, files, cases })])
  const { child, ended, output } = program
  let over = false
  void ended.then(() => {
    over = true
  })
  while (!over) {
    const quiet = new AbortController()
    const hung = setTimeout(LONGEST_CASE_MS, 'hung', { signal: quiet.signal }).catch(() => '')
    const first = await Promise.race([once(child.stdout, 'data'), ended, hung])
    quiet.abort()
    if (first === 'hung') {
      child.kill('SIGKILL')
      throw new Error(`a case took longer than ${LONGEST_CASE_MS} ms: ${output().trim().split('\n').at(-1)}`)
    }
  }
  const { code } = await ended
  if (code !== 0) throw new Error(`the process ended with ${code}: ${output().trim().split('\n').slice(-6).join('\n')}`)
  return readingOf(output())
}

function readingOf(output: string): Reading {
  const messages = output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Message)
  const answered = messages.filter((message) => 'answers' in message)
  const announced = messages.filter((message) => 'what' in message)
  return {
    right: answered[0]?.answers ?? [],
    cases: announced.map(({ file, what }, index) => ({ file, what, answers: answered[index + 1]?.answers ?? [] })),
    after: answered.at(-1)?.answers ?? [],
  }
}
