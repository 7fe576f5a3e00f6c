import { asEsteiraError, describeFailure } from './log/describe-failure.js'
import { jsonLogger } from './log/json-logger.js'
import { terminalLogger } from './log/terminal-logger.js'
import type { Logger } from './logger.js'

/** How long a body may take to stop after SIGTERM before the process ends anyway. Spot gives two minutes. */
const STOP_GRACE_MS = 100_000

export interface StepProcess {
  readonly logger: Logger
  /** Aborted on SIGTERM or SIGINT: stop at the next safe point by throwing ESTEIRA_INTERRUPTED or the abort error. */
  readonly signal: AbortSignal
}

/**
 * Runs the body of a command or a container step and ends the process with its exit code: 0 when the body returns, else the
 * code of the error (64, 65, 70, 75). The only place that ends the process. A second SIGINT ends at once.
 */
export async function runStep(name: string, body: (step: StepProcess) => Promise<void>): Promise<never> {
  const controller = new AbortController()
  const logger = process.stderr.isTTY ? terminalLogger(process.stderr) : jsonLogger(2, { step: name })
  const stop = (signal: NodeJS.Signals) => {
    if (controller.signal.aborted && signal === 'SIGINT') process.exit(75)
    logger.warn(`${signal}: stopping at the next safe point`)
    controller.abort()
    setTimeout(() => process.exit(75), STOP_GRACE_MS).unref()
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  let exitCode = 0
  try {
    await body({ logger, signal: controller.signal })
  } catch (error) {
    exitCode = reportFailure(error, name, logger)
  }
  await drain(process.stdout)
  await drain(process.stderr)
  return process.exit(exitCode)
}

function reportFailure(error: unknown, name: string, logger: Logger): number {
  const known = asEsteiraError(error)
  if (process.stderr.isTTY) process.stderr.write(`${describeFailure(known, name)}\n`)
  else
    logger.error(known.message, {
      code: known.code,
      hint: known.hint,
      details: known.details,
      exitCode: known.exitCode,
    })
  return known.exitCode
}

function drain(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.writableLength === 0) resolve()
    else stream.write('', () => resolve())
  })
}
