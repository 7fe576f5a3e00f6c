// The pinned Python environment of the tests: MLflow, PyIceberg, polars and others, to compare with.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageToolFailure, SetupFailure } from './failure.js'
import { runCommand } from './run-command.js'

const OLDEST = 10
const NEWEST = 13
const NAMES = ['python3', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python']

/**
 * Folder of the environment: another one for other requirements, so that a branch switch needs no rebuild.
 *
 * @param {string} root
 */
function pythonEnvironmentFolder(root) {
  const hash = createHash('sha256').update(readFileSync(listPath(root, 'requirements')))
  const name = hash
    .update(readFileSync(listPath(root, 'constraints')))
    .digest('hex')
    .slice(0, 16)
  return join(root, '.esteira-python', name)
}

/**
 * The environment's own Python.
 *
 * @param {string} root
 */
export function environmentPython(root) {
  const inside = process.platform === 'win32' ? ['Scripts', 'python.exe'] : ['bin', 'python']
  return join(pythonEnvironmentFolder(root), ...inside)
}

/** @param {string} root */
export function pythonEnvironmentIsReady(root) {
  return existsSync(readyPath(root)) && existsSync(environmentPython(root))
}

/**
 * Builds the environment in place (it cannot be moved); the stamp is written last and is the one commit point.
 *
 * @param {string} root
 */
export async function buildPythonEnvironment(root) {
  const python = await findPython()
  const folder = pythonEnvironmentFolder(root)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const pip = await createEnvironment(python, folder, environmentPython(root))
  const options = ['--quiet', '--no-input', '--no-compile', '--prefer-binary', '--disable-pip-version-check']
  const lists = ['-r', listPath(root, 'requirements'), '-c', listPath(root, 'constraints')]
  const { code, output } = await runCommand(pip.command, [...pip.args, 'install', ...options, ...lists])
  if (code !== 0) {
    throw packageToolFailure(
      'pip install of test/services/requirements.txt',
      output,
      `The versions are pinned for Python 3.${OLDEST} to 3.${NEWEST}; ESTEIRA_PYTHON names the Python to use.`,
    )
  }
  writeFileSync(readyPath(root), '')
}

/**
 * @param {string} python
 * @param {string} folder
 * @param {string} inside
 * @returns {Promise<{ command: string, args: readonly string[] }>} pip that installs into the environment
 */
export async function createEnvironment(python, folder, inside) {
  const full = await runCommand(python, ['-m', 'venv', folder])
  if (full.code === 0) return { command: inside, args: ['-m', 'pip'] }
  // Debian keeps the bundled pip in a package of its own; a pip of the system can fill the environment as well.
  const bare = await runCommand(python, ['-m', 'venv', '--clear', '--without-pip', folder])
  const outer = await runCommand(python, ['-m', 'pip', '--python', inside, '--version'])
  if (bare.code === 0 && outer.code === 0) return { command: python, args: ['-m', 'pip', '--python', inside] }
  throw new SetupFailure(
    `${python} cannot make a virtual environment`,
    64,
    'On Debian and Ubuntu: apt-get install python3-venv. Then run it again.',
  )
}

/** The first Python on the PATH that the pinned versions support. */
export async function findPython() {
  const named = process.env['ESTEIRA_PYTHON']
  const found = []
  for (const name of named ? [named] : NAMES) {
    const { code, output } = await runCommand(name, ['-c', 'import sys; print(*sys.version_info[:2])'])
    if (code !== 0) continue
    const [major = 0, minor = 0] = output.trim().split(' ').map(Number)
    if (major === 3 && minor >= OLDEST && minor <= NEWEST) return name
    found.push(`${name} is ${major}.${minor}`)
  }
  throw new SetupFailure(
    `the tests need Python 3.${OLDEST} to 3.${NEWEST}; found: ${found.join(', ') || `no ${named ?? 'python3'}`}`,
    64,
    'Install it (Debian and Ubuntu: apt-get install python3 python3-venv), or name one: ESTEIRA_PYTHON=/path/to/python3.',
  )
}

/** @param {string} root @param {'requirements' | 'constraints'} name */
function listPath(root, name) {
  return join(root, 'test', 'services', `${name}.txt`)
}

/** @param {string} root */
function readyPath(root) {
  return join(pythonEnvironmentFolder(root), '.ready')
}
