import { createHash } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import type { S3Client } from '@aws-sdk/client-s3'
import { EsteiraError } from '@esteira/core'
import { checkSignal } from './check-signal.js'
import { describeS3Error } from './describe-s3-error.js'
import { readFault, type S3Fault } from './s3-fault.js'
import type { S3ObjectStoreOptions } from './s3-options.js'

/** The SDK and a client of it, loaded at the first request. */
export interface S3 {
  readonly sdk: typeof import('@aws-sdk/client-s3')
  readonly client: S3Client
}

export interface S3Request {
  /** As in "cannot <doing> <key>". */
  readonly doing: 'read' | 'write' | 'list' | 'delete'
  /** The whole key in the bucket, with the store's prefix. */
  readonly key: string
  readonly signal: AbortSignal | undefined
  readonly attempts?: number
}

/** Sends requests to one bucket, each again after a failure that may pass. */
export interface S3Session {
  readonly bucket: string
  readonly newId: () => string
  /**
   * Gives what `attempt` gives; it is called again after a temporary failure, with growing, random waits between.
   * Errors of the SDK become EsteiraErrors, an abort ESTEIRA_INTERRUPTED.
   */
  send<T>(request: S3Request, attempt: (s3: S3) => Promise<T>): Promise<T>
}

const ATTEMPTS = 6
const TIMEOUT_MS = 30_000
const FIRST_WAIT_MS = 100
const FIRST_WAIT_WHEN_THROTTLED_MS = 500
const LONGEST_WAIT_MS = 10_000

export function openSession(options: S3ObjectStoreOptions): S3Session {
  const { bucket, newId, sleep = pause, random = () => fractionOf(newId()) } = options
  let connecting: Promise<S3> | undefined
  const connected = (): Promise<S3> => {
    connecting ??= connect(options)
    return connecting
  }
  return {
    bucket,
    newId,
    async send({ doing, key, signal, attempts = options.attempts ?? ATTEMPTS }, attempt) {
      const address = `s3://${bucket}/${key}`
      for (let tries = 1; ; tries++) {
        checkSignal(signal, doing, address)
        try {
          return await attempt(await connected())
        } catch (error) {
          if (error instanceof EsteiraError) throw error
          checkSignal(signal, doing, address)
          const fault = readFault(error)
          if (!fault.retryable || tries >= attempts) {
            const place = { bucket, address, region: options.region, endpoint: options.endpoint }
            throw describeS3Error(fault, doing, place, tries)
          }
          await sleep(waitFor(fault, tries, random()), signal)
        }
      }
    },
  }
}

/** The one place that loads the SDK. */
async function connect(options: S3ObjectStoreOptions): Promise<S3> {
  const sdk = await import('@aws-sdk/client-s3')
  if (options.client !== undefined) return { sdk, client: options.client }
  const { region, endpoint, forcePathStyle = endpoint !== undefined, timeoutMs = TIMEOUT_MS } = options
  const client = new sdk.S3Client({
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
    forcePathStyle,
    // This file decides what is sent again: it must know when the outcome of an attempt is unknown.
    maxAttempts: 1,
    requestHandler: { connectionTimeout: timeoutMs, socketTimeout: timeoutMs },
  })
  return { sdk, client }
}

/** Exponential with full jitter: writers that failed together must not come back together. */
function waitFor({ throttled }: S3Fault, tries: number, random: number): number {
  const first = throttled ? FIRST_WAIT_WHEN_THROTTLED_MS : FIRST_WAIT_MS
  return Math.round((0.1 + 0.9 * random) * Math.min(LONGEST_WAIT_MS, first * 2 ** (tries - 1)))
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  // An abort ends the wait; the loop then sees the signal.
  await setTimeout(ms, undefined, { signal }).catch(() => {})
}

function fractionOf(id: string): number {
  return createHash('sha256').update(id).digest().readUInt32BE(0) / 2 ** 32
}
