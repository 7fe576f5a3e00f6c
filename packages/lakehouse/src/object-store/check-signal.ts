import { EsteiraError } from '@esteira/core'

/** @throws EsteiraError ESTEIRA_INTERRUPTED when the caller has asked to stop */
export function checkSignal(signal: AbortSignal | undefined, doing: string, address: string): void {
  if (signal?.aborted === true) throw interrupted(doing, address)
}

/** `doing` as in "stopped before it could <doing> <address>". */
export function interrupted(doing: string, address: string): EsteiraError {
  return new EsteiraError('ESTEIRA_INTERRUPTED', `stopped on request before it could ${doing} ${address}`, {
    hint: 'Run it again: it goes on from the last finished step.',
    details: { address },
  })
}
