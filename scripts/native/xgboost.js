// Brings libxgboost: the library inside the pinned Python wheel, unpacked once below `.esteira-native/`.
// Only Node's own modules, because this runs before `npm ci`.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The one version models are trained with; a model stores it, and an older library refuses the model. */
export const XGBOOST_VERSION = '3.2.0'

const LIBRARY_NAMES = { linux: 'libxgboost.so', darwin: 'libxgboost.dylib', win32: 'xgboost.dll' }
/** `xgboost-cpu` is the same library without the GPU code (5 MB in place of 200); macOS has only `xgboost`. */
const WHEELS = { linux: ['xgboost-cpu', 'xgboost'], darwin: ['xgboost'], win32: ['xgboost-cpu', 'xgboost'] }

/**
 * Where the library of this platform is kept in a checkout. `findXgboost` of `@esteira/models` looks there.
 *
 * @param {string} root
 */
export function xgboostLibraryPath(root) {
  const name = LIBRARY_NAMES[/** @type {keyof typeof LIBRARY_NAMES} */ (process.platform)] ?? LIBRARY_NAMES.linux
  return join(xgboostFolder(root), 'xgboost', 'lib', name)
}

/** @param {string} root */
function xgboostFolder(root) {
  return join(root, '.esteira-native', `xgboost-${XGBOOST_VERSION}-${process.platform}-${process.arch}`)
}

/**
 * Path of a usable libxgboost: the file that `ESTEIRA_XGBOOST_LIB` names, or the one in the checkout, fetched with
 * pip when it is not there yet. Under a millisecond when it is.
 *
 * @param {{ root: string, log?: (line: string) => void, env?: NodeJS.ProcessEnv }} options
 * @returns {Promise<string>}
 * @throws {Error} with what to do, when it can be neither found nor fetched.
 */
export async function ensureXgboost({ root, log = () => {}, env = process.env }) {
  const override = env.ESTEIRA_XGBOOST_LIB
  if (override !== undefined && override !== '') {
    if (!existsSync(override)) {
      throw new Error(
        `ESTEIRA_XGBOOST_LIB names ${override}, but there is no such file. Unset it, or correct the path.`,
      )
    }
    return resolve(override)
  }
  const library = xgboostLibraryPath(root)
  if (existsSync(library)) return library
  log(`fetching libxgboost ${XGBOOST_VERSION} (the library inside the Python wheel, about 5 MB)`)
  await fetchLibrary(root, library)
  return library
}

/** @param {string} root @param {string} library */
async function fetchLibrary(root, library) {
  const parent = join(root, '.esteira-native')
  mkdirSync(parent, { recursive: true })
  const work = mkdtempSync(join(parent, 'fetch-'))
  try {
    const python = await findPython()
    const wheel = await downloadWheel(await pipCommand(python, work), work)
    const unpacked = join(work, 'unpacked')
    await run(python, ['-m', 'zipfile', '-e', wheel, unpacked])
    const target = xgboostFolder(root)
    // The one commit point: before the rename the library is not there, after it all of it is.
    if (!existsSync(library)) {
      rmSync(target, { recursive: true, force: true })
      moveInto(unpacked, target)
    }
    if (!existsSync(library)) throw new Error(`the wheel ${wheel} holds no ${library.slice(target.length + 1)}`)
  } catch (error) {
    throw new Error(howToMend(error), { cause: error })
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** @param {string} from @param {string} to */
function moveInto(from, to) {
  try {
    renameSync(from, to)
  } catch (error) {
    // Another set-up of the same checkout was faster; its folder is as good.
    if (!existsSync(to)) throw error
  }
}

/** @param {unknown} error */
function howToMend(error) {
  const reason = error instanceof Error ? error.message : String(error)
  return [
    `libxgboost ${XGBOOST_VERSION} could not be fetched: ${reason}`,
    'Without it no XGBoost model can be trained or read. To bring it by hand:',
    `  1. python3 -m pip install xgboost-cpu==${XGBOOST_VERSION}   (on macOS: xgboost==${XGBOOST_VERSION}, and brew install libomp)`,
    '  2. python3 -c "import xgboost.libpath as p; print(p.find_lib_path()[0])"',
    '  3. set ESTEIRA_XGBOOST_LIB to the printed path and run the command again.',
  ].join('\n')
}

async function findPython() {
  for (const name of ['python3', 'python']) {
    const found = await run(name, ['-c', 'import sys; assert sys.version_info[0] == 3']).then(
      () => true,
      () => false,
    )
    if (found) return name
  }
  throw new Error('no Python 3 on the PATH (python3 --version)')
}

/**
 * pip of this Python, or of a throw-away virtual environment where the Python came without pip.
 *
 * @param {string} python
 * @param {string} work
 * @returns {Promise<{ command: string, args: string[] }>}
 */
async function pipCommand(python, work) {
  const own = { command: python, args: ['-m', 'pip'] }
  try {
    await run(own.command, [...own.args, '--version'])
    return own
  } catch {
    const folder = join(work, 'venv')
    await run(python, ['-m', 'venv', folder])
    const bin = process.platform === 'win32' ? join('Scripts', 'python.exe') : join('bin', 'python')
    return { command: join(folder, bin), args: ['-m', 'pip'] }
  }
}

/**
 * @param {{ command: string, args: string[] }} pip
 * @param {string} work
 */
async function downloadWheel(pip, work) {
  const folder = join(work, 'wheel')
  const names = WHEELS[/** @type {keyof typeof WHEELS} */ (process.platform)] ?? WHEELS.linux
  const faults = []
  for (const name of names) {
    const spec = `${name}==${XGBOOST_VERSION}`
    const options = ['--no-deps', '--only-binary=:all:', '--disable-pip-version-check', '--quiet', '--dest', folder]
    try {
      await run(pip.command, [...pip.args, 'download', spec, ...options])
      const file = readdirSync(folder).find((entry) => entry.endsWith('.whl'))
      if (file !== undefined) return join(folder, file)
    } catch (error) {
      faults.push(error instanceof Error ? error.message : String(error))
    }
  }
  throw new Error(faults.join('; ') || 'pip downloaded no wheel')
}

/**
 * Runs a command; fails with the last lines it wrote.
 *
 * @param {string} command
 * @param {string[]} args
 * @returns {Promise<void>}
 */
function run(command, args) {
  return new Promise((done, fail) => {
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    let errors = ''
    child.stderr.setEncoding('utf8').on('data', (text) => {
      errors = (errors + text).slice(-2000)
    })
    child.on('error', fail)
    child.on('close', (code) => {
      if (code === 0) return done()
      const last = errors.trim().split('\n').slice(-3).join(' ')
      fail(new Error(`${command} ${args.slice(0, 4).join(' ')} ended with ${code}: ${last}`))
    })
  })
}

// `node scripts/native/xgboost.js` prints the path, or what to do.
if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const root = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..')
  try {
    process.stdout.write(`${await ensureXgboost({ root, log: (line) => process.stderr.write(`${line}\n`) })}\n`)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    process.exitCode = 64
  }
}
