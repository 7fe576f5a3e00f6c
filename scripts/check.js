// The fast checks before a commit, side by side as far as they allow it; one line each, and what failed at the end.
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runCommand } from './setup/run-command.js'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')

/**
 * @typedef {{ name: string, tool: string, args: readonly string[] }} Check
 * @typedef {{ check: Check, passed: boolean, output: string }} Outcome
 */

/** Paths below `node_modules`, run with this Node: no shell, no npx. */
const BIOME = '@biomejs/biome/bin/biome'
const TSC = 'typescript/bin/tsc'
const VITEST = 'vitest/vitest.mjs'
const KNIP = 'knip/bin/knip.js'

/** @type {Check} */
const build = { name: 'types of packages', tool: TSC, args: ['-b'] }
/** The folders that use the packages: their types need the build. @type {readonly Check[]} */
const usersOfTheBuild = ['scripts', 'steps', 'projects', 'test'].map((folder) => ({
  name: `types of ${folder}`,
  tool: TSC,
  args: ['-p', join(folder, 'tsconfig.json')],
}))
/** @type {readonly Check[]} */
const others = [
  { name: 'format and lint', tool: BIOME, args: ['ci', '--colors=off', '--error-on-warnings', '.'] },
  { name: 'rules of the repository', tool: VITEST, args: ['run', '--project', 'unit', 'test/repo'] },
  { name: 'unused exports', tool: KNIP, args: [] },
]

async function main() {
  if (!existsSync(join(root, 'node_modules', TSC))) {
    process.stderr.write('check: the packages are not installed; run: node scripts/setup.js\n')
    process.exitCode = 64
    return
  }
  const startedAt = performance.now()
  // Two lanes, for two cores.
  const lanes = await Promise.all([runInOrder([build, ...usersOfTheBuild]), runInOrder(others)])
  const failed = lanes.flat().filter(({ passed }) => !passed)
  for (const { check, output } of failed) process.stdout.write(`\n── ${check.name} ──\n${output.trimEnd()}\n`)
  const total = seconds(startedAt)
  const count = lanes.flat().length
  process.stdout.write(
    failed.length === 0
      ? `\nAll ${count} checks passed in ${total}.\n`
      : `\n${failed.length} of ${count} checks failed in ${total}: ${failed.map(({ check }) => check.name).join(', ')}.\n`,
  )
  if (failed.length > 0) process.exitCode = 1
}

/** @param {readonly Check[]} checks @returns {Promise<Outcome[]>} */
async function runInOrder(checks) {
  const outcomes = []
  for (const check of checks) {
    const startedAt = performance.now()
    const { code, output } = await runCommand(
      process.execPath,
      [join(root, 'node_modules', check.tool), ...check.args],
      {
        cwd: root,
        env: { ...process.env, NO_COLOR: '1' },
      },
    )
    process.stdout.write(`${code === 0 ? '✓' : '✗'} ${check.name.padEnd(24)} ${seconds(startedAt)}\n`)
    outcomes.push({ check, passed: code === 0, output })
  }
  return outcomes
}

/** @param {number} startedAt */
function seconds(startedAt) {
  return `${((performance.now() - startedAt) / 1000).toFixed(1)} s`
}

await main()
