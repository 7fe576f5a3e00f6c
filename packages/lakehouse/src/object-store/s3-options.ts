import type { S3Client } from '@aws-sdk/client-s3'

/** How objects are encrypted where they rest; without it, as the bucket's own setting says (SSE-S3 at least). */
export type S3Encryption =
  | { readonly type: 'AES256' }
  /** A KMS key: id, ARN or alias; without one, the account's key for S3. */
  | { readonly type: 'aws:kms'; readonly keyId?: string }

export interface S3ObjectStoreOptions {
  readonly bucket: string
  /** Keys are below it; default the whole bucket. */
  readonly prefix?: string
  /** Default: as the AWS SDK finds it (`AWS_REGION`, the profile). */
  readonly region?: string
  /** Address of a server that speaks S3, instead of AWS. */
  readonly endpoint?: string
  /** The bucket in the path instead of the host name, as most servers beside AWS need it; default: when there is an endpoint. */
  readonly forcePathStyle?: boolean
  readonly encryption?: S3Encryption
  /** A new unique id, a UUID: marks each write, so that a write whose answer was lost is known again. */
  readonly newId: () => string
  /** The folder that copies for `localPath` go to; asked for at the first copy. The caller removes it. */
  readonly scratchFolder: () => Promise<string>
  /** In [0, 1): spreads the retries. Default: drawn from `newId`. */
  readonly random?: () => number
  readonly sleep?: (ms: number, signal: AbortSignal | undefined) => Promise<void>
  /** How often a request is sent at most; default 6. */
  readonly attempts?: number
  /** How long the server may be silent; default 30,000. */
  readonly timeoutMs?: number
  /** Larger objects are sent and copied in parts of this size, four at a time; default 8 MiB, at least 5 MiB on AWS. */
  readonly partSizeBytes?: number
  /** A client of one's own, with its own region, credentials and time-outs. It should not retry by itself. */
  readonly client?: S3Client
}
