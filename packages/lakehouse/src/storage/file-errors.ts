import { EsteiraError } from '@esteira/core'

/** A failure of the file system as one of our errors. */
export function fileError(action: 'read' | 'written', location: string, cause: unknown): EsteiraError {
  if (cause instanceof EsteiraError) return cause
  const code = (cause as NodeJS.ErrnoException | null)?.code ?? ''
  const details = { file: location, system: code }
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
    case 'EISDIR':
      return new EsteiraError('ESTEIRA_TABLE_CORRUPT', `file ${location} cannot be ${action}: it is not there`, {
        hint: 'Restore the file, or read an older snapshot of the table.',
        details,
        cause,
      })
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EFBIG':
      return new EsteiraError('ESTEIRA_DISK_FULL', `file ${location} cannot be written: no space left (${code})`, {
        hint: 'Free some disk space and run the same command again; the table is as it was.',
        details,
        cause,
      })
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new EsteiraError(
        'ESTEIRA_ACCESS_DENIED',
        `file ${location} cannot be ${action}: permission denied (${code})`,
        {
          hint: 'Give this user read and write access to the folder.',
          details,
          cause,
        },
      )
    default: {
      const reason = cause instanceof Error ? cause.message : String(cause)
      return new EsteiraError('ESTEIRA_INTERNAL', `file ${location} cannot be ${action}: ${reason}`, { details, cause })
    }
  }
}
