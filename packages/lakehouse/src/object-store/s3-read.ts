import type { GetObjectCommandInput } from '@aws-sdk/client-s3'
import type { ByteRange } from '@esteira/core'
import { readFault } from './s3-fault.js'
import type { S3, S3Request, S3Session } from './s3-session.js'

export interface S3Part {
  readonly bytes: Uint8Array
  readonly etag: string | undefined
  /** MD5 of the whole object in hex, where its etag is that: written in one piece, not encrypted with a key of KMS. */
  readonly md5: string | undefined
  /** Of the whole object. */
  readonly sizeBytes: number
}

export interface ReadOptions {
  readonly range?: ByteRange
  /** `changed` when the object has another etag now. */
  readonly ifMatch?: string
  /** `same` when the object still has this etag. */
  readonly ifNoneMatch?: string
}

/** The object or a part of it, whole; `absent` when there is none, `outside` for a range behind its end. */
export async function readS3Object(
  session: S3Session,
  request: Omit<S3Request, 'doing'>,
  { range, ifMatch, ifNoneMatch }: ReadOptions = {},
): Promise<S3Part | 'absent' | 'outside' | 'changed' | 'same'> {
  const input: GetObjectCommandInput = {
    Bucket: session.bucket,
    Key: request.key,
    ...(range !== undefined && { Range: `bytes=${range.offset}-${range.offset + range.length - 1}` }),
    ...(ifMatch !== undefined && { IfMatch: ifMatch }),
    ...(ifNoneMatch !== undefined && { IfNoneMatch: ifNoneMatch }),
  }
  return session.send({ ...request, doing: 'read' }, async (s3) => {
    try {
      return await readOnce(s3, input, request.signal)
    } catch (error) {
      const { name, status } = readFault(error)
      if (name === 'NoSuchKey' || (status === 404 && name === 'NotFound')) return 'absent'
      if (name === 'InvalidRange' || status === 416) return 'outside'
      if (status === 412) return 'changed'
      if (status === 304) return 'same'
      throw error
    }
  })
}

async function readOnce(
  { sdk, client }: S3,
  input: GetObjectCommandInput,
  abortSignal: AbortSignal | undefined,
): Promise<S3Part> {
  const command = new sdk.GetObjectCommand(input)
  const answer = await client.send(command, abortSignal === undefined ? {} : { abortSignal })
  const { Body: body, ContentLength: promised, ContentRange: place, ETag: etag } = answer
  // The answer has begun well: whatever goes wrong from here on is the connection's fault, also a wrong checksum.
  const bytes = await body?.transformToByteArray().catch((cause: unknown) => {
    throw brokenBody(`the answer broke off: ${cause instanceof Error ? cause.message : String(cause)}`)
  })
  if (bytes === undefined) throw brokenBody('the answer has no body')
  const [from, to, total] = (/^bytes (\d+)-(\d+)\/(\d+)$/.exec(place ?? '') ?? []).slice(1).map(Number)
  // Not the length of the body as it came, but that of the part as S3 names it: something on the way may have cut both.
  const expected = from === undefined || to === undefined ? promised : to - from + 1
  if (expected !== undefined && bytes.length !== expected)
    throw brokenBody(`the answer has ${bytes.length} bytes of ${expected}`)
  const digest = answer.ServerSideEncryption === 'aws:kms' ? undefined : /^"([0-9a-f]{32})"$/.exec(etag ?? '')?.[1]
  return { bytes, etag, md5: digest, sizeBytes: total ?? bytes.length }
}

function brokenBody(message: string): Error {
  return Object.assign(new Error(message), { name: 'BrokenBody' })
}
