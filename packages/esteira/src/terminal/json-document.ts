import { asEsteiraError } from '@esteira/core'
import { print } from './style.js'

let isPrinted = false

/** Prints the one JSON document of a command that was given `--json`. */
export function printDocument(value: unknown): void {
  isPrinted = true
  print(JSON.stringify(value))
}

/** The document of a command that failed before it had one: `{"error": {code, message, hint, details, exitCode}}`. */
export function printFailureDocument(error: unknown): void {
  if (isPrinted) return
  const { code, message, hint, details, exitCode } = asEsteiraError(error)
  printDocument({ error: { code, message, hint: hint ?? null, details, exitCode } })
}
