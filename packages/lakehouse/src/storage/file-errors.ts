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
    case 'EEXIST':
      if (action === 'written') return notWritable(location, 'something else is in its place', code, cause)
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
      return action === 'written'
        ? notWritable(location, 'permission denied', code, cause)
        : new EsteiraError('ESTEIRA_ACCESS_DENIED', `file ${location} cannot be read: permission denied (${code})`, {
            hint: 'Give this user read access to the file.',
            details,
            cause,
          })
    default: {
      const reason = cause instanceof Error ? cause.message : String(cause)
      return new EsteiraError('ESTEIRA_INTERNAL', `file ${location} cannot be ${action}: ${reason}`, { details, cause })
    }
  }
}

function notWritable(location: string, reason: string, code: string, cause: unknown): EsteiraError {
  return new EsteiraError('ESTEIRA_ACCESS_DENIED', `file ${location} cannot be written: ${reason} (${code})`, {
    hint: 'Give this user read and write access to the folder, and see that nothing else is in its place.',
    details: { file: location, system: code },
    cause,
  })
}
