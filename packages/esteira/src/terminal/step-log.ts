import { z } from 'zod'

const finished = z.object({ event: z.literal('step_finished'), summary: z.array(z.string()), reused: z.boolean() })
const failure = z.object({
  msg: z.string(),
  code: z.string(),
  hint: z.string().optional(),
  details: z.record(z.string(), z.unknown()).optional(),
  exitCode: z.number(),
})
const progress = z.object({ msg: z.string(), progress: z.object({ done: z.number(), total: z.number() }) })
const message = z.object({ msg: z.string(), level: z.string() })

/** The error that a step ended with, as its log tells it. */
export type StepFailure = Readonly<z.output<typeof failure>>

/** One line that a step wrote, understood. */
export type StepLine =
  | { readonly kind: 'finished'; readonly summary: readonly string[]; readonly reused: boolean }
  | { readonly kind: 'failure'; readonly failure: StepFailure }
  | { readonly kind: 'progress'; readonly text: string; readonly percent: number }
  | { readonly kind: 'message'; readonly level: string; readonly text: string }
  /** From a program that logs in its own way. */
  | { readonly kind: 'text'; readonly text: string }

/** Reads one line of a step's output: JSON lines of the step contract, or any text. */
export function readStepLine(line: string): StepLine {
  const value = parseJson(line)
  const done = finished.safeParse(value)
  if (done.success) return { kind: 'finished', summary: done.data.summary, reused: done.data.reused }
  const failed = failure.safeParse(value)
  if (failed.success) return { kind: 'failure', failure: failed.data }
  const moved = progress.safeParse(value)
  if (moved.success) {
    const { done, total } = moved.data.progress
    return { kind: 'progress', text: moved.data.msg, percent: Math.floor((100 * done) / Math.max(1, total)) }
  }
  const said = message.safeParse(value)
  if (said.success) return { kind: 'message', level: said.data.level, text: said.data.msg }
  return { kind: 'text', text: line }
}

function parseJson(line: string): unknown {
  if (!line.startsWith('{')) return undefined
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
