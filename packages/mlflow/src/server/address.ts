import { EsteiraError } from '@esteira/core'

/** Who asks: a user with a password, or a token. */
export type MlflowAuth = { readonly username: string; readonly password: string } | { readonly token: string }

export interface ServerAddress {
  /** Without credentials and without a slash at the end; the server's own path prefix stays. */
  readonly uri: string
  readonly authorization?: string
}

/**
 * Splits the credentials, if any, off a tracking URI. They may never be in a message or in a log.
 * @throws ESTEIRA_CONFIG when it is no http address.
 */
export function readAddress(uri: string, auth: MlflowAuth | undefined): ServerAddress {
  const url = URL.canParse(uri) ? new URL(uri) : undefined
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new EsteiraError('ESTEIRA_CONFIG', 'the MLflow tracking URI is no http:// or https:// address', {
      hint: 'Set MLFLOW_TRACKING_URI to the server, as in https://mlflow.example.com, or leave it out for the local file.',
    })
  }
  const inUri = url.username === '' ? undefined : { username: decode(url.username), password: decode(url.password) }
  const authorization = toAuthorization(auth ?? inUri)
  const address = `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, '')}`
  return { uri: address, ...(authorization === undefined ? {} : { authorization }) }
}

function toAuthorization(auth: MlflowAuth | undefined): string | undefined {
  if (auth === undefined) return undefined
  if ('token' in auth) return `Bearer ${auth.token}`
  return `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}`
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
