// Reads a whole table in pieces and tells how much memory that took: node scan-with-little-memory.js HOME TABLE frames|arrow
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { openDuckDb, openLocalLakehouse } from '@esteira/lakehouse'

const [home = '', table = '', shape = 'frames'] = process.argv.slice(2)
const engine = await openDuckDb({ memoryLimit: '150MB', threads: 2 })
const lakehouse = await openLocalLakehouse({ home, engine, newId: randomUUID, now: () => new Date() })

/** Memory of this process that no other has, in bytes. */
function memory() {
  return Number(/^RssAnon:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024
}

/** Bytes that this process has read so far. */
function bytesRead() {
  return Number(/^rchar: (\d+)/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1])
}

// The library and the plan are loaded before anything is measured.
for await (const _ of lakehouse.scanArrow(table, { where: [{ column: 'id', op: '=', value: 0 }] })) break
const before = { memory: memory(), read: bytesRead() }
const found = { rows: 0, sum: 0, most: 0, readWhileStopped: 0 }

/** @param {number} rows @param {ArrayLike<bigint> | undefined} ids */
async function take(rows, ids) {
  if (found.rows === 0) {
    // The reader stops: so must the engine, after what it holds ready.
    await setTimeout(500)
    found.readWhileStopped = bytesRead() - before.read
  }
  found.rows += rows
  for (let row = 0; row < rows; row++) found.sum += Number(ids?.[row])
  found.most = Math.max(found.most, memory() - before.memory)
}

if (shape === 'arrow') {
  for await (const batch of lakehouse.scanArrow(table)) await take(batch.numRows, batch.getChild('id')?.toArray())
} else {
  for await (const frame of lakehouse.scan(table)) {
    const ids = frame.columns.get('id')
    await take(frame.rowCount, ids?.type === 'long' ? ids.values : undefined)
  }
}
process.stdout.write(JSON.stringify(found))
await lakehouse.close()
await engine.close()
