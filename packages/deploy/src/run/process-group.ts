import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

const POLL_MS = 20
/** The kernel ends a killed process soon; one in the middle of a disk operation may take a little. */
const KILL_WAIT_MS = 2000

/** Sends a signal to a process and all its descendants that stayed in its group; nothing when they are gone. */
function signalGroup(groupId: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-groupId, signal)
  } catch (error) {
    if (!isGone(error)) throw error
  }
}

/** Asks the group to end, and after the grace kills what is left of it. Resolves when none of it runs. */
export async function endGroup(groupId: number, graceMs: number): Promise<void> {
  signalGroup(groupId, 'SIGTERM')
  if (await groupEnds(groupId, graceMs)) return
  await killGroup(groupId)
}

/** Kills what is left of the group. */
export async function killGroup(groupId: number): Promise<void> {
  if (!groupRuns(groupId)) return
  signalGroup(groupId, 'SIGKILL')
  await groupEnds(groupId, KILL_WAIT_MS)
}

async function groupEnds(groupId: number, withinMs: number): Promise<boolean> {
  for (let waitedMs = 0; groupRuns(groupId); waitedMs += POLL_MS) {
    if (waitedMs >= withinMs) return false
    await delay(POLL_MS)
  }
  return true
}

function groupRuns(groupId: number): boolean {
  try {
    process.kill(-groupId, 0)
  } catch (error) {
    if (isGone(error)) return false
    throw error
  }
  // A dead process that nobody has waited for still takes signals: common in containers, whose process 1 waits for none.
  const states = memberStates(groupId)
  return states === undefined || states.some((state) => state !== 'Z' && state !== 'X')
}

/** States of the group's processes as Linux shows them; undefined on other systems. */
function memberStates(groupId: number): string[] | undefined {
  const ids = list('/proc')?.filter((name) => /^\d+$/.test(name))
  return ids?.flatMap((id) => {
    // `pid (name) state parent group …`; the name may hold blanks and brackets.
    const [state, , group] = (read(`/proc/${id}/stat`) ?? '').replace(/^.*\) /s, '').split(' ')
    return state !== undefined && Number(group) === groupId ? [state] : []
  })
}

function list(folder: string): string[] | undefined {
  try {
    return readdirSync(folder)
  } catch {
    return undefined
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ESRCH'
}
