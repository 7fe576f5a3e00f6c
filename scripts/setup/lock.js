// One set-up at a time in a checkout: a folder that appears whole, by a rename, and names its owner.
import { randomUUID } from 'node:crypto'
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'

const NAME = '.esteira-setup-lock'
const POLL_MS = 200
const HEARTBEAT_MS = 5_000
/** An owner that has not touched its lock for so long is gone, or asleep. */
const STALE_MS = 60_000

/**
 * Waits until this process owns the lock.
 *
 * @param {string} root
 * @param {(owner: number) => void} onWait called once, with the process id of the owner, when there is one
 * @returns {Promise<() => void>} gives the lock back; may be called twice
 */
export async function acquireLock(root, onWait) {
  const path = join(root, NAME)
  const token = randomUUID()
  let told = false
  while (!tryAcquire(root, path, token)) {
    const owner = readOwner(path)
    if (owner !== undefined && isStale(owner)) {
      retire(path, owner.token)
    } else {
      if (owner !== undefined && !told) onWait(owner.pid)
      told ||= owner !== undefined
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
  }
  return keepAlive(path, token)
}

/** @param {string} root @param {string} path @param {string} token */
function tryAcquire(root, path, token) {
  const draft = mkdtempSync(join(root, `${NAME}-`))
  writeFileSync(join(draft, 'owner.json'), JSON.stringify({ pid: process.pid, host: hostname(), token }))
  try {
    renameSync(draft, path) // fails on a folder that holds something: the lock of another process
    return true
  } catch {
    rmSync(draft, { recursive: true, force: true })
    return false
  }
}

/** @param {string} path @returns {{ pid: number, host: string, token: string, beatAt: number } | undefined} */
function readOwner(path) {
  const file = join(path, 'owner.json')
  try {
    return { ...JSON.parse(readFileSync(file, 'utf8')), beatAt: statSync(file).mtimeMs }
  } catch {
    return undefined // given back this very moment
  }
}

/** @param {{ pid: number, host: string, beatAt: number }} owner */
function isStale(owner) {
  if (Date.now() - owner.beatAt > STALE_MS) return true
  if (owner.host !== hostname()) return false
  try {
    process.kill(owner.pid, 0)
    return false
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'ESRCH'
  }
}

/**
 * Moves a stale lock away. Its target is named by the stale owner and stays, so of two processes that saw the
 * same stale lock, the later cannot move away the fresh lock of the earlier: the target is taken.
 *
 * @param {string} path
 * @param {string} token
 */
function retire(path, token) {
  try {
    renameSync(path, `${path}-stale-${token}`)
  } catch {
    // Another process moved it first.
  }
}

/** @param {string} path @param {string} token */
function keepAlive(path, token) {
  const beat = setInterval(() => {
    const now = new Date()
    if (readOwner(path)?.token === token) utimesSync(join(path, 'owner.json'), now, now)
  }, HEARTBEAT_MS)
  beat.unref()
  return () => {
    clearInterval(beat)
    if (readOwner(path)?.token === token) removeWhole(path)
    removeOldLeftovers(path)
  }
}

/** @param {string} path */
function removeWhole(path) {
  const away = `${path}-done-${randomUUID()}`
  renameSync(path, away)
  rmSync(away, { recursive: true, force: true })
}

/** @param {string} path */
function removeOldLeftovers(path) {
  const folder = join(path, '..')
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(`${NAME}-`)) continue
    const entry = join(folder, name)
    const age = Date.now() - (statSync(entry, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
    if (age > STALE_MS) rmSync(entry, { recursive: true, force: true })
  }
}
