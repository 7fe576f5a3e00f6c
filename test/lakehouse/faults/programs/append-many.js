// Appends rows to a table again and again: a writer among others, or one that is killed in the middle.
import { randomUUID } from 'node:crypto'
import { EsteiraError } from '@esteira/core'
import { openDuckDb, openLocalLakehouse } from '@esteira/lakehouse'

const [home = '', table = '', writer = '', commits = '1', rows = '1'] = process.argv.slice(2)
const engine = await openDuckDb({ threads: 1 })
const lakehouse = await openLocalLakehouse({ home, engine, newId: randomUUID, now: () => new Date() })
let committed = 0
try {
  for (let index = 0; index < Number(commits); index++) {
    const select = `SELECT '${writer}' AS writer, ${index} AS n, range AS id, repeat('x', 100) || hash(range) AS filler FROM range(${rows})`
    const result = await lakehouse.append(table, select, { commitId: `${writer}-${index}`, runId: writer })
    if (result.committed) committed += 1
  }
  process.stdout.write(`committed ${committed}\n`)
} catch (error) {
  if (!(error instanceof EsteiraError)) throw error
  process.stdout.write(`failed ${error.code}: ${error.message}\n`)
  process.exitCode = error.exitCode
} finally {
  await lakehouse.close()
  await engine.close()
}
