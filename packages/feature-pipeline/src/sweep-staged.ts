import { EsteiraError, type ObjectInfo, type ObjectStore } from '@esteira/core'
import { STAGING_PREFIX } from './staged-hold.js'

export interface SweepOptions {
  readonly now: Date
  /** Whole days since anything of a run's staged files was last touched. Default 7, at least 1. */
  readonly keepDays?: number
  /** The run that sweeps: its own files are never taken. */
  readonly runId?: string
  readonly signal?: AbortSignal
}

export interface SweepResult {
  /** Runs whose staged files were removed. */
  readonly runs: readonly string[]
  readonly files: number
  readonly sizeBytes: number
}

const DAY_MS = 86_400_000
/** A lock this old was left by a process that died: no run takes so long. */
const LONGEST_RUN_DAYS = 30

/**
 * Removes staged files (refused, published and forgotten ones alike) of runs that have not touched theirs for some days. Not those of
 * a run that holds its lock or whose batch is being checked; a run that is started again later stages its rows again.
 *
 * @throws EsteiraError ESTEIRA_USAGE when `keepDays` is no whole number from 1
 */
export async function sweepStaged(objects: ObjectStore, options: SweepOptions): Promise<SweepResult> {
  const { now, keepDays = 7, runId } = options
  if (!Number.isSafeInteger(keepDays) || keepDays < 1) {
    throw new EsteiraError('ESTEIRA_USAGE', `keep-staged-days: expected a whole number from 1, found ${keepDays}`)
  }
  const before = now.getTime() - keepDays * DAY_MS
  const call = options.signal === undefined ? {} : { signal: options.signal }
  const removed: ObjectInfo[] = []
  const runs: string[] = []
  for (const run of oldRuns(await objects.list(STAGING_PREFIX, call), before)) {
    if (run === runId || (await isGoingOn(objects, run, now))) continue
    // Looked at again: a run may have begun since the list was made.
    const files = await objects.list(`${STAGING_PREFIX}${run}/`, call)
    if (!oldRuns(files, before).includes(run)) continue
    for (const file of files) await objects.delete(file.key, call)
    removed.push(...files)
    runs.push(run)
  }
  return { runs, files: removed.length, sizeBytes: removed.reduce((total, { sizeBytes }) => total + sizeBytes, 0) }
}

/** Runs of which no file was touched since. */
function oldRuns(files: readonly ObjectInfo[], before: number): readonly string[] {
  const newest = new Map<string, number>()
  for (const { key, modifiedAt } of files) {
    const [run = '', ...rest] = key.slice(STAGING_PREFIX.length).split('/')
    if (rest.length > 0) newest.set(run, Math.max(newest.get(run) ?? 0, modifiedAt.getTime()))
  }
  return [...newest].filter(([, touched]) => touched < before).map(([run]) => run)
}

async function isGoingOn(objects: ObjectStore, run: string, now: Date): Promise<boolean> {
  const key = `runs/${run}/lock.json`
  const lock = (await objects.list(key)).find((object) => object.key === key)
  return lock !== undefined && lock.modifiedAt.getTime() > now.getTime() - LONGEST_RUN_DAYS * DAY_MS
}
