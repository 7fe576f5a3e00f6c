import { type FileHandle, open } from 'node:fs/promises'
import { EsteiraError } from '@esteira/core'
import { describeFileError } from './describe-file-error.js'

/** Bytes that can be read again, so that a part can be sent again. */
export interface ByteSource {
  readonly sizeBytes: number
  /** `length` bytes from `offset`, no fewer. */
  read(offset: number, length: number): Promise<Uint8Array>
}

export function bytesInMemory(bytes: Uint8Array): ByteSource {
  return { sizeBytes: bytes.length, read: async (offset, length) => bytes.subarray(offset, offset + length) }
}

/**
 * Gives a local file to `use`, and refuses when it changed meanwhile: parts of two files are no object.
 * @throws EsteiraError ESTEIRA_SOURCE_MISSING, ESTEIRA_ACCESS_DENIED, ESTEIRA_USAGE for a file that changes
 */
export async function withFileSource<T>(path: string, use: (source: ByteSource) => Promise<T>): Promise<T> {
  const file = await openFile(path)
  try {
    const before = await file.stat()
    if (!before.isFile()) throw missing(path)
    const check = async () => {
      const { size, mtimeMs } = await file.stat()
      if (size !== before.size || mtimeMs !== before.mtimeMs) throw changed(path)
    }
    return await use({
      sizeBytes: before.size,
      async read(offset, length) {
        const bytes = await fill(file, path, offset, length)
        // After each part: the last one comes before the object is made.
        await check()
        return bytes
      },
    })
  } finally {
    await file.close()
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r')
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && ['ENOENT', 'ENOTDIR'].includes(String(cause.code)))
      throw missing(path)
    throw describeFileError(cause, 'read', path)
  }
}

async function fill(file: FileHandle, path: string, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  for (let filled = 0; filled < length; ) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, offset + filled)
    if (bytesRead === 0) throw changed(path)
    filled += bytesRead
  }
  return bytes
}

function missing(path: string): EsteiraError {
  return new EsteiraError('ESTEIRA_SOURCE_MISSING', `file ${path} does not exist`, {
    hint: 'Check the path.',
    details: { path },
  })
}

function changed(path: string): EsteiraError {
  return new EsteiraError('ESTEIRA_USAGE', `file ${path} changed while it was copied to the object store`, {
    hint: 'Copy it when nobody writes to it; the object is as it was.',
    details: { path },
  })
}
