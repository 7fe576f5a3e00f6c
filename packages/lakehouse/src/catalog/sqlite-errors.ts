import { EsteiraError } from '@esteira/core'

/** What we found ourselves in a catalog that SQLite still reads. */
export class DamagedCatalog extends Error {
  override readonly name = 'DamagedCatalog'
}

/** A failure of the catalog database as one of our errors. SQLite's result codes: https://sqlite.org/rescode.html */
export function catalogError(cause: unknown, path: string): EsteiraError {
  if (cause instanceof EsteiraError) return cause
  const message = cause instanceof Error ? cause.message : String(cause)
  const code = codeOf(cause)
  const details = { file: path, sqlite: code }
  if (/^SQLITE_(BUSY|LOCKED)/.test(code) || /database (table )?is locked/i.test(message)) {
    return new EsteiraError('ESTEIRA_CATALOG_BUSY', `catalog ${path} is locked by another process`, {
      hint: 'Wait until the other program has finished with it and run the same command again; nothing was changed.',
      details,
      cause,
    })
  }
  if (
    cause instanceof DamagedCatalog ||
    /^SQLITE_(NOTADB|CORRUPT)/.test(code) ||
    /not a database|malformed/i.test(message)
  ) {
    return new EsteiraError(
      'ESTEIRA_CATALOG_CORRUPT',
      `catalog ${path} is not a readable SQLite database: ${message}`,
      {
        hint: 'Restore catalog.db from a copy. The tables themselves are safe in the lakehouse folder.',
        details,
        cause,
      },
    )
  }
  if (/^SQLITE_(FULL|IOERR_(WRITE|FSYNC|DIR_FSYNC|TRUNCATE))/.test(code) || /disk is full/i.test(message)) {
    return new EsteiraError('ESTEIRA_DISK_FULL', `catalog ${path} cannot be written: ${message}`, {
      hint: 'Free some disk space (or raise the limit) and run the same command again; nothing was changed.',
      details,
      cause,
    })
  }
  if (code === 'SQLITE_READONLY_DBMOVED') {
    return new EsteiraError('ESTEIRA_CATALOG_CORRUPT', `catalog ${path} was removed or replaced while it was open`, {
      hint: 'Put catalog.db back where it was and run the same command again; nothing was changed.',
      details,
      cause,
    })
  }
  if (/^SQLITE_(READONLY|CANTOPEN|PERM|AUTH)/.test(code) || /readonly database|unable to open/i.test(message)) {
    return new EsteiraError('ESTEIRA_ACCESS_DENIED', `catalog ${path} cannot be opened for writing: ${message}`, {
      hint: 'Give this user read and write access to the file and its folder.',
      details,
      cause,
    })
  }
  return new EsteiraError('ESTEIRA_CATALOG_CORRUPT', `catalog ${path} answered: ${message}`, {
    hint: 'Check the file with: sqlite3 catalog.db "PRAGMA integrity_check"',
    details,
    cause,
  })
}

function codeOf(cause: unknown): string {
  const code = (cause as { readonly code?: unknown } | null)?.code
  return typeof code === 'string' ? code : ''
}
