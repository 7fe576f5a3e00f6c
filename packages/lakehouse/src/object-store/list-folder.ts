import type { Dirent } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ObjectInfo } from '@esteira/core'
import { describeFileError, fileErrorCode } from './describe-file-error.js'
import { TEMPORARY_PREFIX } from './object-key.js'

/**
 * The files below `root` whose key starts with `prefix`, in the byte order of their keys (the order of S3).
 * `runs/a` finds `runs/a.json` and `runs/ab/c.json`: a prefix is text, not a folder.
 */
export async function listFolder(root: string, prefix: string): Promise<readonly ObjectInfo[]> {
  const found: ObjectInfo[] = []
  const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1)
  if (folder.split('/').includes('..')) return found
  await collect(root, folder, prefix, found)
  return found.sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)))
}

/** `folder` is a key prefix that ends with `/`, or empty. */
async function collect(root: string, folder: string, prefix: string, found: ObjectInfo[]): Promise<void> {
  for (const entry of await entriesOf(join(root, folder))) {
    const key = folder + entry.name
    if (entry.isDirectory()) {
      const below = `${key}/`
      if (below.startsWith(prefix) || prefix.startsWith(below)) await collect(root, below, prefix, found)
    } else if (entry.isFile() && key.startsWith(prefix) && !entry.name.startsWith(TEMPORARY_PREFIX)) {
      const info = await infoOf(join(root, key), key)
      if (info !== undefined) found.push(info)
    }
  }
}

async function entriesOf(path: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true })
  } catch (cause) {
    if (['ENOENT', 'ENOTDIR'].includes(fileErrorCode(cause) ?? '')) return []
    throw describeFileError(cause, 'list', path)
  }
}

/** Undefined when the file went away between the listing and now. */
async function infoOf(path: string, key: string): Promise<ObjectInfo | undefined> {
  try {
    const { size, mtime } = await stat(path)
    return { key, sizeBytes: size, modifiedAt: mtime }
  } catch (cause) {
    if (fileErrorCode(cause) === 'ENOENT') return undefined
    throw describeFileError(cause, 'read', path)
  }
}
