// All set-up of a checkout, on a machine with Node, npm and Python 3: packages, build, native libraries and, with
// --test, the Python environment of the tests. Only Node's own modules, because it runs before `npm ci`.
// Everything is printed to standard error: the commands that call this print their results to standard output.
import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureXgboost, xgboostLibraryPath } from './native/xgboost.js'
import { buildIsReady, buildPackages } from './setup/build.js'
import { SetupFailure } from './setup/failure.js'
import { acquireLock } from './setup/lock.js'
import { installNodePackages, nodePackagesAreReady } from './setup/node-packages.js'
import { buildPythonEnvironment, pythonEnvironmentIsReady } from './setup/python-environment.js'
import { stopCommands } from './setup/run-command.js'

const USAGE = `node scripts/setup.js [--test] [--quiet]

  Installs the packages, builds them and brings the native libraries; does only what is left to do.
  --test    also the Python environment that the tests compare with (test/services/requirements.txt)
  --quiet   prints nothing when nothing is left to do
`
const OLDEST_NODE = [20, 19]
const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')

/**
 * One part of the set-up; `isReady` is cheap and `run` may be cut off at any moment and run again.
 *
 * @typedef {{ name: string, isReady: (root: string) => boolean, run: (root: string) => Promise<unknown> }} Job
 */

/** @type {Job} */
const nodePackages = { name: 'npm packages (npm ci)', isReady: nodePackagesAreReady, run: installNodePackages }
/** @type {Job} */
const build = { name: 'build (tsc -b)', isReady: buildIsReady, run: buildPackages }
/** @type {Job} */
const xgboost = {
  name: 'libxgboost',
  isReady: () => existsSync(process.env['ESTEIRA_XGBOOST_LIB'] || xgboostLibraryPath(root)),
  run: fetchXgboost,
}
/** @type {Job} */
const python = {
  name: 'Python environment of the tests (pip install, a few minutes)',
  isReady: pythonEnvironmentIsReady,
  run: buildPythonEnvironment,
}

let interrupted = false

/** @param {readonly string[]} args */
async function main(args) {
  const unknown = args.find((arg) => !['--test', '--quiet', '--help'].includes(arg))
  if (args.includes('--help') || unknown !== undefined) {
    process.stderr.write(unknown === undefined ? USAGE : `set-up: no option ${unknown}\n\n${USAGE}`)
    process.exitCode = unknown === undefined ? 0 : 64
    return
  }
  checkNode()
  // A chain runs in order; the chains run side by side.
  const chains = [[nodePackages, build], [xgboost], ...(args.includes('--test') ? [[python]] : [])]
  if (chains.flat().every((job) => job.isReady(root))) {
    if (!args.includes('--quiet')) say('nothing left to do')
    return
  }
  await withLock(() => runChains(chains))
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_NODE
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return
  throw new SetupFailure(
    `Node ${OLDEST_NODE.join('.')} or newer is needed; this is Node ${process.versions.node}`,
    64,
    'Install a newer Node (https://nodejs.org, or nvm install 22), then run it again.',
  )
}

/** @param {() => Promise<void>} work */
async function withLock(work) {
  const release = await acquireLock(root, (owner) =>
    say(`waits for another set-up of this checkout (process ${owner})`),
  )
  const stop = async () => {
    interrupted = true
    await stopCommands()
    release()
    say('interrupted; the next call goes on from here')
    process.exit(75)
  }
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  try {
    await work()
  } finally {
    release()
  }
}

/** @param {readonly (readonly Job[])[]} chains */
async function runChains(chains) {
  const ends = await Promise.allSettled(chains.map(runChain))
  const failures = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []))
  for (const failure of failures.slice(1)) report(failure)
  if (failures.length > 0) throw failures[0]
}

/** @param {readonly Job[]} jobs */
async function runChain(jobs) {
  for (const job of jobs) {
    if (job.isReady(root)) continue
    const startedAt = performance.now()
    say(`${job.name} …`)
    await job.run(root)
    say(`${job.name}: ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
  }
}

async function fetchXgboost() {
  try {
    await ensureXgboost({ root })
  } catch (error) {
    // Its message says what to do already.
    throw new SetupFailure(error instanceof Error ? error.message : String(error), 64, '')
  }
}

/** @param {string} line */
function say(line) {
  process.stderr.write(`set-up: ${line}\n`)
}

/** @param {unknown} error */
function report(error) {
  if (interrupted) return // the programs it stopped are no failures
  if (error instanceof SetupFailure) {
    say(`${error.message}${error.hint === '' ? '' : `\n  ${error.hint}`}`)
    process.exitCode = error.exitCode
  } else {
    say(error instanceof Error ? (error.stack ?? error.message) : String(error))
    process.exitCode = 70
  }
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  report(error)
}
