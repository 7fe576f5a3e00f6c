import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

export interface PackageJson {
  readonly name: string
  readonly sideEffects?: boolean
  readonly exports?: Readonly<Record<string, Readonly<Record<string, string>>>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** Text of a file of the repository. */
export function readText(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

export function readPackageJson(path: string): PackageJson {
  return JSON.parse(readText(path)) as PackageJson
}

/** Names of the folders in `packages/`. */
export function packageNames(): readonly string[] {
  return readdirSync(join(root, 'packages')).filter((name) => existsSync(join(root, 'packages', name, 'package.json')))
}

/** Every file that is, or with the next commit can be, in the repository. */
export function repositoryFiles(): readonly string[] {
  const options = ['-c', 'safe.directory=*', 'ls-files', '-z', '--cached', '--others', '--exclude-standard']
  const output = execFileSync('git', options, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 })
  return output.split('\0').filter((path) => path !== '' && existsSync(join(root, path)))
}

/** TypeScript and JavaScript below a folder, without declarations. */
export function sourceFiles(folder: string): readonly string[] {
  return repositoryFiles().filter(
    (path) => path.startsWith(`${folder}/`) && /\.(ts|js)$/.test(path) && !path.endsWith('.d.ts'),
  )
}
