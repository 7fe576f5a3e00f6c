// Replaces the rows of one slice again and again, while others replace theirs, or the same one.
import { randomUUID } from 'node:crypto'
import { openDuckDb, openLocalLakehouse } from '@esteira/lakehouse'

const [home = '', table = '', slice = '', writer = '', times = '1'] = process.argv.slice(2)
const engine = await openDuckDb({ threads: 1 })
const lakehouse = await openLocalLakehouse({ home, engine, newId: randomUUID, now: () => new Date() })
try {
  for (let index = 0; index < Number(times); index++) {
    const select = `SELECT '${slice}' AS slice, '${writer}' AS writer, ${index} AS n, range AS id FROM range(10)`
    const where = /** @type {const} */ ([{ column: 'slice', op: '=', value: slice }])
    await lakehouse.replace(table, where, select, { commitId: `${writer}-${index}`, runId: writer })
  }
} finally {
  await lakehouse.close()
  await engine.close()
}
