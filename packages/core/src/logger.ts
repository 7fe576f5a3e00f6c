/** Facts of one log line. Values are small; secrets and rows never get here. */
export type LogFields = Readonly<Record<string, unknown>>

/** Structured log of a run: JSON lines when not on a terminal, readable lines when on one (made in `packages/esteira`). */
export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** Progress of long work: `done` of `total` units; shown in place on a terminal, at most once a second otherwise. */
  progress(message: string, done: number, total: number): void
}

/** A logger that says nothing: the default of library calls made without a run. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  progress() {},
}
