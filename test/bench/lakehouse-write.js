// A table of 30 columns partitioned by month, written from a DuckDB query: our append against DuckDB's plain partitioned COPY, with
// DuckDB's default codec (snappy) and with ours (zstd).
// `node test/bench/lakehouse-write.js [rows] [rounds]`. Prints one JSON document; times in seconds, the best of the rounds.
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDuckDb, openLocalLakehouse } from '@esteira/lakehouse'

const rows = Number(process.argv[2] ?? 10_000_000)
const rounds = Number(process.argv[3] ?? 3)
const NUMBERS = Array.from({ length: 12 }, (_, index) => `x${index}`)
const COUNTS = Array.from({ length: 8 }, (_, index) => `n${index}`)
const TEXTS = Array.from({ length: 6 }, (_, index) => `s${index}`)
/** @type {import('@esteira/core').TableColumn[]} */
const COLUMNS = [
  { name: 'id', type: 'long' },
  { name: 'at', type: 'timestamp' },
  { name: 'day', type: 'date' },
  { name: 'amount', type: 'decimal(18,4)' },
  ...NUMBERS.map((name) => ({ name, type: /** @type {const} */ ('double') })),
  ...COUNTS.map((name) => ({ name, type: /** @type {const} */ ('int') })),
  ...TEXTS.map((name) => ({ name, type: /** @type {const} */ ('string') })),
]

// Twelve months, in the order of time as events come; numbers and texts that do not compress to nothing.
const SELECT = `SELECT range AS id, TIMESTAMP '2024-01-01' + to_microseconds(range * ${Math.floor((366 * 86_400e6) / rows)}::BIGINT) AS at,
  CAST("at" AS DATE) AS day, ((hash(range) % 10000000) / 1000)::DECIMAL(18,4) AS amount,
  ${NUMBERS.map((name, index) => `(hash(range + ${index}) % 100000) / 7 AS ${name}`).join(', ')},
  ${COUNTS.map((name, index) => `(hash(range * ${index + 2}) % ${10 ** ((index % 4) + 1)})::INTEGER AS ${name}`).join(', ')},
  ${TEXTS.map((name, index) => `'value ' || (hash(range + ${index * 31}) % ${20 * (index + 1) ** 3}) AS ${name}`).join(', ')} FROM range(${rows})`

const home = mkdtempSync(join(tmpdir(), 'esteira-bench-write-'))
const engine = await openDuckDb()
const lakehouse = await openLocalLakehouse({ home, engine, newId: randomUUID, now: () => new Date() })
try {
  await engine.query(`CREATE TABLE given AS ${SELECT}`)
  for (const codec of ['zstd', 'snappy']) {
    await lakehouse.ensureTable(`bench.${codec}`, {
      columns: COLUMNS,
      partitionBy: [{ column: 'day', transform: 'month' }],
      properties: { 'write.parquet.compression-codec': codec },
    })
  }
  const times = { plain: numbers(), plainZstd: numbers(), snappy: numbers(), zstd: numbers() }
  for (let round = 0; round < rounds; round++) {
    times.plain.push(await plainCopy(''))
    times.snappy.push(await ourAppend('bench.snappy', round))
    times.plainZstd.push(await plainCopy(', COMPRESSION zstd'))
    times.zstd.push(await ourAppend('bench.zstd', round))
  }
  const { plain, plainZstd, snappy, zstd } = {
    plain: Math.min(...times.plain),
    plainZstd: Math.min(...times.plainZstd),
    snappy: Math.min(...times.snappy),
    zstd: Math.min(...times.zstd),
  }
  console.log(
    JSON.stringify(
      {
        benchmark: 'lakehouse-write',
        rows,
        columns: COLUMNS.length,
        partitions: 12,
        seconds: {
          'plain COPY (snappy)': round2(plain),
          'append, snappy': round2(snappy),
          'plain COPY, zstd': round2(plainZstd),
          'append, zstd (the default)': round2(zstd),
        },
        ratioSnappy: round2(snappy / plain),
        ratioZstd: round2(zstd / plainZstd),
        ratioDefaults: round2(zstd / plain),
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

/** @param {string} table @param {number} round */
async function ourAppend(table, round) {
  const commit = { commitId: `round-${round}`, runId: 'bench' }
  const taken = await seconds(() => lakehouse.append(table, 'SELECT * FROM given', commit))
  await lakehouse.delete(table, [], { commitId: `clear-${round}`, runId: 'bench' })
  await lakehouse.expire(table, { keepLast: 1 })
  return taken
}

/** @param {string} options */
async function plainCopy(options) {
  const folder = join(home, 'plain')
  const sql = `COPY (SELECT *, strftime(day, '%Y-%m') AS day_month FROM given) TO '${folder}' (FORMAT parquet, PARTITION_BY (day_month)${options})`
  const taken = await seconds(() => engine.query(sql))
  rmSync(folder, { recursive: true, force: true })
  return taken
}

/** @param {() => Promise<unknown>} work */
async function seconds(work) {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1000
}

/** @returns {number[]} */
function numbers() {
  return []
}

/** @param {number} value */
function round2(value) {
  return Math.round(value * 100) / 100
}
