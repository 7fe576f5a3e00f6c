import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EsteiraError } from '@esteira/core'

/** The one XGBoost that set-up brings. */
export const XGBOOST_VERSION = '3.2.0'

const LIBRARY_NAMES: Readonly<Record<string, string>> = { darwin: 'libxgboost.dylib', win32: 'xgboost.dll' }

export interface FindXgboostOptions {
  /** The file itself: callers pass the value of `ESTEIRA_XGBOOST_LIB`. It wins over every folder. */
  readonly override?: string
  /** Folders whose ancestors may hold `.esteira-native`; by default that of this package and the working directory. */
  readonly searchFolders?: readonly string[]
}

/**
 * Path of libxgboost: the override, or the one that set-up unpacked below `.esteira-native` of a checkout.
 *
 * @throws EsteiraError `ESTEIRA_NATIVE_LIBRARY` when there is none, with what to do.
 */
export function findXgboost(options: FindXgboostOptions = {}): string {
  const { override } = options
  if (override !== undefined && override !== '') {
    if (existsSync(override)) return resolve(override)
    throw new EsteiraError('ESTEIRA_NATIVE_LIBRARY', `libxgboost: there is no file ${override}`, {
      hint: 'Correct ESTEIRA_XGBOOST_LIB, or unset it and run npm run setup.',
      details: { override },
    })
  }
  const folders = options.searchFolders ?? [dirname(fileURLToPath(import.meta.url)), process.cwd()]
  const inside = join(
    '.esteira-native',
    `xgboost-${XGBOOST_VERSION}-${process.platform}-${process.arch}`,
    'xgboost',
    'lib',
    LIBRARY_NAMES[process.platform] ?? 'libxgboost.so',
  )
  for (const folder of folders) {
    for (const ancestor of ancestorsOf(folder)) {
      const file = join(ancestor, inside)
      if (existsSync(file)) return file
    }
  }
  throw new EsteiraError('ESTEIRA_NATIVE_LIBRARY', `libxgboost ${XGBOOST_VERSION} is not on this machine`, {
    hint: `Run npm run setup. Without the network: pip install xgboost-cpu==${XGBOOST_VERSION} and set ESTEIRA_XGBOOST_LIB to its libxgboost.`,
    details: { searched: folders, expected: inside },
  })
}

function ancestorsOf(folder: string): string[] {
  const all = [resolve(folder)]
  for (let at = resolve(folder); dirname(at) !== at; at = dirname(at)) all.push(dirname(at))
  return all
}
