import { constants } from 'node:fs'
import { copyFile, open, stat, unlink } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { EsteiraError, type ObjectStore } from '@esteira/core'
import { checkRange } from './byte-range.js'
import { checkSignal } from './check-signal.js'
import { describeFileError } from './describe-file-error.js'
import { closeAfter, flush, isAbsent, readObject, readRange, writeObject } from './file-object.js'
import { listFolder } from './list-folder.js'
import { checkKey } from './object-key.js'

/**
 * An {@link ObjectStore} in a local folder: the key is the path below it. The folder is made by the first write.
 *
 * A write goes to a temporary file in the same folder, is flushed to the disk and then renamed, so that a reader, also
 * after a crash or a power cut, finds the old object or the new one. A crash can leave a temporary file behind; it is
 * never listed and never read.
 *
 * @throws EsteiraError (all methods) ESTEIRA_USAGE for a key that is not allowed, ESTEIRA_ACCESS_DENIED,
 * ESTEIRA_DISK_FULL, ESTEIRA_INTERRUPTED; `upload` and `localPath` ESTEIRA_SOURCE_MISSING
 * @example
 * const objects = openLocalObjectStore('.esteira/objects')
 * await objects.put('runs/r1/ingest_raw.json', '{"rows":3}', { ifAbsent: true }) // true, then false
 */
export function openLocalObjectStore(root: string): ObjectStore {
  const folder = resolve(root)
  const locate = (key: string): string => join(folder, checkKey(key))
  /** The path of a key that may be used now. */
  const pathFor = (key: string, doing: string, signal: AbortSignal | undefined): string => {
    const path = locate(key)
    checkSignal(signal, doing, path)
    return path
  }
  return {
    root: folder,
    locate,
    async get(key, { signal } = {}) {
      return readObject(pathFor(key, 'read', signal))
    },
    async getRange(key, range, { signal } = {}) {
      return readRange(pathFor(key, 'read', signal), checkRange(range, key))
    },
    async put(key, body, { ifAbsent = false, signal } = {}) {
      return writeObject(pathFor(key, 'write', signal), ifAbsent, async (path) => {
        const file = await open(path, 'wx')
        await file.writeFile(body).then(
          () => flush(file),
          (cause) => closeAfter(file, cause),
        )
      })
    },
    async list(prefix, { signal } = {}) {
      checkSignal(signal, 'list', folder)
      return listFolder(folder, prefix)
    },
    async delete(key, { signal } = {}) {
      await removeObject(pathFor(key, 'delete', signal))
    },
    async upload(key, localPath, { signal } = {}) {
      const target = pathFor(key, 'write', signal)
      await requireFile(localPath, `file ${localPath} does not exist`)
      await writeObject(target, false, async (path) => {
        await copyFile(localPath, path, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
        await flush(await open(path, 'r+'))
        checkSignal(signal, 'write', target)
      })
    },
    async localPath(key, { signal } = {}) {
      const path = pathFor(key, 'read', signal)
      await requireFile(path, `there is no object ${key} in ${folder}`)
      return path
    },
  }
}

async function removeObject(path: string): Promise<void> {
  try {
    await unlink(path)
  } catch (cause) {
    if (isAbsent(cause) || (await isFolder(path))) return
    throw describeFileError(cause, 'delete', path)
  }
}

async function requireFile(path: string, message: string): Promise<void> {
  const found = await stat(path).catch((cause: unknown) => {
    if (isAbsent(cause)) return undefined
    throw describeFileError(cause, 'read', path)
  })
  if (found?.isFile()) return
  throw new EsteiraError('ESTEIRA_SOURCE_MISSING', message, { hint: 'Check the path.', details: { path } })
}

async function isFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found?.isDirectory() ?? false
}
