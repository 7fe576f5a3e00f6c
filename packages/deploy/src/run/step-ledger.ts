import type { StepRun, StepStatus } from './run-event.js'

interface Task {
  attempts: number
  status: StepStatus
  exitCode: number | null
}

interface Entry {
  readonly startedMs: number
  endedMs: number
  readonly tasks: Map<number | undefined, Task>
}

/** Keeps the book of a run: which steps ran, how often, how they ended. */
export class StepLedger {
  readonly #entries = new Map<string, Entry>()
  readonly #now: () => Date

  constructor(now: () => Date) {
    this.#now = now
  }

  /** Notes the start of a task; the number of the attempt. */
  start(step: string, shard: number | undefined): number {
    const nowMs = this.#now().getTime()
    const entry = this.#entries.get(step) ?? { startedMs: nowMs, endedMs: nowMs, tasks: new Map() }
    this.#entries.set(step, entry)
    const attempts = (entry.tasks.get(shard)?.attempts ?? 0) + 1
    entry.tasks.set(shard, { attempts, status: 'aborted', exitCode: null })
    return attempts
  }

  end(step: string, shard: number | undefined, status: StepStatus, exitCode: number | null): void {
    const entry = this.#entries.get(step)
    const task = entry?.tasks.get(shard)
    if (entry === undefined || task === undefined) return
    entry.endedMs = this.#now().getTime()
    entry.tasks.set(shard, { attempts: task.attempts, status, exitCode })
  }

  /** The steps in the order in which they began. */
  steps(): readonly StepRun[] {
    return [...this.#entries].map(([id, { startedMs, endedMs, tasks }]) => {
      const all = [...tasks.values()]
      // One shard that failed is why the others were ended: it stands for the step.
      const worst = (['failed', 'timedOut', 'aborted'] as const).flatMap((one) =>
        all.filter((task) => task.status === one),
      )
      const { status, exitCode } = worst[0] ?? { status: 'succeeded' as const, exitCode: 0 }
      const attempts = Math.max(...all.map((task) => task.attempts))
      return { id, status, exitCode, attempts, durationMs: endedMs - startedMs }
    })
  }
}
