import { setTimeout } from 'node:timers/promises'
import { EsteiraError } from '@esteira/core'
import type { MlflowStore } from '../mlflow-store.js'
import { type MlflowAuth, readAddress } from './address.js'
import { ServerRegistry } from './server-registry.js'
import { ServerTracking } from './server-tracking.js'
import { Transport } from './transport.js'

export interface MlflowServerOptions {
  /** Address of the server; credentials in it count when `auth` is not given. */
  readonly uri: string
  readonly auth?: MlflowAuth | undefined
  readonly now: () => Date
  /** A new unique id, a UUID. */
  readonly newId: () => string
  /** Who runs; becomes the tag `mlflow.user` of new runs. */
  readonly user?: string
  /** Stops waiting and sending when it is aborted. */
  readonly signal?: AbortSignal
  /** Tries after the first one; default 5, which waits about 15 to 30 seconds in all. */
  readonly retries?: number
  /** Longest wait for an answer, and for the next piece of it; default 120,000. */
  readonly timeoutMs?: number
  /** In [0, 1); spreads the waits of many clients. */
  readonly random?: () => number
  readonly sleep?: (milliseconds: number) => Promise<void>
}

/**
 * Tracking and registry of an MLflow server (3.0 or newer) over REST. Nothing is sent before the first call.
 *
 * Calls are tried again after network failures and the statuses 408, 429, 500, 502, 503 and 504, as long as
 * `Retry-After` or a growing wait says; a run, a logged model or a version is made once even when an answer gets lost:
 * each carries the tag `esteira.request_id` and is searched for before it is asked for again.
 * Artifacts go through the server's proxy (`--serve-artifacts`, the default), or straight to a `file://` folder.
 *
 * @throws ESTEIRA_CONFIG for an address that is not http; its methods throw ESTEIRA_MLFLOW_UNAVAILABLE,
 * ESTEIRA_ACCESS_DENIED and ESTEIRA_MLFLOW.
 * @example
 * const { tracking, close } = await openMlflowServer({
 *   uri: 'https://mlflow.example.com', auth: { username, password }, now: context.now, newId: context.newId,
 * })
 */
export async function openMlflowServer(options: MlflowServerOptions): Promise<MlflowStore> {
  const { uri, auth, now, newId, user = '', signal, retries = 5, timeoutMs = 120_000, random = () => 0.5 } = options
  const address = readAddress(uri, auth)
  const { Agent, request } = await import('undici')
  const transport = new Transport({
    address,
    agent: new Agent({ headersTimeout: timeoutMs, bodyTimeout: timeoutMs, connect: { timeout: timeoutMs } }),
    request,
    policy: { retries, random, sleep: options.sleep ?? ((milliseconds) => wait(milliseconds, signal)) },
    now,
    ...(signal === undefined ? {} : { signal }),
  })
  return {
    tracking: new ServerTracking(transport, { now, newId, user }),
    registry: new ServerRegistry(transport, newId),
    close: () => transport.close(),
  }
}

async function wait(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await setTimeout(milliseconds, undefined, { ...(signal === undefined ? {} : { signal }) })
  } catch (cause) {
    throw new EsteiraError('ESTEIRA_INTERRUPTED', 'stopped while waiting for the MLflow server', { cause })
  }
}
