// The customer feature view at one date: ours (one SQL statement in DuckDB) against polars, the same rows in and out.
//
//   node test/bench/features.js [--rows 1000000,10000000] [--customers 200000] [--repeats 3] [--python PATH]
//
// Prints one JSON document. Each run is a process of its own, from its start to the written Parquet file (zstd);
// a ratio is ours / the faster of polars' two engines, medians of the repeats. The values are compared as well.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { environmentPython } from '../../scripts/setup/python-environment.js'

const DATE = '2025-01-01'
const root = fileURLToPath(new URL('../..', import.meta.url))
const self = fileURLToPath(import.meta.url)
const { values: flags } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000,10000000' },
    customers: { type: 'string', default: '200000' },
    repeats: { type: 'string', default: '3' },
    python: { type: 'string', default: environmentPython(root) },
    /** Set in the child that computes ours: `source` and `out`. */
    child: { type: 'string' },
    out: { type: 'string', default: '' },
  },
})

/** @typedef {{ wallMs: number, cpuMs: number, peakMb: number }} Result */

if (flags.child !== undefined) process.stdout.write(JSON.stringify(await computeOurs(flags.child, flags.out)))
else process.stdout.write(`${JSON.stringify(await compareAll(), null, 2)}\n`)

async function compareAll() {
  const folder = mkdtempSync(join(tmpdir(), 'esteira-bench-'))
  try {
    const sizes = []
    for (const rows of flags.rows.split(',').map(Number)) sizes.push(await compare(folder, rows))
    return { benchmark: 'features', customers: Number(flags.customers), cores: cpus().length, sizes }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** @param {string} folder @param {number} rows */
async function compare(folder, rows) {
  const source = join(folder, `silver-${rows}.parquet`)
  await writeTransactions(source, rows)
  const ours = join(folder, 'ours.parquet')
  const theirs = join(folder, 'theirs.parquet')
  const polars = fileURLToPath(new URL('features.py', import.meta.url))
  /** @type {Record<string, Result[]>} */
  const runs = { ours: [], polarsStreaming: [], polarsInMemory: [] }
  for (let repeat = 0; repeat < Number(flags.repeats); repeat++) {
    runs['ours']?.push(run(process.execPath, [self, '--child', source, '--out', ours]))
    runs['polarsStreaming']?.push(run(flags.python, [polars, source, theirs, DATE, 'streaming']))
    runs['polarsInMemory']?.push(run(flags.python, [polars, source, theirs, DATE, 'in-memory']))
  }
  const medians = Object.fromEntries(Object.entries(runs).map(([name, results]) => [name, medianOf(results)]))
  const fastest = Math.min(medians['polarsStreaming']?.wallMs ?? 0, medians['polarsInMemory']?.wallMs ?? 0)
  const ratio = (medians['ours']?.wallMs ?? 0) / fastest
  return { rows, ...medians, ratio, ...(await compareValues(ours, theirs)) }
}

/** @param {string} command @param {string[]} args @returns {Result} */
function run(command, args) {
  const started = performance.now()
  const used = JSON.parse(execFileSync(command, args, { encoding: 'utf8' }))
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

/** @param {string} source @param {string} out */
async function computeOurs(source, out) {
  const { compileFeatureView, openDuckDb } = await import('../../packages/lakehouse/dist/index.js')
  const engine = await openDuckDb()
  const featureDates = [DATE]
  const sql = compileFeatureView(await customerView(), {
    dialect: 'duckdb',
    source: `read_parquet('${source}')`,
    featureDates,
  })
  // As `writeParquet` of the lakehouse writes staged features; what it adds (a catalog, a flush to the disk) polars does not do.
  await engine.query(`COPY (${sql}) TO '${out}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 61440)`)
  await engine.close()
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
  return { cpuMs: (userCPUTime + systemCPUTime) / 1000, peakMb: maxRSS / 1024 }
}

/** The view of the churn project, declared with the packages as built. */
async function customerView() {
  const core = await import('../../packages/core/dist/index.js')
  const transactions = core.source('transactions', {
    format: 'parquet',
    path: 'none',
    entity: core.entity('customer_id'),
    key: 'transaction_id',
    time: 'booked_at',
    amount: 'amount',
    columns: {
      transaction_id: 'string',
      customer_id: 'string',
      booked_at: 'timestamp',
      amount: 'decimal(18,4)',
      category: 'string?',
      payment_method: 'string?',
    },
  })
  return core.view('customer_features', {
    from: transactions,
    features: {
      ...core.windows(transactions.amount, {
        of: 'transactions',
        as: 'transaction_value',
        days: [7, 30, 90],
        take: ['count', 'avg', 'max', 'min', 'std'],
      }),
      total_transactions_365d: core.count(transactions, { days: 365 }),
      total_value_365d: core.sum(transactions.amount, { days: 365 }),
      preferred_category: core.mode(transactions.category, { days: 90 }),
      preferred_payment_method: core.mode(transactions.payment_method, { days: 90 }),
      days_since_last_transaction: core.daysSinceLast(transactions),
      transactions_weekend_ratio: core.weekendShare(transactions, { days: 90 }),
      peak_hour_transactions: core.peakHour(transactions, { days: 90 }),
      monthly_seasonality: core.seasonality(transactions, { days: 365 }),
      engagement_score: core.engagement(transactions, { blocks: 13, blockDays: 7 }),
      churn_score: core.overdue(transactions, { days: 365 }),
      ...core.rfm({
        recency: 'days_since_last_transaction',
        frequency: 'total_transactions_365d',
        monetary: 'total_value_365d',
      }),
      customer_segment: core.segment('monetary_score'),
    },
  })
}

/** Two years of transactions before the date, a tenth of the amounts refunds, customers of unequal activity. @param {string} path @param {number} rows */
async function writeTransactions(path, rows) {
  const { openDuckDb } = await import('../../packages/lakehouse/dist/index.js')
  const engine = await openDuckDb()
  const random = (/** @type {number} */ salt) => `(hash(range * 8 + ${salt}) % 1000003) / 1000003.0`
  await engine.query(`COPY (SELECT
    printf('T%09d', range) AS transaction_id,
    printf('C%07d', CAST(floor(pow(${random(1)}, 2) * ${Number(flags.customers)}) AS INTEGER)) AS customer_id,
    TIMESTAMP '${DATE} 00:00:00' - INTERVAL (CAST(floor(${random(2)} * 730 * 86400) AS INTEGER) + 1) SECOND AS local_ts,
    CAST(CASE WHEN ${random(3)} < 0.05 THEN -1 ELSE 1 END * (5 + 500 * pow(${random(4)}, 3)) AS DECIMAL(18,4)) AS amount,
    CASE WHEN ${random(5)} < 0.02 THEN NULL ELSE ['economy', 'compact', 'suv', 'van', 'luxury', 'pickup'][1 + CAST(hash(range * 8 + 5) % 6 AS INTEGER)] END AS category,
    ['card', 'pix', 'cash', 'invoice'][1 + CAST(hash(range * 8 + 6) % 4 AS INTEGER)] AS payment_method,
    ${random(3)} < 0.05 AS is_refund
  FROM range(${rows}) ORDER BY local_ts) TO '${path}' (FORMAT parquet, COMPRESSION zstd)`)
  await engine.close()
}

/** @param {string} ours @param {string} theirs */
async function compareValues(ours, theirs) {
  const { openDuckDb } = await import('../../packages/lakehouse/dist/index.js')
  const engine = await openDuckDb()
  const read = (/** @type {string} */ path) => `read_parquet('${path}')`
  const { columns } = await engine.query(`SELECT * EXCLUDE (customer_id, feature_date) FROM ${read(ours)} LIMIT 0`)
  const differs = [...columns].map(([name, { type }]) => {
    const isText = type === 'string'
    const near = `abs(a."${name}" - b."${name}") <= 1e-9 * greatest(1, abs(b."${name}"))`
    const equal = isText ? `a."${name}" = b."${name}"` : near
    const both = `a."${name}" IS NULL AND b."${name}" IS NULL`
    return `count(*) FILTER (WHERE NOT coalesce(${both} OR ${equal}, FALSE)) AS "${name}"`
  })
  const frame = await engine.query(
    `SELECT count(*) AS "compared", ${differs.join(', ')} FROM ${read(ours)} AS a FULL JOIN ${read(theirs)} AS b USING (customer_id)`,
  )
  await engine.close()
  const counts = Object.fromEntries([...frame.columns].map(([name, { values }]) => [name, Number(values[0])]))
  const { compared = 0, ...different } = counts
  return { compared, different: Object.fromEntries(Object.entries(different).filter(([, rows]) => rows > 0)) }
}
