import type { WriteStream } from 'node:tty'
import type { Logger } from '../logger.js'
import { describeFields } from './describe-fields.js'

const PROGRESS_EVERY_MS = 100

/** Logger for a person at a terminal: short lines; progress is one line that is written over. */
export function terminalLogger(stream: WriteStream): Logger {
  let isProgressShown = false
  let lastProgress = 0
  const write = (text: string) => {
    if (isProgressShown) stream.write('\r\u001b[K')
    isProgressShown = false
    stream.write(`${text}\n`)
  }
  return {
    debug() {},
    info: (message, fields) => write(`  ${message}${describeFields(fields)}`),
    warn: (message, fields) => write(`! ${message}${describeFields(fields)}`),
    error: (message, fields) => write(`✗ ${message}${describeFields(fields)}`),
    progress(message, done, total) {
      const now = Date.now()
      if (now - lastProgress < PROGRESS_EVERY_MS && done < total) return
      lastProgress = now
      const share = total > 0 ? `${Math.floor((100 * done) / total)} %` : ''
      stream.write(`\r\u001b[K  ${message}  ${share}`)
      isProgressShown = true
      if (done >= total) write(`  ${message}  100 %`)
    },
  }
}
