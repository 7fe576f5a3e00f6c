// Appends of 1,000 rows, one commit each: medians around commit 10, 100 and 1,000, then after compaction and expiry.
// `node test/bench/lakehouse-append.js [commits]`. Prints one JSON document; times in milliseconds.
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDuckDb, openLocalLakehouse } from '@esteira/lakehouse'

const commits = Number(process.argv[2] ?? 1000)
/** @type {import('@esteira/core').TableColumn[]} */
const COLUMNS = [
  { name: 'id', type: 'long' },
  { name: 'at', type: 'timestamp' },
  { name: 'name', type: 'string' },
  { name: 'amount', type: 'decimal(18,4)' },
  ...Array.from({ length: 6 }, (_, index) => ({ name: `x${index}`, type: /** @type {const} */ ('double') })),
]

const home = mkdtempSync(join(tmpdir(), 'esteira-bench-append-'))
const engine = await openDuckDb()
const lakehouse = await openLocalLakehouse({ home, engine, newId: randomUUID, now: () => new Date() })
try {
  await lakehouse.ensureTable('bench.t', { columns: COLUMNS })
  const times = await appendMany(0, commits)
  /** @param {number} commit */
  const around = (commit) => median(times.slice(Math.max(0, commit - 10), commit + 10))
  const measured = [10, 100, 1000].filter((commit) => commit <= commits)
  const before = { snapshots: (await lakehouse.snapshots('bench.t')).length }
  const compact = await timed(() => lakehouse.compact('bench.t', {}, commitOf('compact')))
  const expire = await timed(() => lakehouse.expire('bench.t', { keepLast: 10 }))
  const after = await appendMany(commits, 50)
  const state = await lakehouse.table('bench.t')
  console.log(
    JSON.stringify(
      {
        benchmark: 'lakehouse-append',
        rowsPerCommit: 1000,
        columns: COLUMNS.length,
        medianMs: Object.fromEntries(measured.map((commit) => [`commit ${commit}`, round(around(commit))])),
        slowestMs: round(Math.max(...times.slice(5))),
        ...before,
        compactMs: round(compact.ms),
        expireMs: round(expire.ms),
        medianMsAfterCompactAndExpire: round(median(after)),
        rows: state?.rowCount,
      },
      null,
      2,
    ),
  )
} finally {
  await lakehouse.close()
  await engine.close()
  rmSync(home, { recursive: true, force: true })
}

/** @param {number} first @param {number} count */
async function appendMany(first, count) {
  const times = []
  for (let index = first; index < first + count; index++) {
    const rows = `SELECT ${index * 1000} + range AS id, TIMESTAMP '2024-01-01' + INTERVAL (range) MINUTE AS at, 'customer ' || range AS name,
      range / 7 AS amount, ${Array.from({ length: 6 }, (_, x) => `hash(range + ${x}) / 1e18 AS x${x}`).join(', ')} FROM range(1000)`
    const { ms } = await timed(() => lakehouse.append('bench.t', rows, commitOf(`append-${index}`)))
    times.push(ms)
  }
  return times
}

/** @param {string} commitId */
function commitOf(commitId) {
  return { commitId, runId: 'bench' }
}

/** @template T @param {() => Promise<T>} work */
async function timed(work) {
  const start = performance.now()
  const result = await work()
  return { result, ms: performance.now() - start }
}

/** @param {number[]} values */
function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 10) / 10
}
