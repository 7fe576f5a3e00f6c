import type { Readable } from 'node:stream'

/** A line is cut here, so that a program that never ends one cannot fill the memory. */
const LONGEST_LINE = 65_536

/** Calls `onLine` for each line of a stream as it comes, the last one also without a line break; resolves after the last. */
export function splitLines(stream: Readable, onLine: (line: string) => void): Promise<void> {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) onLine(line.endsWith('\r') ? line.slice(0, -1) : line)
    for (; rest.length > LONGEST_LINE; rest = rest.slice(LONGEST_LINE)) onLine(rest.slice(0, LONGEST_LINE))
  })
  return new Promise((resolve) => {
    stream.once('close', () => {
      if (rest !== '') onLine(rest)
      resolve()
    })
  })
}
