import { cp, mkdir, readdir } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { EsteiraError } from '@esteira/core'

/** All files below a folder, as `/`-separated paths relative to it, sorted. */
export async function listFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort()
}

/** Copies all of a folder's content into another folder, which is made when it is not there. */
export async function copyFolder(from: string, to: string): Promise<void> {
  try {
    await mkdir(to, { recursive: true })
    await cp(from, to, { recursive: true })
  } catch (error) {
    throw fileError(error, to)
  }
}

/**
 * A path inside an artifact folder, checked: `/`-separated names, none of them empty, `.` or `..`.
 * @throws ESTEIRA_MLFLOW otherwise.
 */
export function checkArtifactPath(path: string): string {
  const parts = path.split('/')
  if (parts.every((part) => part !== '' && part !== '.' && part !== '..' && !part.includes('\\'))) return path
  throw new EsteiraError('ESTEIRA_MLFLOW', `artifact path ${JSON.stringify(path)} is not a relative path`, {
    hint: 'Use names separated by "/", as in reports/plots.',
    details: { path },
  })
}

/** Names a full disk as such; other errors stay what they are. */
export function fileError(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || !('code' in error) || (error.code !== 'ENOSPC' && error.code !== 'EDQUOT')) {
    return error
  }
  return new EsteiraError('ESTEIRA_DISK_FULL', `no space left while writing ${path}`, {
    hint: 'Free some disk space and run the same command again.',
    details: { path },
    cause: error,
  })
}
