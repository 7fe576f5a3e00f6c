// A table of 30 columns partitioned by month, written from a DuckDB query: our append against DuckDB's plain partitioned COPY.
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
const COLUMNS = [
  { name: 'id', type: 'long' },
  { name: 'at', type: 'timestamp' },
  { name: 'day', type: 'date' },
  { name: 'amount', type: 'decimal(18,4)' },
  ...NUMBERS.map((name) => ({ name, type: 'double' })),
  ...COUNTS.map((name) => ({ name, type: 'int' })),
  ...TEXTS.map((name) => ({ name, type: 'string' })),
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
  await lakehouse.ensureTable('bench.t', { columns: COLUMNS, partitionBy: [{ column: 'day', transform: 'month' }] })
  const times = { plain: [], plainZstd: [], ours: [] }
  for (let round = 0; round < rounds; round++) {
    times.plain.push(await plainCopy(''))
    times.plainZstd.push(await plainCopy(', COMPRESSION zstd'))
    const append = () =>
      lakehouse.append('bench.t', 'SELECT * FROM given', { commitId: `round-${round}`, runId: 'bench' })
    times.ours.push(await seconds(append))
    await lakehouse.delete('bench.t', [], { commitId: `clear-${round}`, runId: 'bench' })
    await lakehouse.expire('bench.t', { keepLast: 1 })
  }
  const best = Object.fromEntries(Object.entries(times).map(([name, each]) => [name, round2(Math.min(...each))]))
  console.log(
    JSON.stringify(
      {
        benchmark: 'lakehouse-write',
        rows,
        columns: COLUMNS.length,
        partitions: 12,
        seconds: { 'plain COPY': best.plain, 'plain COPY, zstd': best.plainZstd, 'append to a table': best.ours },
        ratioToPlain: round2(best.ours / best.plain),
        ratioToPlainZstd: round2(best.ours / best.plainZstd),
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

async function plainCopy(options) {
  const folder = join(home, 'plain')
  const sql = `COPY (SELECT *, strftime(day, '%Y-%m') AS day_month FROM given) TO '${folder}' (FORMAT parquet, PARTITION_BY (day_month)${options})`
  const taken = await seconds(() => engine.query(sql))
  rmSync(folder, { recursive: true, force: true })
  return taken
}

async function seconds(work) {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1000
}

function round2(value) {
  return Math.round(value * 100) / 100
}
