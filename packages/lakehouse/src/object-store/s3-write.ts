import type { CreateMultipartUploadCommandInput } from '@aws-sdk/client-s3'
import type { ByteSource } from './byte-source.js'
import { readFault } from './s3-fault.js'
import { writeInParts } from './s3-multipart.js'
import type { S3Encryption } from './s3-options.js'
import type { S3, S3Request, S3Session } from './s3-session.js'

export interface S3Write {
  readonly key: string
  readonly source: ByteSource
  readonly ifAbsent: boolean
  readonly signal: AbortSignal | undefined
}

export interface WriteSettings {
  readonly encryption: S3Encryption | undefined
  readonly partSizeBytes: number
}

/** Metadata of every object we write: the id of the write. It tells whose object it is when an answer was lost. */
const WRITE_ID = 'esteira-write'

/** False when `ifAbsent` and the object exists. */
export async function writeS3Object(session: S3Session, write: S3Write, settings: WriteSettings): Promise<boolean> {
  const writeId = session.newId()
  const object = describeObject(session, write, settings, writeId)
  const request: S3Request = { doing: 'write', key: write.key, signal: write.signal }
  const finish = (commit: (s3: S3) => Promise<unknown>) => settle(session, request, write.ifAbsent, writeId, commit)
  const { sizeBytes } = write.source
  if (sizeBytes > 2 * settings.partSizeBytes)
    return writeInParts({ session, request, object, finish, ...write, partSizeBytes: settings.partSizeBytes })
  const body = await write.source.read(0, sizeBytes)
  return finish(({ sdk, client }) => {
    const command = new sdk.PutObjectCommand({
      ...object,
      Body: body,
      ...(write.ifAbsent && { IfNoneMatch: '*' }),
    })
    return client.send(command, write.signal === undefined ? {} : { abortSignal: write.signal })
  })
}

function describeObject(
  session: S3Session,
  { key }: S3Write,
  { encryption }: WriteSettings,
  writeId: string,
): CreateMultipartUploadCommandInput {
  return {
    Bucket: session.bucket,
    Key: key,
    ContentType: contentTypeOf(key),
    Metadata: { [WRITE_ID]: writeId },
    ...(encryption !== undefined && { ServerSideEncryption: encryption.type }),
    ...(encryption?.type === 'aws:kms' && encryption.keyId !== undefined && { SSEKMSKeyId: encryption.keyId }),
  }
}

/** A report opened from the bucket shows as a page, not as a download. */
function contentTypeOf(key: string): string {
  const types: Readonly<Record<string, string>> = {
    html: 'text/html; charset=utf-8',
    json: 'application/json',
    csv: 'text/csv',
    md: 'text/markdown; charset=utf-8',
    png: 'image/png',
  }
  return types[key.slice(key.lastIndexOf('.') + 1)] ?? 'application/octet-stream'
}

/**
 * Sends the one request that makes the object visible, until it is known whether it did: an attempt whose answer was lost
 * may have succeeded, and then its repetition finds "our own" object in the way.
 */
async function settle(
  session: S3Session,
  request: S3Request,
  ifAbsent: boolean,
  writeId: string,
  commit: (s3: S3) => Promise<unknown>,
): Promise<boolean> {
  let unknown = false
  try {
    return await session.send(request, async (s3) => {
      try {
        // THE COMMIT POINT of an object in S3: one request, which happens whole or not at all.
        await commit(s3)
        return true
      } catch (error) {
        const { status, name, retryable } = readFault(error)
        const refused = (ifAbsent && status === 412) || (unknown && name === 'NoSuchUpload')
        const repeated = unknown || attemptsOf(error) > 1
        if (refused && status === 412 && !repeated) return false
        if (refused) {
          const now = await ownerOf(s3, session.bucket, request)
          if (now === writeId) return true
          if (ifAbsent && now !== undefined) return false
        }
        unknown ||= retryable
        throw error
      }
    })
  } catch (error) {
    // Out of attempts, or stopped: the last answer may be the one that was lost.
    const now = unknown ? await lastLook(session, request) : undefined
    if (now === writeId) return true
    if (ifAbsent && now !== undefined) return false
    throw error
  }
}

/** How often a client of the caller's own has sent the request. */
function attemptsOf(error: unknown): number {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return 1
  const { $metadata: metadata } = error
  const attempts =
    typeof metadata === 'object' && metadata !== null && 'attempts' in metadata ? metadata.attempts : undefined
  return typeof attempts === 'number' ? attempts : 1
}

/** Id of the write that made the object, '' when somebody else's tool did; undefined when there is no object. */
async function ownerOf({ sdk, client }: S3, bucket: string, { key }: S3Request): Promise<string | undefined> {
  try {
    const { Metadata: metadata } = await client.send(new sdk.HeadObjectCommand({ Bucket: bucket, Key: key }))
    return metadata?.[WRITE_ID] ?? ''
  } catch (error) {
    if (readFault(error).status === 404) return undefined
    throw error
  }
}

async function lastLook(session: S3Session, request: S3Request): Promise<string | undefined> {
  const once = { ...request, doing: 'read', signal: undefined, attempts: 1 } as const
  return session.send(once, (s3) => ownerOf(s3, session.bucket, request)).catch(() => undefined)
}
