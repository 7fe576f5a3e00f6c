import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import type { ObjectStore } from '@esteira/core'

/** Uploads every file of a local folder below a key prefix; the keys, sorted. */
export async function uploadFolder(objects: ObjectStore, folder: string, prefix: string): Promise<string[]> {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
  const keys: string[] = []
  for (const entry of files) {
    const path = join(entry.parentPath, entry.name)
    const key = `${prefix}/${relative(folder, path).replaceAll('\\', '/')}`
    await objects.upload(key, path)
    keys.push(key)
  }
  return keys.sort()
}

/** Writes every object below a key prefix into a local folder; the folder. */
export async function downloadFolder(objects: ObjectStore, prefix: string, folder: string): Promise<string> {
  for (const { key } of await objects.list(`${prefix}/`)) {
    const path = join(folder, key.slice(prefix.length + 1))
    const body = await objects.get(key)
    if (body === undefined) continue
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, body)
  }
  return folder
}
