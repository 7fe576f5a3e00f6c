import type { LogFields, Logger } from '../logger.js'
import { describeFields } from './describe-fields.js'

/** Logger of a command whose output goes into a pipe or a file: warnings and errors as plain lines, no progress. */
export function textLogger(stream: { write(text: string): unknown }): Logger {
  const write = (mark: string) => (message: string, fields?: LogFields) => {
    stream.write(`${mark} ${message}${describeFields(fields)}\n`)
  }
  return { debug() {}, info: write(' '), warn: write('!'), error: write('✗'), progress() {} }
}
