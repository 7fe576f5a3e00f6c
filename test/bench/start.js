// What a start costs: the time a step takes to print its help, the time from its start to its first query, and what each
// import adds.
//
//   node test/bench/start.js [--repeats 5]
//
// Prints one JSON document, milliseconds. Each measurement is a process of its own; `best` is the smallest of the repeats (what
// an idle machine takes), `median` what this one took.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = fileURLToPath(new URL('../..', import.meta.url))
const { values: flags } = parseArgs({ options: { repeats: { type: 'string', default: '5' } } })
const repeats = Number(flags.repeats)

/** The third-party packages that are imported at once, and ours from the bottom up; each includes those below it. */
const IMPORTS = [
  ...['zod', 'yaml', 'pino', 'commander'],
  ...['core', 'statistics', 'lakehouse', 'mlflow', 'models', 'deploy'].map((name) => `@esteira/${name}`),
  ...['feature-pipeline', 'training-pipeline', 'inference-pipeline', 'monitoring'].map((name) => `@esteira/${name}`),
  'esteira',
]
/** Those that wait for their first use. */
const LAZY = ['@duckdb/node-api', 'libsql', 'koffi', 'undici', 'esbuild']

const steps = readdirSync(join(root, 'steps')).filter((file) => file.endsWith('.js'))
const home = mkdtempSync(join(tmpdir(), 'esteira-start-'))
try {
  process.stdout.write(`${JSON.stringify(measure(), null, 2)}\n`)
} finally {
  rmSync(home, { recursive: true, force: true })
}

function measure() {
  return {
    node: timed(() => elapsed(['-e', '0'])),
    stepHelp: Object.fromEntries(
      steps.map((file) => [file.replace('.js', ''), timed(() => elapsed([join('steps', file), '--help']))]),
    ),
    esteiraHelp: timed(() => elapsed(['packages/esteira/bin/esteira.js', '--help'])),
    startToFirstQuery: timed(firstQuery),
    imports: Object.fromEntries(IMPORTS.map((name) => [name, timed(() => importTime(name))])),
    lazyImports: Object.fromEntries(LAZY.map((name) => [name, timed(() => importTime(name))])),
  }
}

/** @param {() => number} once */
function timed(once) {
  const all = Array.from({ length: repeats }, once).sort((a, b) => a - b)
  const round = (/** @type {number | undefined} */ value) => Math.round((value ?? 0) * 10) / 10
  return { best: round(all[0]), median: round(all[Math.floor(all.length / 2)]) }
}

/** @param {readonly string[]} args */
function run(args) {
  const env = { ...process.env, ESTEIRA_HOME: home, ESTEIRA_PROJECT: 'projects/churn', ESTEIRA_RUN_DATE: '2026-01-01' }
  return spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8', env })
}

/** @param {readonly string[]} args */
function elapsed(args) {
  const startedAt = performance.now()
  const { status, stderr } = run(args)
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`)
  return performance.now() - startedAt
}

/** From the start of the process to the first statement that DuckDB gets. There are no tables, so the step then ends with 64. */
function firstQuery() {
  const startedAt = Date.now()
  const { stdout, stderr } = run(['--import', './test/bench/first-query.js', 'steps/extract_features.js'])
  const at = /first-query (\d+)/.exec(stdout)?.[1]
  if (at === undefined) throw new Error(`the step made no query: ${stderr}`)
  return Number(at) - startedAt
}

/** @param {string} name */
function importTime(name) {
  const folder = ownerOf(name)
  const program = `const t = performance.now(); await import(${JSON.stringify(name)}); process.stdout.write(String(performance.now() - t))`
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    cwd: join(root, 'packages', folder),
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`import of ${name} failed: ${stderr}`)
  return Number(stdout)
}

/** The package whose imports include it: what it resolves to there is what is loaded. @param {string} name */
function ownerOf(name) {
  if (name === 'esteira') return 'esteira'
  const folders = readdirSync(join(root, 'packages'))
  return folders.find((folder) => name in dependenciesOf(folder)) ?? 'esteira'
}

/** @param {string} folder @returns {Record<string, string>} */
function dependenciesOf(folder) {
  const manifest = JSON.parse(readFileSync(join(root, 'packages', folder, 'package.json'), 'utf8'))
  return manifest.dependencies ?? {}
}
