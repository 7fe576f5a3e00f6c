// Runs the benchmarks one after the other; each prints one JSON document. `node test/bench/run.js features start` runs some.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

const BENCHMARKS = [
  'start',
  'features',
  'train-xgboost',
  'lakehouse-write',
  'lakehouse-append',
  'lakehouse-read',
  'point-in-time',
]

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !BENCHMARKS.includes(name))
if (unknown.length > 0) {
  process.stderr.write(`no benchmark ${unknown.join(', ')}; there are ${BENCHMARKS.join(', ')}\n`)
  process.exit(64)
}
let failed = 0
for (const name of asked.length > 0 ? asked : BENCHMARKS) {
  const program = join(import.meta.dirname, `${name}.js`)
  if (!existsSync(program)) throw new Error(`${program} is missing`)
  process.stderr.write(`── ${name} ──\n`)
  const { status } = spawnSync(process.execPath, [program], { stdio: ['ignore', 'inherit', 'inherit'] })
  if (status !== 0) failed++
}
process.exitCode = failed === 0 ? 0 : 1
