import { EsteiraError, nearest } from '../errors.js'

/** One thing wrong in a file. */
export interface Fault {
  /** Keys and list positions from the top of the file. */
  readonly path: readonly (string | number)[]
  /** What should stand there, to be read after "expected". */
  readonly expected: string
  /** Set when the key itself is not known: the keys there are. */
  readonly validKeys?: readonly string[]
  /** Values one of which may have been meant. */
  readonly near?: readonly string[]
  /** Set when the key is at fault rather than what stands under it. */
  readonly about?: 'key'
}

/** A fault with its place in the file and what was found there. */
export interface PlacedFault extends Fault {
  readonly line: number
  /** As the message shows it: at most 40 characters; undefined where nothing or a secret stands. */
  readonly found?: string
}

/** One error that lists every fault, in the order of the file. */
export function faultError(file: string, faults: readonly PlacedFault[]): EsteiraError {
  const sorted = [...faults].sort((a, b) => a.line - b.line)
  const count = sorted.length === 1 ? 'one fault' : `${sorted.length} faults`
  const lines = sorted.map((fault) => `  ${describe(file, fault)}`)
  return new EsteiraError('ESTEIRA_CONFIG', [`${file} has ${count}:`, ...lines].join('\n'), {
    hint: `Correct ${sorted.length === 1 ? 'the line' : 'the lines'} named in ${file}; nothing was started.`,
    details: {
      file,
      faults: sorted.map(({ path, line, expected, found }) => ({ line, path: showPath(path), expected, found })),
    },
  })
}

function describe(file: string, fault: PlacedFault): string {
  const place = `${file}:${fault.line} ${showPath(fault.path)}`
  if (fault.validKeys !== undefined) return `${place}: unknown key, ${suggestKey(fault.path, fault.validKeys)}`
  const found = fault.found === undefined ? '' : `, found ${fault.found}`
  const meant = fault.near === undefined ? undefined : nearest(unquote(fault.found ?? ''), fault.near)
  return `${place}: expected ${fault.expected}${found}${meant === undefined ? '' : `; did you mean ${meant}?`}`
}

function suggestKey(path: Fault['path'], validKeys: readonly string[]): string {
  const meant = nearest(String(path.at(-1)), validKeys)
  return meant === undefined ? `expected one of ${validKeys.join(', ')}` : `did you mean ${meant}?`
}

function unquote(text: string): string {
  return text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text
}

/** `batch.pipeline.steps[0].id` */
function showPath(path: Fault['path']): string {
  if (path.length === 0) return '(top)'
  return path.map((key, index) => (typeof key === 'number' ? `[${key}]` : index === 0 ? key : `.${key}`)).join('')
}

/** A value on one line and in at most 40 characters. */
export function showValue(value: unknown): string {
  if (value === undefined) return 'nothing'
  const text = JSON.stringify(value)
  return text.length > 40 ? `${text.slice(0, 39)}…` : text
}
