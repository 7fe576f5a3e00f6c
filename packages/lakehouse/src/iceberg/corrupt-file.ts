import { EsteiraError } from '@esteira/core'

/** The error of a file of a table whose content is not what it must be. */
export function corruptFile(what: string, location: string, cause: unknown): EsteiraError {
  if (cause instanceof EsteiraError) return cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new EsteiraError('ESTEIRA_TABLE_CORRUPT', `${what} ${location} cannot be read: ${reason}`, {
    hint: 'Restore the file, or read an older snapshot of the table.',
    details: { file: location },
    cause,
  })
}
