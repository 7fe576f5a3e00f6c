import { type FSWatcher, watch } from 'node:fs'

/** Resolves when a file whose path matches is made or changed below a folder that exists. */
export function fileAppears(folder: string, pattern: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    const watcher: FSWatcher = watch(folder, { recursive: true }, (_, name) => {
      if (name === null || !pattern.test(name)) return
      watcher.close()
      resolve()
    })
    watcher.on('error', reject)
  })
}
