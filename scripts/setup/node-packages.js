// The npm packages of the lock file, in `node_modules`.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageToolFailure, SetupFailure } from './failure.js'
import { runCommand } from './run-command.js'

/**
 * Whether `node_modules` is what the lock file says: by the stamp of the last set-up, which costs one hash.
 *
 * @param {string} root
 */
export function nodePackagesAreReady(root) {
  return existsSync(stampPath(root)) && readFileSync(stampPath(root), 'utf8') === lockHash(root)
}

/** @param {string} root */
export async function installNodePackages(root) {
  if (!matchesNpmRecord(root)) {
    rmSync(stampPath(root), { force: true })
    // The version must not be older than npm of Node 20: it reads lock files of version 3 and links workspaces.
    const options = ['ci', '--no-audit', '--no-fund', '--no-progress', '--loglevel=error']
    const { code, output } = await runCommand(npmCommand(), options, { cwd: root })
    if (code === 127)
      throw new SetupFailure('npm is not on the PATH', 64, 'Install npm (it comes with Node), then run it again.')
    if (code !== 0) throw npmFailure(output)
  }
  writeFileSync(stampPath(root), lockHash(root))
}

/** @param {string} output */
function npmFailure(output) {
  if (output.includes('EUSAGE')) {
    const hint = 'Run npm install, look at the change of package-lock.json and commit it.'
    return new SetupFailure('npm ci failed: package-lock.json does not agree with the package.json files', 64, hint)
  }
  return packageToolFailure('npm ci', output, 'Run npm ci by hand to see more.')
}

/** @param {string} root */
function lockHash(root) {
  const hash = createHash('sha256').update(readFileSync(join(root, 'package-lock.json')))
  return hash.update(`${process.platform}-${process.arch}`).digest('hex')
}

/** @param {string} root */
function stampPath(root) {
  return join(root, 'node_modules', '.esteira-lock')
}

function npmCommand() {
  return process.platform === 'win32' ? 'npm.cmd' : 'npm'
}

/**
 * Whether npm's own record of what it installed agrees with the lock file: then a developer's `npm install` has done
 * the work already. npm writes the record last, so an interrupted install has none.
 *
 * @param {string} root
 */
function matchesNpmRecord(root) {
  const wanted = readPackages(join(root, 'package-lock.json'))
  const installed = readPackages(join(root, 'node_modules', '.package-lock.json'))
  if (wanted === undefined || installed === undefined) return false
  const present = Object.entries(installed).every(([path, { version }]) => wanted[path]?.version === version)
  const complete = Object.entries(wanted).every(
    ([path, entry]) => !path.includes('node_modules/') || entry.optional || installed[path] !== undefined,
  )
  return present && complete && binsAreLinked(root)
}

/**
 * @param {string} file
 * @returns {Record<string, { version?: string, optional?: boolean }> | undefined}
 */
function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages
  } catch {
    return undefined
  }
}

/** @param {string} root */
function binsAreLinked(root) {
  const folder = join(root, 'node_modules', '.bin')
  const names = existsSync(folder) ? readdirSync(folder) : []
  return ['esteira', 'tsc', 'vitest'].every((name) => names.includes(name))
}
