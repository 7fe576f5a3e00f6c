// Planning and reading one partition of a table of many commits, against DuckDB reading the same Parquet files directly; then once
// more after the snapshots have expired. Prints one JSON document.
//
//   node test/bench/lakehouse-read.js [--snapshots 2000] [--keep FOLDER]
//
// All sides run in turn in this process; medians count. `cold` opens the lakehouse anew each time, so metadata, manifest lists and
// manifests are read and decoded; `warm` asks an open one again.
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openDuckDb, openLocalLakehouse } from '@esteira/lakehouse'

const { values } = parseArgs({ options: { snapshots: { type: 'string', default: '2000' }, keep: { type: 'string' } } })
const COMMITS = Number(values.snapshots)
const ROWS_A_FILE = 1000
const TABLE = 'bench.events'
/** @type {{ column: string, op: '=', value: string }[]} */
const MONTH = [{ column: 'day', op: '=', value: '2024-03-15' }]

const home = values.keep ?? (await mkdtemp(join(tmpdir(), 'esteira-bench-')))
const isMade = existsSync(join(home, 'catalog.db'))
const engine = await openDuckDb({ threads: 2 })
const open = () => openLocalLakehouse({ home, engine, newId: randomUUID, now: () => new Date() })
const SUM = 'SELECT count(*) AS n, sum(amount) AS total, max(id) AS last'

/** Two or three months a commit, so that 2,000 commits make 5,000 files in 50 partitions. */
async function makeTable() {
  const lakehouse = await open()
  await lakehouse.ensureTable(TABLE, {
    columns: [
      { name: 'id', type: 'long' },
      { name: 'day', type: 'date' },
      { name: 'amount', type: 'double' },
      { name: 'name', type: 'string' },
    ],
    partitionBy: [{ column: 'day', transform: 'month' }],
  })
  for (let commit = 0; commit < COMMITS; commit++) {
    const months = 2 + (commit % 2)
    const rows = `SELECT ${commit} * 10000 + i AS id, DATE '2022-01-15' + to_months(CAST((${commit} * 7 + i % ${months} * 13) % 50 AS INTEGER)) AS day,
      i * 0.25 AS amount, 'customer ' || i AS name FROM range(${months * ROWS_A_FILE}) AS r (i)`
    await lakehouse.append(TABLE, rows, { commitId: `bench-${commit}`, runId: 'bench' })
    if (commit % 200 === 199) process.stderr.write(`${commit + 1} commits\n`)
  }
  await lakehouse.close()
}

const ROUNDS = 15

/**
 * @template {string} Name
 * @param {Record<Name, () => Promise<unknown>>} work
 * @returns {Promise<Record<Name, number>>} medians
 */
async function medians(work) {
  const names = /** @type {Name[]} */ (Object.keys(work))
  const took = new Map(names.map((name) => [name, /** @type {number[]} */ ([])]))
  for (let run = 0; run < ROUNDS + 3; run++) {
    for (const name of names) {
      const startedAt = performance.now()
      await work[name]()
      // The first rounds only warm up.
      if (run >= 3) took.get(name)?.push(performance.now() - startedAt)
    }
  }
  const middle = names.map((name) => [name, round(took.get(name)?.sort((a, b) => a - b)[ROUNDS >> 1] ?? 0)])
  return Object.fromEntries(middle)
}

/** @param {Awaited<ReturnType<typeof open>>} lakehouse */
async function readPartition(lakehouse) {
  const relation = await lakehouse.relation(TABLE, {}, MONTH)
  return engine.readRows(`${SUM} FROM ${relation} WHERE day = DATE '2024-03-15'`)
}

async function openAndRead() {
  const lakehouse = await open()
  try {
    return await readPartition(lakehouse)
  } finally {
    await lakehouse.close()
  }
}

async function openAndPlan() {
  const lakehouse = await open()
  try {
    return await lakehouse.plan(TABLE, { where: MONTH })
  } finally {
    await lakehouse.close()
  }
}

async function measure() {
  const lakehouse = await open()
  const files = await engine.readRows(
    `SELECT file_path AS path FROM ${await lakehouse.relation(`${TABLE}$files`)} WHERE contains(file_path, 'day_month=2024-03')`,
  )
  const paths = files.map(({ path }) => `'${String(path).replace('file://', '')}'`)
  const direct = () =>
    engine.readRows(`${SUM} FROM read_parquet([${paths}], hive_partitioning = false) WHERE day = DATE '2024-03-15'`)
  const plan = await lakehouse.plan(TABLE, { where: MONTH })
  const snapshots = (await lakehouse.snapshots(TABLE)).length
  const isSameAnswer = JSON.stringify(await direct()) === JSON.stringify(await readPartition(lakehouse))
  // The two sides take turns, so that what else the machine does meets both.
  const work = {
    directMs: direct,
    coldReadMs: openAndRead,
    warmReadMs: () => readPartition(lakehouse),
    coldPlanMs: openAndPlan,
    warmPlanMs: () => lakehouse.plan(TABLE, { where: MONTH }),
  }
  const times = await medians(work)
  await lakehouse.close()
  return {
    snapshots,
    files: { read: plan.filesRead, skipped: plan.filesSkipped },
    manifests: { read: plan.manifestsRead, skipped: plan.manifestsSkipped },
    isSameAnswer,
    ...times,
    coldToDirect: round(times.coldReadMs / times.directMs),
    warmToDirect: round(times.warmReadMs / times.directMs),
  }
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 100) / 100
}

try {
  if (!isMade) await makeTable()
  const written = await measure()
  const lakehouse = await open()
  await lakehouse.expire(TABLE, { keepLast: 1, olderThan: new Date() })
  await lakehouse.close()
  const expired = await measure()
  process.stdout.write(`${JSON.stringify({ benchmark: 'lakehouse-read', written, expired })}\n`)
} finally {
  await engine.close()
  if (values.keep === undefined) await rm(home, { recursive: true, force: true })
}
