import { constants } from 'node:fs'
import { copyFile, type FileHandle, link, mkdir, open, readFile, rename, rm, stat, unlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { EsteiraError, type ObjectStore } from '@esteira/core'
import { describeFileError, fileErrorCode } from './describe-file-error.js'
import { listFolder } from './list-folder.js'
import { checkKey, TEMPORARY_PREFIX } from './object-key.js'

/**
 * An {@link ObjectStore} in a local folder: the key is the path below it. The folder is made by the first write.
 *
 * A write goes to a temporary file in the same folder, is flushed to the disk and then renamed, so that a reader, also
 * after a crash or a power cut, finds the old object or the new one. A crash can leave a temporary file behind; it is
 * never listed and never read.
 *
 * @throws EsteiraError (all methods) ESTEIRA_USAGE for a key that is not allowed, ESTEIRA_ACCESS_DENIED,
 * ESTEIRA_DISK_FULL; `upload` and `localPath` ESTEIRA_SOURCE_MISSING
 * @example
 * const objects = openLocalObjectStore('.esteira/objects')
 * await objects.put('runs/r1/ingest_raw.json', '{"rows":3}', { ifAbsent: true }) // true, then false
 */
export function openLocalObjectStore(root: string): ObjectStore {
  const folder = resolve(root)
  const locate = (key: string): string => join(folder, checkKey(key))
  return {
    root: folder,
    locate,
    async get(key) {
      return readObject(locate(key))
    },
    async put(key, body, options = {}) {
      return writeObject(locate(key), options.ifAbsent ?? false, async (path) => {
        const file = await open(path, 'wx')
        await file.writeFile(body).then(
          () => flush(file),
          (cause) => closeAfter(file, cause),
        )
      })
    },
    async list(prefix) {
      return listFolder(folder, prefix)
    },
    async delete(key) {
      await removeObject(locate(key))
    },
    async upload(key, localPath) {
      const target = locate(key)
      await requireFile(localPath, `file ${localPath} does not exist`)
      await writeObject(target, false, async (path) => {
        await copyFile(localPath, path, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
        await flush(await open(path, 'r+'))
      })
    },
    async localPath(key) {
      const path = locate(key)
      await requireFile(path, `there is no object ${key} in ${folder}`)
      return path
    },
  }
}

async function readObject(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path)
  } catch (cause) {
    if (isAbsent(cause)) return undefined
    throw describeFileError(cause, 'read', path)
  }
}

/** `fill` creates the temporary file and flushes it. False when `ifAbsent` and the object exists. */
async function writeObject(path: string, ifAbsent: boolean, fill: (path: string) => Promise<void>): Promise<boolean> {
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

async function flush(file: FileHandle): Promise<void> {
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

async function closeAfter(file: FileHandle, cause: unknown): Promise<never> {
  await file.close()
  throw cause
}

/** Makes the new name itself survive a power cut. Systems that cannot open a folder need no such call. */
async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined)
  if (handle !== undefined) await flush(handle)
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

/** No such file, a file where a folder of the key is, or a folder where the object would be. */
function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'EISDIR'].includes(fileErrorCode(error) ?? '')
}
