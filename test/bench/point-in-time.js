// A point-in-time training set: a spine of (customer, time) joined to the newest rows of three views: ours, from Iceberg tables
// to a training set under its digest, against polars' join_asof, from Parquet files to a Parquet file.
//
//   node test/bench/point-in-time.js [--spine 1000000] [--rows 10000000] [--shape weekly,scattered] [--repeats 3] [--python PATH]
//
// Prints one JSON document. Each run is a process of its own; a ratio is ours / the faster of polars' two engines, medians of the
// repeats. `weekly`: every view has rows of all customers once a week, as a batch pipeline publishes them; `scattered`: every
// customer on days of its own. The values are compared as well.
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { environmentPython } from '../../scripts/setup/python-environment.js'

const CUSTOMERS = 200_000
const VIEWS = ['first', 'second', 'third']
const root = fileURLToPath(new URL('../..', import.meta.url))
const self = fileURLToPath(import.meta.url)
const { values: flags } = parseArgs({
  options: {
    spine: { type: 'string', default: '1000000' },
    rows: { type: 'string', default: '10000000' },
    shape: { type: 'string', default: 'weekly,scattered' },
    repeats: { type: 'string', default: '3' },
    python: { type: 'string', default: environmentPython(root) },
    /** Set in the child that computes ours: the home with the tables. */
    child: { type: 'string' },
  },
})

/** @typedef {{ wallMs: number, cpuMs: number, peakMb: number }} Result */

if (flags.child !== undefined) process.stdout.write(JSON.stringify(await computeOurs(flags.child)))
else process.stdout.write(`${JSON.stringify(await compareAll(), null, 2)}\n`)

async function compareAll() {
  const shapes = []
  for (const shape of flags.shape.split(',')) {
    const folder = mkdtempSync(join(tmpdir(), 'esteira-bench-'))
    try {
      shapes.push(await compare(folder, shape))
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
  return {
    benchmark: 'point-in-time',
    spineRows: Number(flags.spine),
    featureRows: Number(flags.rows),
    views: VIEWS.length,
    cores: cpus().length,
    shapes,
  }
}

/** @param {string} folder @param {string} shape */
async function compare(folder, shape) {
  await writeInputs(folder, shape)
  const polars = fileURLToPath(new URL('point-in-time.py', import.meta.url))
  /** @type {Record<string, Result[]>} */
  const runs = { ours: [], polarsStreaming: [], polarsInMemory: [] }
  let ours = ''
  for (let repeat = 0; repeat < Number(flags.repeats); repeat++) {
    const { path, ...result } = run(process.execPath, [self, '--child', folder])
    ours = path
    runs['ours']?.push(result)
    runs['polarsStreaming']?.push(run(flags.python, [polars, folder, 'streaming']))
    runs['polarsInMemory']?.push(run(flags.python, [polars, folder, 'in-memory']))
  }
  const medians = Object.fromEntries(Object.entries(runs).map(([name, results]) => [name, medianOf(results)]))
  const fastest = Math.min(medians['polarsStreaming']?.wallMs ?? 0, medians['polarsInMemory']?.wallMs ?? 0)
  const ratio = (medians['ours']?.wallMs ?? 0) / fastest
  return { shape, ...medians, ratio, ...(await compareValues(ours, join(folder, 'theirs.parquet'))) }
}

/** @param {string} command @param {string[]} args @returns {Result & { path: string }} */
function run(command, args) {
  const started = performance.now()
  const used = JSON.parse(execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }))
  return { wallMs: performance.now() - started, ...used }
}

/** @param {readonly Result[]} results @returns {Result} */
function medianOf(results) {
  const middle = (/** @type {keyof Result} */ key) =>
    results.map((result) => result[key]).sort((a, b) => a - b)[results.length >> 1] ?? Number.NaN
  return {
    wallMs: Math.round(middle('wallMs')),
    cpuMs: Math.round(middle('cpuMs')),
    peakMb: Math.round(middle('peakMb')),
  }
}

/** The feature store over the tables of a home. @param {string} folder */
async function openStore(folder) {
  const { openDuckDb, openFeatureStore, openLocalLakehouse, openLocalObjectStore } = await import(
    '../../packages/lakehouse/dist/index.js'
  )
  const engine = await openDuckDb({ tempFolder: join(folder, 'tmp') })
  const at = { newId: randomUUID, now: () => new Date() }
  const lakehouse = await openLocalLakehouse({ home: folder, engine, ...at })
  const objects = openLocalObjectStore(join(folder, 'objects'))
  return { engine, lakehouse, objects, features: openFeatureStore({ lakehouse, objects, ...at }) }
}

/** @param {string} folder */
async function computeOurs(folder) {
  const { engine, lakehouse, objects, features } = await openStore(folder)
  const set = await features.getTrainingSet({
    spine: { query: 'SELECT customer_id, event_time, label FROM bench.spine', time: 'event_time' },
    views: VIEWS,
  })
  await lakehouse.close()
  await engine.close()
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
  return { cpuMs: (userCPUTime + systemCPUTime) / 1000, peakMb: maxRSS / 1024, path: objects.locate(set.dataKey) }
}

