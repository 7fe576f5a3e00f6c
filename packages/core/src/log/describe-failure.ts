import { EsteiraError } from '../errors.js'

/**
 * An error as a person reads it: what failed, what to do, exit code, code and the page that explains it. No stack: a defect of
 * Esteira itself (an unexpected error) shows its first stack line, enough to report it.
 */
export function describeFailure(error: unknown, where: string): string {
  const known = asEsteiraError(error)
  const indent = '  '
  const hint = known.hint === undefined ? [] : known.hint.split('\n').map((line) => indent + line)
  const code = known.code.toLowerCase()
  return [
    `✗ ${where}   ${known.message.split('\n').join(`\n${indent}`)}`,
    ...hint,
    `${indent}exit ${known.exitCode} · ${known.code} · docs/errors.md#${code}`,
  ].join('\n')
}

const NO_SPACE: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])
const NO_ACCESS: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EROFS'])

/**
 * The error itself, or ESTEIRA_INTERNAL around anything unexpected; an abort becomes ESTEIRA_INTERRUPTED, a full disk (or a
 * quota, or a limit on file sizes) ESTEIRA_DISK_FULL, a refused access ESTEIRA_ACCESS_DENIED.
 */
export function asEsteiraError(error: unknown): EsteiraError {
  if (error instanceof EsteiraError) return error
  // Two copies of this package in one process (a notebook) still share the shape.
  if (error instanceof Error && error.name === 'EsteiraError' && 'code' in error && 'exitCode' in error)
    return error as EsteiraError
  if (error instanceof Error && error.name === 'AbortError') {
    return new EsteiraError('ESTEIRA_INTERRUPTED', 'stopped on request', {
      cause: error,
      hint: 'Run it again: it goes on from the last commit.',
    })
  }
  const systemCode = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (NO_SPACE.has(systemCode)) {
    return new EsteiraError('ESTEIRA_DISK_FULL', `no space left on the device: ${String(error)}`, {
      cause: error,
      hint: 'Free some space and run it again; what was there before is unchanged.',
    })
  }
  if (NO_ACCESS.has(systemCode)) {
    return new EsteiraError('ESTEIRA_ACCESS_DENIED', `access refused: ${String(error)}`, {
      cause: error,
      hint: 'Give this user the right to it, or point ESTEIRA_HOME to a folder it may write to.',
    })
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  const at = error instanceof Error ? error.stack?.split('\n').find((line) => line.trim().startsWith('at ')) : undefined
  return new EsteiraError('ESTEIRA_INTERNAL', `unexpected failure: ${message}`, {
    cause: error,
    hint: `This is a defect of Esteira; please report it with this line: ${at?.trim() ?? 'no stack'}`,
  })
}
