// Changes a table again and again until somebody ends it: says "ready", waits for the number of its first change, and says
// "done <n>" after each.
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { openDuckDb, openLocalLakehouse } from '@esteira/lakehouse'
import { makeChange } from './changes.js'

const [home = '', table = ''] = process.argv.slice(2)
const engine = await openDuckDb({ threads: 1 })
const lakehouse = await openLocalLakehouse({ home, engine, newId: randomUUID, now: () => new Date() })
process.stdout.write('ready\n')
const [first] = await once(process.stdin, 'data')
for (let n = Number(first); ; n++) {
  await makeChange(lakehouse, table, n)
  process.stdout.write(`done ${n}\n`)
}
