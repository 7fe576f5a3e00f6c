import type { RunEvent } from '@esteira/deploy'
import { readStepLine, type StepFailure } from './step-log.js'
import { formatDuration, style } from './style.js'
import { wrap } from './wrap.js'

const NAME_WIDTH = 22
const TIME_WIDTH = 9
/** Of the whole line where the terminal says nothing else, and at most. */
const WIDTH = 110
const MOST_WARNINGS = 2

type Stream = Pick<NodeJS.WriteStream, 'write' | 'isTTY' | 'columns'>

interface StepNews {
  summary: readonly string[]
  reused: boolean
  warnings: number
  failure?: StepFailure
}

/** Shows a run as it happens: a line a step with what went in and out and how long it took; errors with what to do. */
export function renderRun(stream: Stream, title: string): (event: RunEvent) => void {
  let isTitled = false
  const width = Math.min(WIDTH, stream.columns ?? WIDTH)
  const textWidth = Math.max(30, width - NAME_WIDTH - TIME_WIDTH - 4)
  const news = new Map<string, StepNews>()
  const newsOf = (step: string): StepNews => {
    const known = news.get(step) ?? { summary: ['done'], reused: false, warnings: 0 }
    news.set(step, known)
    return known
  }
  const live = (text: string) => {
    if (stream.isTTY === true) stream.write(`\r\u001b[K${text.slice(0, width - 1)}`)
  }
  const say = (line: string) => {
    live('')
    stream.write(`${line.trimEnd()}\n`)
  }
  const named = (step: string, text: string, mark = ' ') => `${mark} ${step.padEnd(NAME_WIDTH)} ${text}`
  const below = (text: string) => named('', text)

  return (event) => {
    // With the first event: nothing is headed that did not start.
    if (!isTitled) stream.write(`\n${title}\n`)
    isTitled = true
    switch (event.type) {
      case 'stepStarted':
        news.delete(event.step)
        live(named(event.step, '…'))
        return
      case 'stepLog':
        showLine(event.step, event.line)
        return
      case 'stepEnded':
        if (event.status === 'succeeded') showSuccess(event.step, event.durationMs)
        else showFailure(event.step, event.status, event.exitCode)
        return
      case 'retryScheduled':
        say(named(event.step, style.yellow(`temporary failure, again in ${event.waitSeconds} s`)))
        return
      case 'branchTaken':
        say(below(style.dim(`decision ${event.decision ?? 'none'} → ${event.to}`)))
        return
    }
  }

  function showLine(step: string, text: string): void {
    const line = readStepLine(text)
    const about = newsOf(step)
    if (line.kind === 'finished') {
      about.summary = line.summary.length === 0 ? ['done'] : line.summary
      about.reused = line.reused
    } else if (line.kind === 'failure') about.failure = line.failure
    else if (line.kind === 'progress') live(named(step, `${line.text} ${line.percent} %`))
    else if (line.kind === 'text') {
      if (line.text.trim() !== '') say(named(step, style.dim(line.text)))
    } else if (line.level === 'warn' || line.level === 'error') showWarning(step, line.text, about)
  }

  /** The first ones, shortened: the rest is in the step's log and its report. */
  function showWarning(step: string, text: string, about: StepNews): void {
    about.warnings++
    if (about.warnings > MOST_WARNINGS) return
    const shown = text.length > textWidth ? `${text.slice(0, textWidth - 1)}…` : text
    say(named(step, style.yellow(shown), style.yellow('!')))
  }

  function showSuccess(step: string, durationMs: number): void {
    const { summary, reused, warnings } = newsOf(step)
    if (warnings > MOST_WARNINGS) say(below(style.yellow(`and ${warnings - MOST_WARNINGS} more like these`)))
    const [first = 'done', ...rest] = summary.flatMap((line, index) =>
      wrap(line, index === 0 ? textWidth : textWidth + TIME_WIDTH + 1),
    )
    const time = (reused ? 'unchanged' : formatDuration(durationMs)).padStart(TIME_WIDTH)
    say(named(step, `${first.padEnd(textWidth)} ${style.dim(time)}`))
    for (const line of rest) say(below(line))
  }

  function showFailure(step: string, status: string, exitCode: number | null): void {
    const { failure } = newsOf(step)
    const ending =
      status === 'timedOut'
        ? 'ended: it took longer than its timeout_seconds in config.yaml'
        : `${status}${exitCode === null ? '' : `, exit ${exitCode}`}`
    const lines =
      failure === undefined
        ? [ending]
        : [
            ...failure.msg.split('\n'),
            ...(failure.hint === undefined ? [] : failure.hint.split('\n')),
            `exit ${failure.exitCode} · ${failure.code} · docs/errors.md#${failure.code.toLowerCase()}`,
          ]
    const [first = ending, ...rest] = lines.flatMap((line) => wrap(line, width - NAME_WIDTH - 4))
    say(named(step, first, style.red('✗')))
    for (const line of rest) say(below(line))
  }
}
