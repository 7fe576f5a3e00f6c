import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { EsteiraError } from '@esteira/core'
import { describeFileError } from './describe-file-error.js'
import { inParallel } from './in-parallel.js'
import { readS3Object, type S3Part } from './s3-read.js'
import type { S3Session } from './s3-session.js'

const PARTS_AT_ONCE = 4
/** How often a copy is begun: the object may be replaced, or bytes damaged, on the way. */
const MOST_COPIES = 5

export interface S3Copy {
  readonly path: string
  readonly etag: string | undefined
  readonly sizeBytes: number
}

export interface DownloadOptions {
  readonly session: S3Session
  readonly key: string
  readonly folder: string
  readonly partSizeBytes: number
  /** A copy made before: it stays when the object is still the same. */
  readonly known: S3Copy | undefined
  readonly signal: AbortSignal
}

/** A local copy of the object as it is now, whole; undefined when there is none. */
export async function downloadS3Object(options: DownloadOptions): Promise<S3Copy | undefined> {
  const { session, key, signal, partSizeBytes } = options
  const known = (await isThere(options.known)) ? options.known : undefined
  for (let begun = 0; begun < MOST_COPIES; begun++) {
    const ifNoneMatch = known?.etag === undefined ? {} : { ifNoneMatch: known.etag }
    const range = { offset: 0, length: partSizeBytes }
    const answer = await readS3Object(session, { key, signal }, { range, ...ifNoneMatch })
    if (answer === 'absent') return undefined
    if (answer === 'same') return known
    // An empty object has no first byte.
    const first = typeof answer === 'string' ? await readS3Object(session, { key, signal }) : answer
    if (typeof first === 'string') continue
    const copy = await writeCopy(options, first)
    if (copy !== undefined) return copy
  }
  throw new EsteiraError(
    'ESTEIRA_STORE_UNAVAILABLE',
    `cannot read s3://${session.bucket}/${key}: of ${MOST_COPIES} copies each was damaged, or the object replaced meanwhile`,
    {
      hint: 'Run it again when nobody writes to it. When it stays so, something on the way changes bytes.',
      details: { key },
    },
  )
}

/** Undefined when the object was replaced, or bytes damaged, on the way. */
async function writeCopy(options: DownloadOptions, first: S3Part): Promise<S3Copy | undefined> {
  const { key, folder, session } = options
  const name = createHash('sha256').update(`${key}\n${first.etag}`).digest('hex').slice(0, 32)
  const path = join(folder, `${name}${/^\.\w{1,10}$/.exec(extname(key))?.[0] ?? ''}`)
  const temporary = `${path}.${session.newId()}.tmp`
  try {
    await mkdir(folder, { recursive: true })
    const file = await open(temporary, 'wx')
    try {
      await writeAt(file, 0, first.bytes)
      if (!(await writeRest(file, options, first))) return undefined
    } finally {
      await file.close()
    }
    if (!(await isSame(temporary, first))) return undefined
    await rename(temporary, path)
    return { path, etag: first.etag, sizeBytes: first.sizeBytes }
  } catch (cause) {
    throw describeFileError(cause, 'write', path)
  } finally {
    await rm(temporary, { force: true }).catch(() => {})
  }
}

/** Every part is asked for with the etag of the first: parts of two objects never meet. */
async function writeRest(file: FileHandle, options: DownloadOptions, first: S3Part): Promise<boolean> {
  const { session, key, signal, partSizeBytes } = options
  const rest = Math.max(0, Math.ceil((first.sizeBytes - first.bytes.length) / partSizeBytes))
  const offsets = Array.from({ length: rest }, (_, index) => first.bytes.length + index * partSizeBytes)
  const ifMatch = first.etag === undefined ? {} : { ifMatch: first.etag }
  const same = await inParallel(offsets, PARTS_AT_ONCE, signal, async (offset, _, stop) => {
    const length = Math.min(partSizeBytes, first.sizeBytes - offset)
    const part = await readS3Object(session, { key, signal: stop }, { range: { offset, length }, ...ifMatch })
    if (typeof part === 'string' || part.bytes.length !== length) return false
    await writeAt(file, offset, part.bytes)
    return true
  })
  return same.every((part) => part)
}

async function writeAt(file: FileHandle, offset: number, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written, offset + written)
    written += bytesWritten
  }
}

/** The parts came one by one, each without a checksum of its own: the file is compared with what S3 knows of the whole. */
async function isSame(path: string, { sizeBytes, md5 }: S3Part): Promise<boolean> {
  const { size } = await stat(path)
  return size === sizeBytes && (md5 === undefined || md5 === (await md5Of(path)))
}

async function md5Of(path: string): Promise<string> {
  const hash = createHash('md5')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

async function isThere(copy: S3Copy | undefined): Promise<boolean> {
  if (copy === undefined) return false
  const found = await stat(copy.path).catch(() => undefined)
  return found?.size === copy.sizeBytes
}
