import { fileURLToPath, pathToFileURL } from 'node:url'
import { EsteiraError } from '@esteira/core'

/** `file://` address of a local path, percent-encoded as Python's `urllib` reads it. */
export function toFileUri(path: string): string {
  return pathToFileURL(path).href
}

/** Address of something below an artifact address. */
export function appendToUri(uri: string, ...segments: readonly string[]): string {
  const base = uri.endsWith('/') ? uri.slice(0, -1) : uri
  return [base, ...segments].join('/')
}

/**
 * Local path of an artifact address: a `file://` address, or a plain absolute path as MLflow itself writes for its
 * Default experiment.
 * @throws ESTEIRA_UNSUPPORTED for any other kind of storage.
 */
export function toLocalPath(uri: string): string {
  if (uri.startsWith('file:')) return fileURLToPath(uri)
  if (uri.startsWith('/') || /^[A-Za-z]:[\\/]/.test(uri)) return uri
  throw new EsteiraError('ESTEIRA_UNSUPPORTED', `artifacts at ${uri} cannot be reached from here`, {
    hint: 'Artifacts are read and written in local folders (file://) and through an MLflow server started with --serve-artifacts.',
    details: { uri },
  })
}
