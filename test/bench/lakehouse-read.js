// Planning and reading one partition of a table of many commits, against DuckDB reading the same Parquet files directly.
//
//   node test/bench/lakehouse-read.js [--snapshots 2000] [--keep FOLDER]
//
// Both sides run in turn in this process, as often as each other; the median counts. `cold` opens the lakehouse anew each time,
// so metadata, manifest lists and manifests are read and decoded; `warm` asks an open one again.
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

/** @param {number} times @param {() => Promise<unknown>} work */
async function median(times, work) {
  const took = []
  for (let run = 0; run < times; run++) {
    const startedAt = performance.now()
    await work()
    took.push(performance.now() - startedAt)
  }
  return took.sort((a, b) => a - b)[times >> 1] ?? 0
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

/** @param {string} title */
async function measure(title) {
  const lakehouse = await open()
  const files = await engine.readRows(
    `SELECT file_path AS path FROM ${await lakehouse.relation(`${TABLE}$files`)} WHERE contains(file_path, 'day_month=2024-03')`,
  )
  const paths = files.map(({ path }) => `'${String(path).replace('file://', '')}'`)
  const direct = () =>
    engine.readRows(`${SUM} FROM read_parquet([${paths}], hive_partitioning = false) WHERE day = DATE '2024-03-15'`)
  const same = JSON.stringify(await direct()) === JSON.stringify(await readPartition(lakehouse))
  const plan = await lakehouse.plan(TABLE, { where: MONTH })
  const [{ n: snapshots } = { n: 0 }] = await engine.readRows(
    `SELECT count(*) AS n FROM ${await lakehouse.relation(`${TABLE}$snapshots`)}`,
  )
  for (let run = 0; run < 3; run++) await Promise.all([direct(), openAndRead()])
  const times = { direct: 0, cold: 0, warm: 0, planCold: 0, planWarm: 0 }
  times.direct = await median(11, direct)
  times.cold = await median(11, openAndRead)
  times.warm = await median(11, () => readPartition(lakehouse))
  times.planCold = await median(11, openAndPlan)
  times.planWarm = await median(11, () => lakehouse.plan(TABLE, { where: MONTH }))
  await lakehouse.close()
  const shown = Object.entries(times).map(([name, ms]) => `${name} ${ms.toFixed(1)} ms`)
  process.stdout.write(
    `${title}: ${snapshots} snapshots, ${plan.filesRead} of ${plan.filesRead + plan.filesSkipped} files, ` +
      `${plan.manifestsRead} of ${plan.manifestsRead + plan.manifestsSkipped} manifests; same answer: ${same}\n` +
      `  ${shown.join(' · ')}\n  cold / direct ${(times.cold / times.direct).toFixed(2)} · warm / direct ${(times.warm / times.direct).toFixed(2)}\n`,
  )
  return times
}

try {
  if (!isMade) await makeTable()
  const before = await measure('as written')
  if (values.keep === undefined) {
    const lakehouse = await open()
    await lakehouse.expire(TABLE, { keepLast: 1, olderThan: new Date() })
    await lakehouse.close()
    const after = await measure('expired')
    process.stdout.write(
      `planning after expiry takes ${(after.planCold / before.planCold).toFixed(2)} of the time before\n`,
    )
  }
} finally {
  await engine.close()
  if (values.keep === undefined) await rm(home, { recursive: true, force: true })
}
