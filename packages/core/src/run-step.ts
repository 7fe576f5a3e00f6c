import { asEsteiraError, describeFailure } from './log/describe-failure.js'
import { terminalLogger } from './log/terminal-logger.js'
import { textLogger } from './log/text-logger.js'
import type { Logger } from './logger.js'

/** How long a body may take to stop after SIGTERM before the process ends anyway. Spot gives two minutes. */
const STOP_GRACE_MS = 100_000

export interface StepProcess {
  readonly logger: Logger
  /** Aborted on SIGTERM or SIGINT: stop at the next safe point by throwing ESTEIRA_INTERRUPTED or the abort error. */
  readonly signal: AbortSignal
}

export interface RunStepOptions {
  /**
   * Log and error where standard error is no terminal: `json`, one object a line, for a container's log (the default); `text`,
   * for a command that people type, also into a pipe.
   */
  readonly log?: 'json' | 'text'
}

/**
 * Runs the body of a command or a container step and ends the process with its exit code: 0 when the body returns, else the
 * code of the error (64, 65, 70, 75). The only place that ends the process. A second SIGINT ends at once.
 */
export async function runStep(
  name: string,
  body: (step: StepProcess) => Promise<void>,
  options: RunStepOptions = {},
): Promise<never> {
  const controller = new AbortController()
  const isJson = options.log !== 'text' && process.stderr.isTTY !== true
  const logger = isJson
    ? (await import('./log/json-logger.js')).jsonLogger(2, { step: name })
    : process.stderr.isTTY === true
      ? terminalLogger(process.stderr)
      : textLogger(process.stderr)
  const stop = (signal: NodeJS.Signals) => {
    if (controller.signal.aborted && signal === 'SIGINT') process.exit(75)
    logger.warn(`${signal}: stopping at the next safe point`)
    controller.abort()
    setTimeout(() => process.exit(75), STOP_GRACE_MS).unref()
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  // Beyond a limit on file sizes a write then fails, and is reported, where the process would otherwise be killed.
  process.on('SIGXFSZ', () => {})
  let exitCode = 0
  try {
    await body({ logger, signal: controller.signal })
  } catch (error) {
    const known = asEsteiraError(error)
    exitCode = known.exitCode
    if (isJson) {
      const { code, hint, details } = known
      logger.error(known.message, { code, hint, details, exitCode })
    } else process.stderr.write(`${describeFailure(known, name)}\n`)
  }
  await drain(process.stdout)
  await drain(process.stderr)
  return process.exit(exitCode)
}

function drain(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.writableLength === 0) resolve()
    else stream.write('', () => resolve())
  })
}
