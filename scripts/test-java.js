// `npm run test:java`: Spark and Trino read our tables, write on them, and we read the result. Also makes the fixtures that they wrote.

import { spawn } from 'node:child_process'
import { freemem } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bringPlaces } from './java/places.js'
import { SetupFailure } from './setup/failure.js'

const USAGE = `npm run test:java [-- --fixtures | -- <arguments of vitest>]

  Tests our tables with Spark 3.5 (Iceberg 1.10) and Trino 476. Brings them first, once, into .esteira-java/.
  Needs Java 17, Maven, Python 3.10 to 3.13, 3 GB of disk, 4 GB of memory; some minutes the first time, two later.
  --fixtures   makes test/fixtures/iceberg anew instead: tables that PyIceberg, Spark and Trino write
`
const LEAST_MEMORY = 3_500_000_000
const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')

/** @param {readonly string[]} args */
async function main(args) {
  if (args.includes('--help')) {
    process.stderr.write(USAGE)
    return
  }
  if (freemem() < LEAST_MEMORY)
    say(`only ${(freemem() / 1e9).toFixed(1)} GB of memory are free; the engines take up to 3.5 GB`)
  const { places, file } = await bringPlaces(root, say)
  process.exitCode = args.includes('--fixtures')
    ? await run(places.python, [join(root, 'test/fixtures/iceberg/make.py'), file])
    : await run(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--project', 'java', ...args])
}

/** @param {string} command @param {readonly string[]} args @returns {Promise<number>} */
function run(command, args) {
  const child = spawn(command, args, { cwd: root, stdio: 'inherit' })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve(code ?? 1))
  })
}

/** @param {string} line */
function say(line) {
  process.stderr.write(`test:java: ${line}\n`)
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof SetupFailure)) throw error
  say(`${error.message}\n  ${error.hint}`)
  process.exitCode = error.exitCode
}
