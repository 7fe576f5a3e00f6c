import { EsteiraError } from '@esteira/core'

/** The error of a statement that is outside the subset of `docs/sql-subset.md`. */
export function refuseSql(message: string, hint: string): EsteiraError {
  return new EsteiraError('ESTEIRA_SQL', message, { hint: `${hint} docs/sql-subset.md lists what can be written.` })
}
