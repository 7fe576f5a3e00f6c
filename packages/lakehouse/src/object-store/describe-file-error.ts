import { EsteiraError } from '@esteira/core'

/**
 * The error a person should see when a file operation failed.
 *
 * A full disk becomes `ESTEIRA_DISK_FULL` (try again after making room), a refused access `ESTEIRA_ACCESS_DENIED`,
 * a folder where a file is needed (or the reverse) `ESTEIRA_USAGE`. Every other error, and an error that is
 * described already, comes back as it is.
 *
 * @param doing What was being done, as in "cannot <doing> <path>": `write`, `read`, `list`.
 * @example
 * await writeFile(path, body).catch((cause) => { throw describeFileError(cause, 'write', path) })
 */
export function describeFileError(cause: unknown, doing: string, path: string): unknown {
  if (cause instanceof EsteiraError) return cause
  const code = fileErrorCode(cause)
  const details = { path, code }
  switch (code) {
    case 'EFBIG':
    case 'ENOSPC':
    case 'EDQUOT':
      return new EsteiraError('ESTEIRA_DISK_FULL', `cannot ${doing} ${path}: no space left on the device (${code})`, {
        hint: 'Free space on that disk, or move the local state with ESTEIRA_HOME, then run the same command again.',
        details,
        cause,
      })
    case 'EACCES':
    case 'EPERM':
    case 'EROFS': {
      const reason = code === 'EROFS' ? 'the file system is read-only' : 'permission denied'
      return new EsteiraError('ESTEIRA_ACCESS_DENIED', `cannot ${doing} ${path}: ${reason} (${code})`, {
        hint: 'Give this user access to that path, or point ESTEIRA_HOME at a folder it may write.',
        details,
        cause,
      })
    }
    case 'ENOTDIR':
    case 'EISDIR':
    case 'ENOTEMPTY':
    case 'EEXIST':
      return new EsteiraError(
        'ESTEIRA_USAGE',
        `cannot ${doing} ${path}: a file and a folder have the same name there (${code})`,
        {
          hint: 'Move what is at that path away, or choose another name.',
          details,
          cause,
        },
      )
    default:
      return cause
  }
}

/** The `code` of a Node file error (`ENOENT`), or undefined. */
export function fileErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
