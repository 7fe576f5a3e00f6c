import type { RunEvent } from '@esteira/deploy'
import { z } from 'zod'
import { formatDuration, print, style } from './style.js'

const finishedLine = z.object({ event: z.literal('step_finished'), summary: z.array(z.string()), reused: z.boolean() })
const logLine = z.object({
  level: z.string(),
  msg: z.string(),
  code: z.string().optional(),
  hint: z.string().optional(),
  exitCode: z.number().optional(),
  progress: z.object({ done: z.number(), total: z.number() }).optional(),
})

const NAME_WIDTH = 22
const TEXT_WIDTH = 78

/** Shows a run as it happens: a line a step with what went in and out and how long it took; errors with what to do. */
export function renderRun(options: { readonly quiet: boolean }): (event: RunEvent) => void {
  const summaries = new Map<string, { readonly summary: readonly string[]; readonly reused: boolean }>()
  const failures = new Map<string, string[]>()
  const isLive = process.stdout.isTTY === true && !options.quiet
  const live = (text: string) => {
    if (isLive) process.stdout.write(`\r\u001b[K${text.slice(0, (process.stdout.columns ?? 80) - 1)}`)
  }
  const say = (line: string) => {
    live('')
    if (options.quiet) process.stderr.write(`${line}\n`)
    else print(line)
  }
  return (event) => {
    switch (event.type) {
      case 'stepStarted':
        summaries.delete(event.step)
        failures.delete(event.step)
        live(`  ${event.step.padEnd(NAME_WIDTH)} …`)
        return
      case 'stepLog':
        readLine(event.step, event.line)
        return
      case 'stepEnded': {
        const found = summaries.get(event.step)
        if (event.status === 'succeeded') showSuccess(event.step, event.durationMs, found)
        else showFailure(event.step, event.status, event.exitCode)
        return
      }
      case 'retryScheduled':
        say(`  ${event.step.padEnd(NAME_WIDTH)} ${style.yellow(`temporary failure, again in ${event.waitSeconds} s`)}`)
        return
      case 'branchTaken':
        say(`  ${event.step.padEnd(NAME_WIDTH)} ${style.dim(`decision ${event.decision ?? 'none'} → ${event.to}`)}`)
        return
    }
  }

  function readLine(step: string, line: string): void {
    const value = parseJson(line)
    const finished = finishedLine.safeParse(value)
    if (finished.success) {
      summaries.set(step, finished.data)
      return
    }
    const log = logLine.safeParse(value)
    if (!log.success) {
      if (line.trim() !== '') say(`  ${step.padEnd(NAME_WIDTH)} ${style.dim(line)}`)
      return
    }
    const { level, msg, progress, code, hint, exitCode } = log.data
    if (progress !== undefined)
      live(`  ${step.padEnd(NAME_WIDTH)} ${msg} ${Math.floor((100 * progress.done) / Math.max(1, progress.total))} %`)
    else if (code !== undefined)
      failures.set(step, [
        ...msg.split('\n'),
        ...(hint ?? '').split('\n'),
        `exit ${exitCode ?? '?'} · ${code} · docs/errors.md#${code.toLowerCase()}`,
      ])
    else if (level === 'warn' || level === 'error') say(`  ${step.padEnd(NAME_WIDTH)} ${style.yellow(msg)}`)
  }

  function showSuccess(
    step: string,
    durationMs: number,
    found: { summary: readonly string[]; reused: boolean } | undefined,
  ): void {
    const [first = 'done', ...rest] = found?.summary ?? []
    const time = found?.reused === true ? 'unchanged' : formatDuration(durationMs)
    say(`  ${step.padEnd(NAME_WIDTH)} ${first.padEnd(TEXT_WIDTH)} ${style.dim(time)}`)
    for (const line of rest) say(`  ${''.padEnd(NAME_WIDTH)} ${line}`)
  }

  function showFailure(step: string, status: string, exitCode: number | null): void {
    const [first, ...rest] = failures.get(step) ?? [`${status}${exitCode === null ? '' : `, exit ${exitCode}`}`]
    say(`${style.red('✗')} ${step.padEnd(NAME_WIDTH)} ${first}`)
    for (const line of rest) if (line !== '') say(`  ${''.padEnd(NAME_WIDTH)} ${line}`)
  }
}

function parseJson(line: string): unknown {
  if (!line.startsWith('{')) return undefined
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
