/**
 * Every way Esteira fails, with the exit code a step ends with. The list is closed; each code stands in `docs/errors.md`.
 *
 * 64 bad usage or configuration · 65 data refused · 70 defect or unknown failure · 75 temporary failure, try again.
 */
export const ERROR_CODES = {
  ESTEIRA_USAGE: 64,
  ESTEIRA_CONFIG: 64,
  ESTEIRA_PROJECT: 64,
  ESTEIRA_SOURCE_MISSING: 64,
  ESTEIRA_TABLE_MISSING: 64,
  ESTEIRA_COLUMN_MISSING: 64,
  ESTEIRA_MODEL_TYPE: 64,
  ESTEIRA_MODEL_MISSING: 64,
  ESTEIRA_HYPERPARAMETER: 64,
  ESTEIRA_NATIVE_LIBRARY: 64,
  ESTEIRA_OPTIONAL_PACKAGE: 64,
  ESTEIRA_UNSUPPORTED: 64,
  ESTEIRA_SQL: 64,
  ESTEIRA_ACCESS_DENIED: 64,
  ESTEIRA_RUN_BUSY: 64,
  ESTEIRA_STEP_RESULT_MISSING: 64,
  ESTEIRA_SOURCE_EMPTY: 65,
  ESTEIRA_SOURCE_FORMAT: 65,
  ESTEIRA_SOURCE_TYPE: 65,
  ESTEIRA_SOURCE_STALE: 65,
  ESTEIRA_NO_DATA: 65,
  ESTEIRA_FEATURES_REFUSED: 65,
  ESTEIRA_COLUMN_NULL: 65,
  ESTEIRA_KEY_DUPLICATE: 65,
  ESTEIRA_TARGET: 65,
  ESTEIRA_SIGNATURE: 65,
  ESTEIRA_GATE_FAILED: 65,
  ESTEIRA_DRIFT_FOUND: 65,
  ESTEIRA_MODEL_CORRUPT: 65,
  ESTEIRA_TABLE_CORRUPT: 70,
  ESTEIRA_CATALOG_CORRUPT: 70,
  ESTEIRA_MLFLOW: 70,
  ESTEIRA_STEP_FAILED: 70,
  ESTEIRA_INTERNAL: 70,
  ESTEIRA_COMMIT_CONFLICT: 75,
  ESTEIRA_CATALOG_BUSY: 75,
  ESTEIRA_MLFLOW_UNAVAILABLE: 75,
  ESTEIRA_STORE_UNAVAILABLE: 75,
  ESTEIRA_DISK_FULL: 75,
  ESTEIRA_INTERRUPTED: 75,
} as const

export type ErrorCode = keyof typeof ERROR_CODES

/** The process exit codes of the step contract. */
export type ExitCode = 0 | (typeof ERROR_CODES)[ErrorCode]

export interface EsteiraErrorOptions {
  /** What to do next, one or more full sentences. */
  readonly hint?: string
  /** Facts for logs and programs: file, field, value, expectation. Never secrets, never whole rows. */
  readonly details?: Readonly<Record<string, unknown>>
  readonly cause?: unknown
}

/**
 * The one error class of Esteira. The message says what failed, where, what was expected and what came;
 * {@link EsteiraError.hint} says what to do. Branch on {@link EsteiraError.code}, never on text.
 *
 * @example
 * throw new EsteiraError('ESTEIRA_TABLE_MISSING', 'table silver.churn_transactions does not exist', {
 *   hint: 'Run process_silver first: npx esteira run training --project projects/churn --only process_silver',
 * })
 */
export class EsteiraError extends Error {
  override readonly name = 'EsteiraError'
  readonly code: ErrorCode
  readonly hint: string | undefined
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, message: string, options: EsteiraErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.hint = options.hint
    this.details = options.details ?? {}
  }

  /** The exit code of a step that ends with this error. */
  get exitCode(): ExitCode {
    return ERROR_CODES[this.code]
  }

  /** True when the same call may succeed later without any change (exit code 75). */
  get retryable(): boolean {
    return this.exitCode === 75
  }
}

/** Up to five example values of at most 40 characters, quoted, for an error message. */
export function exampleValues(values: readonly unknown[]): string {
  const shown = values.slice(0, 5).map((value) => {
    const text = typeof value === 'string' ? value : String(value)
    return JSON.stringify(text.length > 40 ? `${text.slice(0, 39)}…` : text)
  })
  return shown.join(', ') + (values.length > 5 ? ', …' : '')
}

/** The candidate nearest to `word` by edit distance, when it is near enough to be a likely typing mistake. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase())
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const current = [i]
    for (let j = 1; j <= b.length; j++) {
      const substituted = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      current.push(Math.min((previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1, substituted))
    }
    previous = current
  }
  return previous[b.length] ?? 0
}
