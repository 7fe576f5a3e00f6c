// Makes one change of a table and ends itself with SIGKILL at the first step of the given name: before, in the middle of,
// or after a call that changes a file or the catalog. Without a name it lists its steps. At the end it says whether the
// change was made: "done" or "not done".
import { randomUUID } from 'node:crypto'
import { writeSync } from 'node:fs'
import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { openDuckDb, openLocalLakehouse } from '@esteira/lakehouse'
import Database from 'libsql'
import { makeChange } from './changes.js'

const [home = '', table = '', change = '0', lastStep = ''] = process.argv.slice(2)
const engine = await openDuckDb({ threads: 1 })
const lakehouse = await openLocalLakehouse({ home, engine, newId: randomUUID, now: () => new Date() })
let swapped = false
watchFiles()
watchCatalog()
await makeChange(lakehouse, table, Number(change))
say('done')
process.exit()

/** @param {string} name */
function step(name) {
  if (lastStep === '') say(name)
  if (name !== lastStep) return
  say(swapped ? 'done' : 'not done')
  process.kill(process.pid, 'SIGKILL')
}

/** @param {string} line */
function say(line) {
  writeSync(1, `${line}\n`)
}

// The lakehouse writes its own files through node:fs/promises; what it calls is replaced for all who import it.
function watchFiles() {
  const { open, mkdir, rm } = fs
  fs.open = async (path, flags, mode) => {
    const kind = kindOf(String(path))
    if (flags === 'wx') step(`before ${kind}`)
    const file = await open(path, flags, mode)
    if (flags === 'r') return file
    const { writeFile, sync } = file
    file.writeFile = async (data, options) => {
      const bytes = Buffer.from(/** @type {Uint8Array} */ (data))
      await writeFile.call(file, bytes.subarray(0, bytes.length / 2), options)
      step(`half of ${kind}`)
      await writeFile.call(file, bytes.subarray(bytes.length / 2), options)
    }
    file.sync = async () => {
      await sync.call(file)
      step(`after ${kind}`)
    }
    return file
  }
  fs.mkdir = /** @type {typeof mkdir} */ (
    async (/** @type {string} */ path, /** @type {import('node:fs').MakeDirectoryOptions} */ options) => {
      if (path.endsWith('/data')) step('before data files')
      return mkdir(path, options)
    }
  )
  fs.rm = async (path, options) => {
    step(`before removing ${kindOf(String(path))}`)
    await rm(path, options)
    step(`after removing ${kindOf(String(path))}`)
  }
  syncBuiltinESMExports()
}

function watchCatalog() {
  const { exec } = Database.prototype
  Database.prototype.exec = function (sql) {
    if (sql !== 'COMMIT') return exec.call(this, sql)
    step('before the swap')
    exec.call(this, sql)
    swapped = true
    step('after the swap')
    return this
  }
}

/** @param {string} path */
function kindOf(path) {
  if (path.endsWith('.parquet')) return 'data file'
  if (path.endsWith('.metadata.json')) return 'metadata file'
  if (/\/snap-[^/]*\.avro$/.test(path)) return 'manifest list'
  return path.endsWith('.avro') ? 'manifest' : 'other file'
}
