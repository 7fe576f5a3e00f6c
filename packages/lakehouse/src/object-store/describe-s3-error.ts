import { type ErrorCode, EsteiraError } from '@esteira/core'
import type { S3Fault } from './s3-fault.js'

/** Where a request went, for messages. */
export interface S3Place {
  readonly bucket: string
  /** `s3://bucket/key`. */
  readonly address: string
  readonly region: string | undefined
  readonly endpoint: string | undefined
}

/** `doing` as in "cannot <doing> <address>". The message holds what S3 said, never a credential. */
export function describeS3Error(fault: S3Fault, doing: string, place: S3Place, attempts: number): EsteiraError {
  const { code, reason, hint } = explain(fault, place)
  const tried = fault.retryable && attempts > 1 ? ` (${attempts} attempts)` : ''
  return new EsteiraError(code, `cannot ${doing} ${place.address}: ${reason}${tried}`, {
    hint,
    details: withoutUndefined({
      address: place.address,
      endpoint: place.endpoint === undefined ? undefined : originOf(place.endpoint),
      s3Code: fault.name,
      status: fault.status,
      requestId: fault.requestId,
    }),
  })
}

interface Explanation {
  readonly code: ErrorCode
  readonly reason: string
  readonly hint: string
}

function explain(fault: S3Fault, place: S3Place): Explanation {
  const { name, status } = fault
  if (name === 'NoSuchBucket') {
    return {
      code: 'ESTEIRA_USAGE',
      reason: `there is no bucket ${place.bucket}`,
      hint: `Check ESTEIRA_HOME, or make the bucket: aws s3 mb s3://${place.bucket}`,
    }
  }
  if (name === 'NoSuchUpload') {
    return {
      code: 'ESTEIRA_STORE_UNAVAILABLE',
      reason: 'somebody ended the upload before it was complete',
      hint: 'Run it again. A lifecycle rule of the bucket may end uploads too early.',
    }
  }
  if (isWrongRegion(fault)) return wrongRegion(fault, place)
  if (/^(ExpiredToken.*|TokenRefreshRequired|RequestExpired)$/.test(name)) {
    return {
      code: 'ESTEIRA_ACCESS_DENIED',
      reason: 'the AWS credentials have expired',
      hint: 'Renew them (aws sso login, or new AWS_* variables) and run it again.',
    }
  }
  if (name === 'CredentialsProviderError') {
    return {
      code: 'ESTEIRA_ACCESS_DENIED',
      reason: 'there are no AWS credentials',
      hint: 'Sign in (aws sso login), set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the task a role.',
    }
  }
  if (/^(InvalidAccessKeyId|SignatureDoesNotMatch|InvalidToken|AuthFailure)$/.test(name)) {
    return {
      code: 'ESTEIRA_ACCESS_DENIED',
      reason: `S3 does not accept the AWS credentials (${name})`,
      hint: 'Check AWS_PROFILE, or AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN: they belong together.',
    }
  }
  if (status === 403 || status === 401 || /AccessDenied/.test(name) || name.startsWith('KMS.')) return denied(fault)
  if (fault.retryable) {
    return {
      code: 'ESTEIRA_STORE_UNAVAILABLE',
      reason: `the object store is not available: ${said(fault)}`,
      hint: 'Run it again later. When it stays so, check the network, AWS_REGION and AWS_ENDPOINT_URL_S3.',
    }
  }
  return {
    code: status === undefined ? 'ESTEIRA_INTERNAL' : 'ESTEIRA_UNSUPPORTED',
    reason: `S3 answered ${said(fault)}`,
    hint: 'The request id in the details lets AWS support find the request.',
  }
}

function isWrongRegion({ name, status, message }: S3Fault): boolean {
  if (/^(PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraintException)$/.test(name)) return true
  // The SDK has no name of its own for a missing region.
  return status === 301 || (status === undefined && /region is missing/i.test(message))
}

function wrongRegion({ bucketRegion }: S3Fault, { bucket, region }: S3Place): Explanation {
  if (region === undefined && bucketRegion === undefined) {
    return {
      code: 'ESTEIRA_USAGE',
      reason: 'no AWS region is set, or not the one of the bucket',
      hint: `Set AWS_REGION to the region of ${bucket}: aws s3api get-bucket-location --bucket ${bucket}`,
    }
  }
  const where = bucketRegion === undefined ? 'in another region' : `in ${bucketRegion}`
  const asked = region === undefined ? '' : `, not in ${region}`
  return {
    code: 'ESTEIRA_USAGE',
    reason: `bucket ${bucket} is ${where}${asked}`,
    hint:
      bucketRegion === undefined
        ? `Set AWS_REGION to the answer of: aws s3api get-bucket-location --bucket ${bucket}`
        : `Set AWS_REGION=${bucketRegion}.`,
  }
}

function denied(fault: S3Fault): Explanation {
  const isKey = fault.name.startsWith('KMS.') || /\bkms:/i.test(fault.message)
  return {
    code: 'ESTEIRA_ACCESS_DENIED',
    reason: `access denied: ${said(fault)}`,
    hint: isKey
      ? 'Allow this role kms:GenerateDataKey and kms:Decrypt on the key of the bucket.'
      : 'Allow this role s3:GetObject, s3:PutObject, s3:DeleteObject, s3:AbortMultipartUpload below the prefix, and s3:ListBucket on the bucket.',
  }
}

/** S3's own words, short; texts that look like a key or a token are left out. */
function said({ name, message }: S3Fault): string {
  const words = message.replace(/\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b|[A-Za-z0-9+/=_-]{40,}/g, '…').replace(/\s+/g, ' ')
  const short = words.length > 200 ? `${words.slice(0, 199)}…` : words
  return short === '' || short === name || short === 'UnknownError' ? name : `${name}: ${short}`
}

/** Without a user and password that somebody put into the address. */
function originOf(endpoint: string): string {
  return URL.canParse(endpoint) ? new URL(endpoint).origin : 'an endpoint that is no address'
}

function withoutUndefined(record: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined))
}
