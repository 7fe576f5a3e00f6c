import { EsteiraError } from '@esteira/core'

/** @throws EsteiraError `ESTEIRA_INTERRUPTED` when the signal was aborted. */
export function interruptIfAborted(signal: AbortSignal | undefined, during: string): void {
  if (signal?.aborted !== true) return
  throw new EsteiraError('ESTEIRA_INTERRUPTED', `stopped in the middle of ${during}`, {
    hint: 'Nothing was written. Run it again with the same run id.',
  })
}