/** Parquet files for polars and the same rows in tables for us. @param {string} folder @param {string} shape */
async function writeInputs(folder, shape) {
  const { ensureFeatureVersion, featureTableDefinition } = await import('../../packages/lakehouse/dist/index.js')
  const core = await import('../../packages/core/dist/index.js')
  const { engine, lakehouse, objects } = await openStore(folder)
  const random = (/** @type {number} */ salt) => `(hash(range * 8 + ${salt}) % 1000003) / 1000003.0`
  const weeks = Math.ceil(Number(flags.rows) / CUSTOMERS)
  const spread = shape === 'weekly' ? '0' : 'CAST(hash(range) % 7 AS INTEGER)'
  const spine = join(folder, 'spine.parquet')
  // One customer in twenty is in no view.
  await engine.query(`COPY (SELECT
    printf('C%07d', CAST(floor(${random(1)} * ${CUSTOMERS * 1.05}) AS INTEGER)) AS customer_id,
    TIMESTAMP '2023-01-03 00:00:00' + INTERVAL (CAST(floor(${random(2)} * ${weeks * 7} * 86400) AS INTEGER)) SECOND AS event_time,
    CAST(hash(range) % 2 AS INTEGER) AS label FROM range(${flags.spine})) TO '${spine}' (FORMAT parquet, COMPRESSION zstd)`)
  await lakehouse.ensureTable('bench.spine', {
    columns: [
      { name: 'customer_id', type: 'string' },
      { name: 'event_time', type: 'timestamp' },
      { name: 'label', type: 'int' },
    ],
  })
  const commit = { commitId: 'bench', runId: 'bench' }
  await lakehouse.append('bench.spine', `SELECT * FROM read_parquet('${spine}')`, commit)
  const events = core.source('events', {
    format: 'parquet',
    path: 'none',
    entity: core.entity('customer_id'),
    key: 'event_id',
    time: 'event_time',
    columns: { event_id: 'string', customer_id: 'string', event_time: 'timestamp' },
  })
  for (const [index, name] of VIEWS.entries()) {
    const file = join(folder, `${name}.parquet`)
    await engine.query(`COPY (SELECT printf('C%07d', range % ${CUSTOMERS}) AS customer_id,
      DATE '2023-01-01' + CAST(7 * (range // ${CUSTOMERS}) AS INTEGER) + ${spread} AS feature_date,
      ${random(1 + index)} AS ${name}_a, 100 * ${random(2 + index)} AS ${name}_b, ${random(4 + index)} AS ${name}_c,
      CAST(hash(range * 8 + 3) % 50 AS BIGINT) AS ${name}_n,
      ['suv', 'van', 'luxury'][1 + CAST(hash(range * 8 + 6) % 3 AS INTEGER)] AS ${name}_t
      FROM range(${flags.rows})) TO '${file}' (FORMAT parquet, COMPRESSION zstd)`)
    const view = core.view(name, {
      from: events,
      features: {
        [`${name}_a`]: core.unavailable('double'),
        [`${name}_b`]: core.unavailable('double'),
        [`${name}_c`]: core.unavailable('double'),
        [`${name}_n`]: core.unavailable('bigint'),
        [`${name}_t`]: core.unavailable('varchar'),
      },
    })
    const { version, hash } = await ensureFeatureVersion(objects, view, new Date(0))
    await lakehouse.ensureTable(`feature_store.${name}`, featureTableDefinition(view))
    await lakehouse.append(
      `feature_store.${name}`,
      `SELECT *, ${version} AS _feature_version, '${hash}' AS _feature_hash, TIMESTAMP '2024-01-01 00:00:00' AS _created_at FROM read_parquet('${file}')`,
      commit,
    )
  }
  await lakehouse.close()
  await engine.close()
}

/** Rows in which the two differ; rows of the spine may be there twice, so whole rows are counted. @param {string} ours @param {string} theirs */
async function compareValues(ours, theirs) {
  const { openDuckDb } = await import('../../packages/lakehouse/dist/index.js')
  const engine = await openDuckDb()
  const names = VIEWS.flatMap((name) => ['a', 'b', 'c', 'n', 't'].map((suffix) => `${name}_${suffix}`)).join(', ')
  const read = (/** @type {string} */ path) =>
    `SELECT customer_id, event_time, label, ${names} FROM read_parquet('${path}')`
  const count = async (/** @type {string} */ sql) => {
    const { columns } = await engine.query(`SELECT count(*) AS n FROM (${sql}) AS t`)
    return Number(columns.get('n')?.values[0])
  }
  const compared = await count(read(theirs))
  const different = await count(`${read(ours)} EXCEPT ALL ${read(theirs)}`)
  const missing = await count(`${read(theirs)} EXCEPT ALL ${read(ours)}`)
  await engine.close()
  return { compared, different, missing }
}
