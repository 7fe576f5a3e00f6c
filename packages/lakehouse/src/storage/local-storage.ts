import { constants, type Dirent, statSync } from 'node:fs'
import { copyFile, mkdir, open, readdir, readFile, rm, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { EsteiraError } from '@esteira/core'
import { corruptFile } from '../iceberg/corrupt-file.js'
import { fileError } from './file-errors.js'
import type { StoredFile, TableStorage } from './table-storage.js'

/** An absolute path as the URI that Iceberg's readers expect: no character is escaped. */
export function pathToUri(path: string): string {
  return `file://${path}`
}

/** The path of a `file:` URI or of a plain absolute path. @throws EsteiraError ESTEIRA_UNSUPPORTED for other schemes */
export function uriToPath(uri: string): string {
  // A path from a damaged file: no file has such a name, and the file system would answer with a defect of ours.
  if (uri.includes('\0')) throw corruptFile('file', JSON.stringify(uri), new RangeError('its name is damaged'))
  if (uri.startsWith('/')) return uri
  const match = /^file:(?:\/\/)?(\/.*)$/s.exec(uri)
  if (match?.[1] !== undefined) return match[1]
  throw new EsteiraError(
    'ESTEIRA_UNSUPPORTED',
    `file ${uri} is not on this machine; the local lakehouse reads file:/// only`,
    {
      details: { file: uri },
    },
  )
}

/** Files of tables on the local disk. */
export const localStorage: TableStorage = {
  async read(uri) {
    try {
      return await readFile(uriToPath(uri))
    } catch (cause) {
      throw fileError('read', uri, cause)
    }
  },

  async create(uri, bytes) {
    const path = uriToPath(uri)
    try {
      await mkdir(dirname(path), { recursive: true })
      const file = await open(path, 'wx')
      try {
        await file.writeFile(bytes)
        await file.sync()
      } finally {
        await file.close()
      }
      await syncFolder(dirname(path))
    } catch (cause) {
      throw fileError('written', uri, cause)
    }
  },

  async prepareFolder(folderUri) {
    const path = uriToPath(folderUri)
    await mkdir(path, { recursive: true }).catch((cause: unknown) => {
      throw fileError('written', folderUri, cause)
    })
    return path
  },

  async makeDurable(uris) {
    const paths = uris.map(uriToPath)
    const folders = new Set(paths.map((path) => dirname(path)))
    await Promise.all([...paths.map(syncFile), ...[...folders].map(syncFolder)])
  },

  sizeOf(uri) {
    return statSync(uriToPath(uri), { throwIfNoEntry: false })?.size
  },

  async list(folderUri) {
    const folder = uriToPath(folderUri)
    const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((cause: unknown) => {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [] as Dirent[]
      throw fileError('read', folderUri, cause)
    })
    const files: StoredFile[] = []
    for (const entry of entries) {
      if (!entry.isFile()) continue
      const path = join(entry.parentPath, entry.name)
      const found = statSync(path, { throwIfNoEntry: false })
      if (found !== undefined) files.push({ uri: pathToUri(path), sizeBytes: found.size, changedAt: found.mtime })
    }
    return files.sort((a, b) => (a.uri < b.uri ? -1 : 1))
  },

  async copy(fromUri, toUri) {
    const path = uriToPath(toUri)
    try {
      await mkdir(dirname(path), { recursive: true })
      await copyFile(uriToPath(fromUri), path, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
    } catch (cause) {
      const lost = (cause as NodeJS.ErrnoException).code === 'ENOENT'
      throw lost ? fileError('read', fromUri, cause) : fileError('written', toUri, cause)
    }
  },

  async removeEmptyFolders(folderUri) {
    const folder = uriToPath(folderUri)
    const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((): Dirent[] => [])
    const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name))
    // Deepest first; a folder that is not empty stays.
    for (const path of [...folders.sort().reverse(), folder]) await rmdir(path).catch(() => {})
  },

  async remove(uris) {
    await Promise.allSettled(uris.map((uri) => rm(uriToPath(uri), { force: true })))
  },

  async removeMarked(folderUri, mark) {
    const folder = uriToPath(folderUri)
    const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((): Dirent[] => [])
    const marked = entries.filter((entry) => entry.isFile() && entry.name.includes(mark))
    await Promise.allSettled(marked.map((entry) => rm(join(entry.parentPath, entry.name), { force: true })))
  },
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+').catch((cause: unknown) => {
    throw fileError('written', path, cause)
  })
  try {
    await file.sync()
  } catch (cause) {
    throw fileError('written', path, cause)
  } finally {
    await file.close()
  }
}

/** Makes a new name in a folder durable. Where folders cannot be synced (Windows) the file system does it by itself. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r').catch(() => undefined)
  await folder?.sync().catch(() => {})
  await folder?.close()
}
