// Where the Java engines of `npm run test:java` are on this machine: Spark with Iceberg's runtime and Trino.
// What is not there is brought by pip and Maven into .esteira-java/, each part once.
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageToolFailure, SetupFailure } from '../setup/failure.js'
import { createEnvironment, findPython } from '../setup/python-environment.js'
import { runCommand } from '../setup/run-command.js'
import { findJava } from './find-java.js'

const MAVEN_COPY = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy'
const SPARK_RUNTIME = [
  'org.apache.iceberg:iceberg-spark-runtime-3.5_2.12:1.10.0:jar',
  'iceberg-spark-runtime-3.5_2.12-1.10.0.jar',
]
const SQLITE = ['org.xerial:sqlite-jdbc:3.46.1.3:jar', 'sqlite-jdbc-3.46.1.3.jar']
const TRINO = ['io.trino:trino-server:476:tar.gz', 'trino-server-476.tar.gz']
/** Trino's plugins that are not needed take half a gigabyte. */
const TRINO_PLUGINS = ['iceberg', 'tpch']

/**
 * @typedef {{ python: string, jars: readonly string[], sparkJava: string, trino: string, trinoJava: string }} Places
 */

/**
 * Brings what is missing. Safe to be cut off and called again: each part is stamped when it is whole.
 *
 * @param {string} root
 * @param {(line: string) => void} say
 * @returns {Promise<{ places: Places, file: string }>} also as JSON in `file`
 */
export async function bringPlaces(root, say) {
  const folder = join(root, '.esteira-java')
  mkdirSync(folder, { recursive: true })
  const python = await pythonEnvironment(root, folder, say)
  const sparkJava = await findJava(python, { from: 17, to: 17 })
  const trinoJava = await findJava(python, { from: 24 })
  await haveMaven()
  const jars = [await fromMaven(folder, SPARK_RUNTIME, say), await fromMaven(folder, SQLITE, say)]
  const trino = await unpackTrino(folder, jars[1] ?? '', say)
  const places = { python, jars, sparkJava, trino, trinoJava }
  const file = join(folder, 'places.json')
  writeFileSync(file, JSON.stringify(places))
  return { places, file }
}

/** @param {string} root @param {string} folder @param {(line: string) => void} say */
async function pythonEnvironment(root, folder, say) {
  const requirements = join(root, 'test/java/requirements.txt')
  const constraints = join(root, 'test/services/constraints.txt')
  const hash = createHash('sha256').update(readFileSync(requirements)).update(readFileSync(constraints)).digest('hex')
  const place = join(folder, `python-${hash.slice(0, 16)}`)
  const inside = join(place, 'bin', 'python')
  if (existsSync(join(place, '.ready'))) return inside
  say('Python environment with PySpark (about 500 MB) …')
  rmSync(place, { recursive: true, force: true })
  const pip = await createEnvironment(await findPython(), place, inside)
  const options = ['--quiet', '--no-input', '--disable-pip-version-check', '-r', requirements, '-c', constraints]
  const { code, output } = await runCommand(pip.command, [...pip.args, 'install', ...options])
  if (code !== 0) throw packageToolFailure('pip install of test/java/requirements.txt', output, 'Then run it again.')
  writeFileSync(join(place, '.ready'), '')
  return inside
}

async function haveMaven() {
  const { code } = await runCommand('mvn', ['--version'])
  if (code === 0) return
  throw new SetupFailure(
    "Maven is needed to bring Spark's Iceberg runtime and Trino",
    64,
    'Debian and Ubuntu: apt-get install maven. macOS: brew install maven.',
  )
}

/** @param {string} folder @param {readonly string[]} artifact @param {(line: string) => void} say */
async function fromMaven(folder, [artifact = '', file = ''], say) {
  const path = join(folder, 'maven', file)
  const stamp = `${path}.ready`
  if (existsSync(stamp)) return path
  say(`${file} from Maven …`)
  const options = [
    `-Dartifact=${artifact}`,
    `-DoutputDirectory=${join(folder, 'maven')}`,
    '-Dmdep.overWriteReleases=true',
  ]
  const { code, output } = await runCommand('mvn', ['-q', '-B', MAVEN_COPY, ...options])
  if (code !== 0 || !existsSync(path))
    throw packageToolFailure(`Maven's copy of ${artifact}`, output, 'Then run it again.')
  writeFileSync(stamp, '')
  return path
}

/** @param {string} folder @param {string} sqlite @param {(line: string) => void} say */
async function unpackTrino(folder, sqlite, say) {
  const place = join(folder, 'trino-server-476')
  if (existsSync(join(place, '.ready'))) return place
  const archive = await fromMaven(folder, TRINO, say)
  say('unpacks Trino …')
  rmSync(place, { recursive: true, force: true })
  // Whole, as plugins share files by hard links; what is not needed goes afterwards.
  const { code, output } = await runCommand('tar', ['xzf', archive, '-C', folder])
  if (code !== 0)
    throw new SetupFailure(`tar cannot unpack ${archive}: ${output.trim()}`, 75, 'Remove the file and run it again.')
  for (const plugin of readdirSync(join(place, 'plugin'))) {
    if (!TRINO_PLUGINS.includes(plugin)) rmSync(join(place, 'plugin', plugin), { recursive: true, force: true })
  }
  copyFileSync(sqlite, join(place, 'plugin', 'iceberg', 'sqlite-jdbc.jar'))
  rmSync(archive, { force: true })
  rmSync(`${archive}.ready`, { force: true })
  writeFileSync(join(place, '.ready'), '')
  return place
}
