// Training and scoring with XGBoost: ours (C API from Node.js) against the Python package, the same rows and parameters.
//
//   node test/bench/train-xgboost.js [--rows 200000] [--columns 20] [--rounds 100] [--repeats 3] [--python PATH]
//
// Prints one JSON document. Each run is a process of its own; a ratio is ours / Python's, medians of the repeats. Processor
// time is given too: on a busy machine it says more than the clock.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { environmentPython } from '../../scripts/setup/python-environment.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const { values: flags } = parseArgs({
  options: {
    rows: { type: 'string', default: '200000' },
    columns: { type: 'string', default: '20' },
    rounds: { type: 'string', default: '100' },
    repeats: { type: 'string', default: '3' },
    python: { type: 'string', default: environmentPython(root) },
    /** Set in the child that trains ours: the folder of the rows. */
    child: { type: 'string' },
  },
})
const size = { rows: Number(flags.rows), columns: Number(flags.columns), rounds: Number(flags.rounds) }

const PYTHON = `import json, resource, sys, time
import numpy as np, xgboost as xgb
folder, rows, columns, rounds = sys.argv[1], *map(int, sys.argv[2:5])
values = np.fromfile(folder + "/values.f32", dtype=np.float32).reshape(rows, columns)
labels = np.fromfile(folder + "/labels.f32", dtype=np.float32)
parameters = dict(objective="binary:logistic", tree_method="hist", max_depth=6, seed=1)
xgb.train(parameters, xgb.DMatrix(values[:10], np.arange(10) % 2), 1)
cpu = time.process_time()
started = time.perf_counter()
booster = xgb.train(parameters, xgb.DMatrix(values, labels), rounds)
trained = time.perf_counter()
cpu = time.process_time() - cpu
p = booster.inplace_predict(values).astype(np.float64)
scored = time.perf_counter()
loss = -np.mean(np.where(labels == 1, np.log(p), np.log(1 - p)))
print(json.dumps(dict(trainMs=(trained - started) * 1e3, trainCpuMs=cpu * 1e3, scoreMs=(scored - trained) * 1e3,
    peakMb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, logLoss=float(loss))))
`

/** @typedef {{ trainMs: number, trainCpuMs: number, scoreMs: number, peakMb: number, logLoss: number }} Result */

if (flags.child !== undefined) process.stdout.write(JSON.stringify(await trainOurs(flags.child)))
else process.stdout.write(`${JSON.stringify(compare(), null, 2)}\n`)

function compare() {
  const folder = mkdtempSync(join(tmpdir(), 'esteira-bench-'))
  try {
    writeRows(folder)
    const self = fileURLToPath(import.meta.url)
    const sizes = ['--rows', flags.rows, '--columns', flags.columns, '--rounds', flags.rounds]
    /** @type {Record<string, Result[]>} */
    const runs = { ours: [], python: [], pythonPassive: [] }
    for (let repeat = 0; repeat < Number(flags.repeats); repeat++) {
      runs['ours']?.push(run(process.execPath, [self, '--child', folder, ...sizes], {}))
      // OpenMP's threads spin in Python and sleep with us; Python is shown with both.
      const program = [folder, ...[size.rows, size.columns, size.rounds].map(String)]
      runs['python']?.push(run(flags.python, ['-c', PYTHON, ...program], {}))
      runs['pythonPassive']?.push(run(flags.python, ['-c', PYTHON, ...program], { OMP_WAIT_POLICY: 'passive' }))
    }
    const medians = Object.fromEntries(Object.entries(runs).map(([name, results]) => [name, medianOf(results)]))
    const best = (/** @type {'trainMs' | 'trainCpuMs' | 'scoreMs'} */ key) =>
      Math.min(medians['python']?.[key] ?? 0, medians['pythonPassive']?.[key] ?? 0)
    return {
      benchmark: 'train-xgboost',
      ...size,
      cores: cpus().length,
      ...medians,
      trainRatio: (medians['ours']?.trainMs ?? 0) / best('trainMs'),
      trainCpuRatio: (medians['ours']?.trainCpuMs ?? 0) / best('trainCpuMs'),
      scoreRatio: (medians['ours']?.scoreMs ?? 0) / best('scoreMs'),
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** @param {string} folder */
function writeRows(folder) {
  let state = 1
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
  const values = new Float32Array(size.rows * size.columns)
  const labels = new Float32Array(size.rows)
  for (let row = 0; row < size.rows; row++) {
    let odds = 0
    for (let column = 0; column < size.columns; column++) {
      const value = random() * 2 - 1
      values[row * size.columns + column] = value
      odds += value * ((column % 5) - 2)
    }
    labels[row] = random() < 1 / (1 + Math.exp(-odds)) ? 1 : 0
  }
  writeFileSync(join(folder, 'values.f32'), values)
  writeFileSync(join(folder, 'labels.f32'), labels)
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {Record<string, string>} env
 * @returns {Result}
 */
function run(command, args, env) {
  return JSON.parse(execFileSync(command, args, { encoding: 'utf8', env: { ...process.env, ...env } }))
}

/**
 * @param {Result[]} results
 * @returns {Result}
 */
function medianOf(results) {
  const middle = (/** @type {keyof Result} */ key) =>
    results.map((result) => result[key]).sort((a, b) => a - b)[results.length >> 1] ?? Number.NaN
  return {
    trainMs: middle('trainMs'),
    trainCpuMs: middle('trainCpuMs'),
    scoreMs: middle('scoreMs'),
    peakMb: middle('peakMb'),
    logLoss: middle('logLoss'),
  }
}

/**
 * @param {string} folder
 * @returns {Promise<Result>}
 */
async function trainOurs(folder) {
  const { train } = await import('../../packages/models/dist/index.js')
  const floats = (/** @type {string} */ name) =>
    new Float32Array(new Uint8Array(readFileSync(join(folder, name))).buffer)
  const values = floats('values.f32')
  const labels = floats('labels.f32')
  const names = Array.from({ length: size.columns }, (_, column) => `f${column}`)
  const matrix = { rows: size.rows, names, values }
  // The first training in a process also loads the library; Python's import is not timed either.
  const few = { rows: 10, names, values: values.slice(0, 10 * size.columns) }
  const warm = await train({
    modelType: 'xgboost',
    hyperparameters: { n_estimators: 1 },
    training: { matrix: few, labels: alternating(10) },
    seed: 1,
  })
  warm.classifier.close()
  const cpu = process.cpuUsage()
  const started = performance.now()
  const { classifier } = await train({
    modelType: 'xgboost',
    hyperparameters: { n_estimators: size.rounds, max_depth: 6 },
    training: { matrix, labels: Uint8Array.from(labels) },
    seed: 1,
  })
  const trained = performance.now()
  const used = process.cpuUsage(cpu)
  const probability = classifier.predictProbability(matrix)
  const scored = performance.now()
  let loss = 0
  for (let row = 0; row < size.rows; row++) {
    const p = probability[row] ?? 0.5
    loss -= Math.log(labels[row] === 1 ? p : 1 - p)
  }
  return {
    trainMs: trained - started,
    trainCpuMs: (used.user + used.system) / 1000,
    scoreMs: scored - trained,
    peakMb: process.resourceUsage().maxRSS / 1024,
    logLoss: loss / size.rows,
  }
}

/** @param {number} count */
function alternating(count) {
  return Uint8Array.from({ length: count }, (_, row) => row % 2)
}
