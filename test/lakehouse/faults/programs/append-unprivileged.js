// Appends a row as a user who may do only what the files' permissions say, which root is not: says what came of it, and how
// many rows are read.
import { randomUUID } from 'node:crypto'
import { EsteiraError, toRows } from '@esteira/core'
import { openDuckDb, openLocalLakehouse } from '@esteira/lakehouse'

const NOBODY = 65534
const [home = '', table = ''] = process.argv.slice(2)
const engine = await openDuckDb({ threads: 1 })
const lakehouse = await openLocalLakehouse({ home, engine, newId: randomUUID, now: () => new Date() })
if (process.getuid?.() === 0) process.setuid?.(NOBODY)
const count = async () => toRows(await engine.query(`SELECT count(*) AS n FROM ${await lakehouse.relation(table)}`))
const before = await count()
const code = await lakehouse.append(table, "SELECT 'x' AS writer, 1 AS n", { commitId: 'once', runId: 'r' }).then(
  () => 'committed',
  (/** @type {unknown} */ error) => {
    if (!(error instanceof EsteiraError)) throw error
    return `${error.code} (${error.hint})`
  },
)
process.stdout.write(JSON.stringify([code, before, await count()]))
