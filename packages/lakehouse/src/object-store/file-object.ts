import { type FileHandle, link, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ByteRange } from '@esteira/core'
import { describeFileError, fileErrorCode } from './describe-file-error.js'
import { TEMPORARY_PREFIX } from './object-key.js'

/** The bytes of a file; undefined when there is none. */
export async function readObject(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path)
  } catch (cause) {
    if (isAbsent(cause)) return undefined
    throw describeFileError(cause, 'read', path)
  }
}

/** As far as the file goes; undefined when there is none. */
export async function readRange(path: string, { offset, length }: ByteRange): Promise<Uint8Array | undefined> {
  let file: FileHandle | undefined
  try {
    file = await open(path, 'r')
    const found = await file.stat()
    if (!found.isFile()) return undefined
    const bytes = new Uint8Array(Math.max(0, Math.min(length, found.size - offset)))
    let filled = 0
    while (filled < bytes.length) {
      const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, offset + filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return bytes.subarray(0, filled)
  } catch (cause) {
    if (isAbsent(cause)) return undefined
    throw describeFileError(cause, 'read', path)
  } finally {
    await file?.close()
  }
}

/** `fill` creates the temporary file and flushes it. False when `ifAbsent` and the object exists. */
export async function writeObject(
  path: string,
  ifAbsent: boolean,
  fill: (path: string) => Promise<void>,
): Promise<boolean> {
  const folder = dirname(path)
  try {
    await mkdir(folder, { recursive: true })
    const temporary = await fillTemporary(folder, fill)
    try {
      // The commit point: before this call readers see the old object, after it the new one.
      if (ifAbsent) await link(temporary, path)
      else await rename(temporary, path)
    } catch (cause) {
      await rm(temporary, { force: true })
      if (ifAbsent && fileErrorCode(cause) === 'EEXIST') return false
      throw cause
    }
    if (ifAbsent) await rm(temporary, { force: true })
    await flushFolder(folder)
    return true
  } catch (cause) {
    throw describeFileError(cause, 'write', path)
  }
}

let temporaryFiles = 0

/** A process never uses a name twice; a name left by a crashed process of the same id is met and passed over. */
async function fillTemporary(folder: string, fill: (path: string) => Promise<void>): Promise<string> {
  for (;;) {
    const path = join(folder, `${TEMPORARY_PREFIX}${process.pid}-${temporaryFiles++}`)
    try {
      await fill(path)
      return path
    } catch (cause) {
      if (fileErrorCode(cause) === 'EEXIST') continue
      await rm(path, { force: true })
      throw cause
    }
  }
}

/** Flushes the file to the disk and closes it. */
export async function flush(file: FileHandle): Promise<void> {
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

export async function closeAfter(file: FileHandle, cause: unknown): Promise<never> {
  await file.close()
  throw cause
}

/** Makes the new name itself survive a power cut. Systems that cannot open a folder need no such call. */
async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined)
  if (handle !== undefined) await flush(handle)
}

/** No such file, a file where a folder of the key is, or a folder where the object would be. */
export function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'EISDIR'].includes(fileErrorCode(error) ?? '')
}
