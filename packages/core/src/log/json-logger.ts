import { destination, pino } from 'pino'
import type { LogFields, Logger } from '../logger.js'

const PROGRESS_EVERY_MS = 1000

/** Logger that writes one JSON object a line to a file descriptor (2 = standard error), at once: nothing is lost at exit. */
export function jsonLogger(fd: number, bindings: LogFields = {}): Logger {
  const log = pino(
    {
      base: null,
      level: 'info',
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination({ fd, sync: true }),
  ).child(bindings)
  let lastProgress = 0
  return {
    debug: (message, fields = {}) => log.debug(fields, message),
    info: (message, fields = {}) => log.info(fields, message),
    warn: (message, fields = {}) => log.warn(fields, message),
    error: (message, fields = {}) => log.error(fields, message),
    progress(message, done, total) {
      const now = Date.now()
      if (done < total && now - lastProgress < PROGRESS_EVERY_MS) return
      lastProgress = now
      log.info({ progress: { done, total } }, message)
    },
  }
}
