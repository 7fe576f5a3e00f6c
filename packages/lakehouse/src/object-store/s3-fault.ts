/** What is worth knowing of a failed S3 request. Nothing of the request is kept: it holds the session token. */
export interface S3Fault {
  /** S3's code (`NoSuchKey`), the name of the system error (`ECONNRESET`) or of the error. */
  readonly name: string
  readonly message: string
  readonly status: number | undefined
  readonly requestId: string | undefined
  /** Where the bucket really is, when S3 says so. */
  readonly bucketRegion: string | undefined
  /** The same request may succeed later. */
  readonly retryable: boolean
  /** The server asks for fewer requests. */
  readonly throttled: boolean
}

const THROTTLED = /^(SlowDown|Throttling.*|TooManyRequests.*|RequestLimitExceeded|BandwidthLimitExceeded)$/
const RETRYABLE =
  /^(InternalError|ServiceUnavailable|RequestTimeout|RequestTimeTooSkewed|OperationAborted|ConditionalRequestConflict|IncompleteBody|XAmzContentChecksumMismatch|BadDigest|TimeoutError|BrokenBody)$/
const NETWORK =
  /^(ECONNRESET|ECONNREFUSED|ECONNABORTED|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENETDOWN|ENOTFOUND|EAI_AGAIN|EPROTO|HPE_.*|ERR_STREAM_PREMATURE_CLOSE|ERR_SSL_.*)$/
const RETRYABLE_STATUS: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504])

/** Reads an error of the AWS SDK, of Node's network layer, or any other. */
export function readFault(error: unknown): S3Fault {
  const metadata = fieldOf(error, '$metadata')
  const status = numberOf(fieldOf(metadata, 'httpStatusCode'))
  const system = textOf(fieldOf(error, 'code')) ?? codeWithin(error)
  const own = error instanceof Error ? error.name : 'unknown'
  const name = system !== undefined && NETWORK.test(system) ? system : (textOf(fieldOf(error, 'Code')) ?? own)
  const throttled = THROTTLED.test(name) || status === 429
  return {
    name,
    message: error instanceof Error ? error.message : String(error),
    status,
    requestId: textOf(fieldOf(metadata, 'requestId')),
    bucketRegion: regionOf(error),
    retryable:
      throttled || RETRYABLE.test(name) || NETWORK.test(name) || (status !== undefined && RETRYABLE_STATUS.has(status)),
    throttled,
  }
}

/** Node gives several refused connections (IPv4 and IPv6) as one error around them. */
function codeWithin(error: unknown): string | undefined {
  const inner = error instanceof AggregateError ? error.errors[0] : fieldOf(error, 'cause')
  return textOf(fieldOf(inner, 'code'))
}

function regionOf(error: unknown): string | undefined {
  const headers = fieldOf(fieldOf(error, '$response'), 'headers')
  return textOf(fieldOf(headers, 'x-amz-bucket-region')) ?? textOf(fieldOf(error, 'Region'))
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined
}
