// Reads a table with one file damaged after the other: says before each case what it is going to do, and afterwards what
// came of it. A case that ends or stops the process is the last one that was announced. Case -1 is the table unharmed.
import { randomUUID } from 'node:crypto'
import { readFileSync, writeFileSync, writeSync } from 'node:fs'
import { EsteiraError, toRows } from '@esteira/core'
import { openDuckDb, openLocalLakehouse } from '@esteira/lakehouse'
import { damage } from './damage.js'
import { seededRandom } from './random.js'

/** @typedef {{ readonly home: string, readonly table: string, readonly snapshotId: string, readonly files: readonly string[], readonly cases: number }} Work */
/** @typedef {string | { readonly code: string, readonly message: string }} Answer */

const work = /** @type {Work} */ (JSON.parse(process.argv[2] ?? '{}'))
say({ case: -1, answers: await readTable(work) })
for (let index = 0; index < work.cases; index++) {
  const random = seededRandom(index)
  const file = work.files[Math.floor(random() * work.files.length)] ?? ''
  const original = readFileSync(file)
  const { bytes, what } = damage(original, random)
  say({ case: index, file, what })
  writeFileSync(file, bytes)
  const answers = await readTable(work)
  writeFileSync(file, original)
  say({ case: index, answers })
}
say({ case: work.cases, answers: await readTable(work) })

/** @param {unknown} message */
function say(message) {
  writeSync(1, `${JSON.stringify(message)}\n`)
}

/** What a fresh reader finds, one answer a way of reading. @param {Work} work @returns {Promise<readonly Answer[]>} */
async function readTable({ home, table, snapshotId }) {
  const engine = await openDuckDb({ threads: 1 })
  try {
    // Else a file that was read whole before is not read again.
    await engine.query('SET GLOBAL enable_external_file_cache = false')
    const lakehouse = await openLocalLakehouse({
      home,
      engine,
      newId: randomUUID,
      now: () => new Date(0),
      catalogTimeoutMs: 500,
    })
    try {
      const where = /** @type {const} */ ([{ column: 'day', op: '>=', value: '2024-02-15' }])
      /** @param {string} relation @param {string} filter */
      const rowsOf = async (relation, filter = 'true') =>
        toRows(await engine.query(`SELECT CAST(COLUMNS(*) AS VARCHAR) FROM ${relation} WHERE ${filter} ORDER BY ALL`))
      return [
        await answer(async () => rowsOf(await lakehouse.relation(table))),
        await answer(async () => rowsOf(await lakehouse.relation(table, { snapshotId }))),
        await answer(async () => rowsOf(await lakehouse.relation(table, {}, where), "day >= DATE '2024-02-15'")),
        await answer(async () => (await lakehouse.table(table)) ?? 'no such table'),
        await answer(async () => lakehouse.snapshots(table)),
        await answer(async () => (await lakehouse.tables()).map(({ name }) => name)),
      ]
    } finally {
      await lakehouse.close()
    }
  } catch (error) {
    return [refusal(error)]
  } finally {
    await engine.close()
  }
}

/** @param {() => Promise<unknown>} read @returns {Promise<Answer>} */
async function answer(read) {
  try {
    return JSON.stringify(await read())
  } catch (error) {
    return refusal(error)
  }
}

/** @param {unknown} error @returns {Answer} */
function refusal(error) {
  if (error instanceof EsteiraError) return { code: error.code, message: error.message }
  return { code: 'none', message: error instanceof Error ? (error.stack ?? error.message) : String(error) }
}
