import type { Readable } from 'node:stream'
import { EsteiraError } from '@esteira/core'
import type { Agent, request } from 'undici'
import type { z } from 'zod'
import type { ServerAddress } from './address.js'
import { type Asked, describe, errorCodeOf, readJson, toFailure } from './answer.js'
import { type RetryPolicy, TemporaryFailure, withRetries } from './retry.js'

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below the server's address, as in `/api/2.0/mlflow/runs/get`. */
  readonly path: string
  readonly query?: Readonly<Record<string, string | readonly string[]>>
  readonly json?: unknown
}

export interface TransportOptions {
  readonly address: ServerAddress
  readonly agent: Agent
  readonly request: typeof request
  readonly policy: RetryPolicy
  readonly now: () => Date
  readonly signal?: AbortSignal
}

interface Sent {
  readonly url: string
  readonly asked: Asked
  readonly method: Call['method']
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Readable
}

/** Requests to one MLflow server: address, credentials, retries, errors. */
export class Transport {
  readonly uri: string
  readonly #options: TransportOptions

  constructor(options: TransportOptions) {
    this.#options = options
    this.uri = options.address.uri
  }

  /** A call that does the same when it is made twice; tried again after a temporary failure. */
  async call<T>(answer: z.ZodType<T>, call: Call): Promise<T> {
    return withRetries(this.#options.policy, () => this.#callOnce(answer, call))
  }

  /** As {@link call}; undefined when the server says that there is no such thing. */
  async find<T>(answer: z.ZodType<T>, call: Call): Promise<T | undefined> {
    try {
      return await this.call(answer, call)
    } catch (error) {
      if (errorCodeOf(error) === 'RESOURCE_DOES_NOT_EXIST') return undefined
      throw error
    }
  }

  /**
   * A call that must not be made twice. After a temporary failure nobody knows whether the server did it:
   * `find` looks for its effect before it is sent again.
   */
  async create<T>(answer: z.ZodType<T>, call: Call, find: () => Promise<T | undefined>): Promise<T> {
    return withRetries(this.#options.policy, async (tries) => {
      const done = tries === 0 ? undefined : await find()
      return done ?? this.#callOnce(answer, call)
    })
  }

  /** Uploads a body that is made anew for each try. */
  async upload(url: string, makeBody: () => Readable, sizeBytes: number): Promise<void> {
    await withRetries(this.#options.policy, async () => {
      const headers = { 'content-length': String(sizeBytes), 'content-type': 'application/octet-stream' }
      const sent = { url, method: 'PUT' as const, headers, body: makeBody(), asked: this.#asked('PUT', url) }
      await this.#send(sent, async (body) => body.resume())
    })
  }

  /** Gives the body of a good answer to `consume`, which is called again when a try breaks half way. */
  async download(url: string, consume: (body: Readable) => Promise<void>): Promise<void> {
    await withRetries(this.#options.policy, async () => {
      await this.#send({ url, method: 'GET', headers: {}, asked: this.#asked('GET', url) }, consume)
    })
  }

  async close(): Promise<void> {
    if (!this.#options.agent.closed) await this.#options.agent.close()
  }

  async #callOnce<T>(answer: z.ZodType<T>, call: Call): Promise<T> {
    const search = new URLSearchParams()
    for (const [key, value] of Object.entries(call.query ?? {})) {
      for (const item of typeof value === 'string' ? [value] : value) search.append(key, item)
    }
    const asked = this.#asked(call.method, call.path)
    const sent: Sent = {
      url: `${this.uri}${call.path}${search.size === 0 ? '' : `?${search}`}`,
      asked,
      method: call.method,
      headers: call.json === undefined ? {} : { 'content-type': 'application/json' },
      ...(call.json === undefined ? {} : { body: JSON.stringify(call.json) }),
    }
    const found = await this.#send(sent, async (body, status, contentType) =>
      readJson({ status, contentType, retryAfter: undefined, text: await readText(body) }, asked),
    )
    const parsed = answer.safeParse(found)
    if (parsed.success) return parsed.data
    throw new EsteiraError('ESTEIRA_MLFLOW', `${describe(asked)} gave an answer of an unknown form`, {
      hint: 'The server may be of a version that is not supported; 3.0 and newer are.',
      details: { ...asked, issues: parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) },
    })
  }

  /** One request. Network failures and the statuses worth another try become {@link TemporaryFailure}. */
  async #send<T>(sent: Sent, read: (body: Readable, status: number, contentType: string) => Promise<T>): Promise<T> {
    const { request, agent, signal, now } = this.#options
    try {
      const response = await request(sent.url, {
        method: sent.method,
        headers: { ...sent.headers, ...this.#authorization(sent.url), 'user-agent': 'esteira' },
        dispatcher: agent,
        ...(sent.body === undefined ? {} : { body: sent.body }),
        ...(signal === undefined ? {} : { signal }),
      })
      const status = response.statusCode
      const contentType = header(response.headers['content-type']) ?? ''
      if (status >= 200 && status < 300) return await read(response.body, status, contentType)
      const retryAfter = header(response.headers['retry-after'])
      const text = await readText(response.body)
      throw toFailure({ status, contentType, retryAfter, text }, sent.asked, now().getTime())
    } catch (error) {
      if (error instanceof EsteiraError || error instanceof TemporaryFailure) throw error
      throw this.#networkFailure(error, sent.asked)
    }
  }

  #networkFailure(error: unknown, asked: Asked): unknown {
    if (this.#options.signal?.aborted === true) {
      return new EsteiraError('ESTEIRA_INTERRUPTED', `stopped while asking ${describe(asked)}`, { cause: error })
    }
    if (isLocalFault(error)) return error
    const reason = error instanceof Error ? error.message || error.name : String(error)
    return new TemporaryFailure(
      new EsteiraError('ESTEIRA_MLFLOW_UNAVAILABLE', `${describe(asked)} cannot be reached: ${reason}`, {
        hint: 'Check that the server runs and that MLFLOW_TRACKING_URI is its address.',
        details: { ...asked },
        cause: error,
      }),
    )
  }

  /** Credentials go to the tracking server only, not to another host that an artifact address may name. */
  #authorization(url: string): Readonly<Record<string, string>> {
    const { authorization, uri } = this.#options.address
    return authorization !== undefined && new URL(url).origin === new URL(uri).origin ? { authorization } : {}
  }

  #asked(method: string, pathOrUrl: string): Asked {
    return { server: this.uri, method, path: pathOrUrl.replace(this.uri, '') }
  }
}

/** A fault of this machine's files (a full disk, no permission), which no other try mends. */
function isLocalFault(error: unknown): boolean {
  return (
    error instanceof Error &&
    'syscall' in error &&
    ['open', 'read', 'write'].includes(String(error.syscall)) &&
    'path' in error
  )
}

function header(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}

async function readText(body: Readable): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of body) parts.push(Buffer.from(part))
  return Buffer.concat(parts).toString('utf8')
}
