// The packages, built by `tsc -b` from `packages/*/src` to `packages/*/dist`.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { lastLines, SetupFailure } from './failure.js'
import { runCommand } from './run-command.js'

/**
 * Whether every package is built from its sources as they are now, by names, sizes and times of the sources.
 *
 * @param {string} root
 */
export function buildIsReady(root) {
  const stamp = stampPath(root)
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== sourceHash(root)) return false
  return packageFolders(root).every((folder) => missingOutputs(folder).length === 0)
}

/** @param {string} root */
export async function buildPackages(root) {
  const hash = sourceHash(root)
  for (const folder of packageFolders(root)) {
    // tsc trusts its record over the files: without this it does not write again what was deleted.
    if (missingOutputs(folder).length > 0) rmSync(join(folder, 'dist', '.tsbuildinfo'), { force: true })
  }
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const { code, output } = await runCommand(process.execPath, [compiler, '-b'], { cwd: root })
  if (code !== 0) {
    throw new SetupFailure(
      `tsc -b failed:\n${lastLines(output, 20)}`,
      70,
      'Mend the sources named above, then run it again.',
    )
  }
  writeFileSync(stampPath(root), hash)
}

/** @param {string} root */
function packageFolders(root) {
  const packages = join(root, 'packages')
  return readdirSync(packages)
    .map((name) => join(packages, name))
    .filter((folder) => existsSync(join(folder, 'tsconfig.json')))
}

/** @param {string} folder */
function sourceFiles(folder) {
  return readdirSync(join(folder, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .sort()
}

/** @param {string} folder */
function missingOutputs(folder) {
  return sourceFiles(folder)
    .filter((name) => !name.endsWith('.d.ts'))
    .map((name) => join(folder, 'dist', name.replace(/\.ts$/, '.js')))
    .filter((file) => !existsSync(file))
}

/** @param {string} root */
function sourceHash(root) {
  const hash = createHash('sha256')
  const files = ['tsconfig.json', 'tsconfig.base.json'].map((name) => join(root, name))
  for (const folder of packageFolders(root)) {
    files.push(join(folder, 'tsconfig.json'), join(folder, 'package.json'))
    files.push(...sourceFiles(folder).map((name) => join(folder, 'src', name)))
  }
  for (const file of files) {
    const { mtimeMs, size } = statSync(file)
    hash.update(`${file}\0${mtimeMs}\0${size}\n`)
  }
  return hash.digest('hex')
}

/**
 * Inside `node_modules`: other package versions mean another build.
 *
 * @param {string} root
 */
function stampPath(root) {
  return join(root, 'node_modules', '.esteira-build')
}
