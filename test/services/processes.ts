import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** Ids of the running processes that were started with a text in their environment, such as the home of a test. */
export function processesWith(text: string): number[] {
  const ids = processIds()
  if (ids === undefined) return fromPs(text)
  return ids.filter((id) => id !== process.pid && isRunning(id) && read(`/proc/${id}/environ`).includes(text))
}

function processIds(): number[] | undefined {
  try {
    return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []))
  } catch {
    return undefined
  }
}

/** A dead process that nobody has waited for has no environment any more, and no life. */
function isRunning(id: number): boolean {
  const [state] = read(`/proc/${id}/stat`).replace(/^.*\) /s, '')
  return state !== undefined && state !== 'Z' && state !== 'X'
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // It has ended meanwhile, or is another user's.
    return ''
  }
}

/** Where there is no /proc. */
function fromPs(text: string): number[] {
  const lines = execFileSync('ps', ['axeww', '-o', 'pid=,command='], { encoding: 'utf8' }).split('\n')
  return lines.filter((line) => line.includes(text)).map((line) => Number.parseInt(line, 10))
}
