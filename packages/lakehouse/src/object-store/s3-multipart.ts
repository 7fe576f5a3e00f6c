import type { CompletedPart, CreateMultipartUploadCommandInput } from '@aws-sdk/client-s3'
import type { ByteSource } from './byte-source.js'
import { inParallel } from './in-parallel.js'
import type { S3, S3Request, S3Session } from './s3-session.js'

const MOST_PARTS = 10_000
const PARTS_AT_ONCE = 4

interface PartsWrite {
  readonly session: S3Session
  readonly request: S3Request
  readonly object: CreateMultipartUploadCommandInput
  readonly source: ByteSource
  readonly ifAbsent: boolean
  readonly partSizeBytes: number
  /** Sends the commit until its outcome is known. */
  finish(commit: (s3: S3) => Promise<unknown>): Promise<boolean>
}

/**
 * Writes an object part by part, a few at a time, so that memory does not grow with it. Nothing is visible before the last
 * request; after a failure the parts are given back.
 */
export async function writeInParts(write: PartsWrite): Promise<boolean> {
  const { session, request, object, ifAbsent } = write
  const uploadId = await session.send(request, async ({ sdk, client }) => {
    const command = new sdk.CreateMultipartUploadCommand({ ...object, ChecksumAlgorithm: 'CRC32' })
    return (await client.send(command, abortable(request.signal))).UploadId
  })
  let isWritten = false
  try {
    const parts = await sendParts(write, uploadId)
    isWritten = await write.finish(({ sdk, client }) => {
      const command = new sdk.CompleteMultipartUploadCommand({
        Bucket: session.bucket,
        Key: request.key,
        UploadId: uploadId,
        MultipartUpload: { Parts: parts },
        ...(ifAbsent && { IfNoneMatch: '*' }),
      })
      return client.send(command, abortable(request.signal))
    })
    return isWritten
  } finally {
    if (!isWritten) await abandon(session, request, uploadId)
  }
}

async function sendParts(
  { session, request, source, partSizeBytes }: PartsWrite,
  uploadId: string | undefined,
): Promise<CompletedPart[]> {
  const size = Math.max(partSizeBytes, Math.ceil(source.sizeBytes / MOST_PARTS))
  const offsets = Array.from({ length: Math.ceil(source.sizeBytes / size) }, (_, index) => index * size)
  return inParallel(offsets, PARTS_AT_ONCE, request.signal, async (offset, index, signal) => {
    const body = await source.read(offset, Math.min(size, source.sizeBytes - offset))
    const number = index + 1
    return session.send({ ...request, signal }, async ({ sdk, client }) => {
      const command = new sdk.UploadPartCommand({
        Bucket: session.bucket,
        Key: request.key,
        UploadId: uploadId,
        PartNumber: number,
        Body: body,
      })
      const { ETag, ChecksumCRC32 } = await client.send(command, { abortSignal: signal })
      return { PartNumber: number, ETag, ...(ChecksumCRC32 !== undefined && { ChecksumCRC32 }) }
    })
  })
}

/** Also after a stop: parts that are left cost money until somebody finds them. A failure must not hide the first one. */
async function abandon(session: S3Session, request: S3Request, uploadId: string | undefined): Promise<void> {
  const input = { Bucket: session.bucket, Key: request.key, UploadId: uploadId }
  await session
    .send({ ...request, signal: undefined, attempts: 3 }, ({ sdk, client }) =>
      client.send(new sdk.AbortMultipartUploadCommand(input)),
    )
    .catch(() => {})
}

function abortable(abortSignal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return abortSignal === undefined ? {} : { abortSignal }
}
