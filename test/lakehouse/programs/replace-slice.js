// Replaces the rows of one writer again and again, while others replace theirs.
import { randomUUID } from 'node:crypto'
import { openDuckDb, openLocalLakehouse } from '@esteira/lakehouse'

const [home = '', table = '', writer = '', times = '1'] = process.argv.slice(2)
const engine = await openDuckDb({ threads: 1 })
const lakehouse = await openLocalLakehouse({ home, engine, newId: randomUUID, now: () => new Date() })
try {
  for (let index = 0; index < Number(times); index++) {
    const select = `SELECT '${writer}' AS writer, ${index} AS n, range AS id FROM range(10)`
    const slice = /** @type {const} */ ([{ column: 'writer', op: '=', value: writer }])
    await lakehouse.replace(table, slice, select, { commitId: `${writer}-${index}`, runId: writer })
  }
} finally {
  await lakehouse.close()
  await engine.close()
}
