import { EsteiraError, type ObjectInfo, type ObjectStore } from '@esteira/core'
import { checkRange } from './byte-range.js'
import { bytesInMemory, withFileSource } from './byte-source.js'
import { interrupted } from './check-signal.js'
import { checkKey } from './object-key.js'
import { checkS3Address } from './s3-address.js'
import { downloadS3Object, type S3Copy } from './s3-download.js'
import { listS3 } from './s3-list.js'
import type { S3ObjectStoreOptions } from './s3-options.js'
import { readS3Object } from './s3-read.js'
import { openSession } from './s3-session.js'
import { writeS3Object } from './s3-write.js'
import { SharedCalls } from './shared-call.js'

const PART_SIZE_BYTES = 8 * 1024 * 1024

/**
 * An {@link ObjectStore} in an S3 bucket, below a prefix. Nothing is asked of S3 before the first call.
 *
 * An object is written by one request, which happens whole or not at all; a large one in parts that become visible with the
 * last request. `ifAbsent` is a conditional write: of many writers exactly one wins. Failures that may pass are tried again
 * with growing, random waits; a write whose answer was lost is resolved by looking which write made the object.
 *
 * @throws EsteiraError (all methods) ESTEIRA_USAGE for a key that is not allowed, a bucket that is missing or in another
 * region, ESTEIRA_ACCESS_DENIED for missing rights and refused or expired credentials, ESTEIRA_STORE_UNAVAILABLE when S3 does
 * not answer, ESTEIRA_INTERRUPTED; `upload` and `localPath` ESTEIRA_SOURCE_MISSING
 * @example
 * const objects = openS3ObjectStore({
 *   bucket: 'acme-ml', prefix: 'esteira/objects', newId: randomUUID, scratchFolder: () => mkdtemp(join(tmpdir(), 'esteira-')),
 * })
 * await objects.put('runs/r1/ingest_raw.json', '{"rows":3}', { ifAbsent: true }) // true, then false
 */
export function openS3ObjectStore(options: S3ObjectStoreOptions): ObjectStore {
  const { bucket, prefix } = checkS3Address({ bucket: options.bucket, prefix: options.prefix ?? '' })
  const session = openSession(options)
  const root = prefix === '' ? `s3://${bucket}` : `s3://${bucket}/${prefix}`
  const start = prefix === '' ? '' : `${prefix}/`
  const keyOf = (key: string): string => checkKey(start + checkKey(key))
  const { partSizeBytes = PART_SIZE_BYTES, encryption } = options
  const settings = { partSizeBytes, encryption }
  const copies = new Map<string, S3Copy>()
  const downloads = new SharedCalls<S3Copy | undefined>()
  return {
    root,
    locate: (key) => `s3://${bucket}/${keyOf(key)}`,
    async get(key, { signal } = {}) {
      const answer = await readS3Object(session, { key: keyOf(key), signal })
      return typeof answer === 'string' ? undefined : answer.bytes
    },
    async getRange(key, range, { signal } = {}) {
      const { offset, length } = checkRange(range, key)
      // S3 has no way to ask for nothing; a first byte tells whether there is an object.
      const asked = { offset, length: Math.max(1, length) }
      const answer = await readS3Object(session, { key: keyOf(key), signal }, { range: asked })
      if (answer === 'outside') return new Uint8Array(0)
      return typeof answer === 'string' ? undefined : answer.bytes.subarray(0, length)
    },
    async put(key, body, { ifAbsent = false, signal } = {}) {
      const source = bytesInMemory(typeof body === 'string' ? new TextEncoder().encode(body) : body)
      return writeS3Object(session, { key: keyOf(key), source, ifAbsent, signal }, settings)
    },
    async list(below, { signal } = {}): Promise<readonly ObjectInfo[]> {
      return listS3(session, start, below, signal)
    },
    async delete(key, { signal } = {}) {
      const request = { doing: 'delete', key: keyOf(key), signal } as const
      await session.send(request, ({ sdk, client }) =>
        client.send(
          new sdk.DeleteObjectCommand({ Bucket: bucket, Key: request.key }),
          signal === undefined ? {} : { abortSignal: signal },
        ),
      )
    },
    async upload(key, localPath, { signal } = {}) {
      const target = keyOf(key)
      await withFileSource(localPath, (source) =>
        writeS3Object(session, { key: target, source, ifAbsent: false, signal }, settings),
      )
    },
    async localPath(key, { signal } = {}) {
      const object = keyOf(key)
      const copying = downloads.call(object, signal, async (stop) => {
        const folder = await options.scratchFolder()
        const known = copies.get(object)
        return downloadS3Object({ session, key: object, folder, partSizeBytes, known, signal: stop })
      })
      const copy = await copying.catch((cause: unknown) => {
        if (signal?.aborted === true) throw interrupted('read', `s3://${bucket}/${object}`)
        throw cause
      })
      if (copy === undefined) throw absent(key, root)
      copies.set(object, copy)
      return copy.path
    },
  }
}

function absent(key: string, root: string): EsteiraError {
  return new EsteiraError('ESTEIRA_SOURCE_MISSING', `there is no object ${key} in ${root}`, {
    hint: 'Run the step that writes it first.',
    details: { key },
  })
}
