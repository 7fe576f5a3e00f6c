/**
 * Calls of one name that come while one is under way share it. A caller that stops waiting leaves the others alone; when the
 * last one stops, so does the work.
 */
export class SharedCalls<T> {
  readonly #running = new Map<string, { readonly work: Promise<T>; readonly stop: AbortController; waiting: number }>()

  async call(name: string, signal: AbortSignal | undefined, start: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const shared = this.#running.get(name) ?? this.#start(name, start)
    shared.waiting++
    try {
      return await untilStopped(shared.work, signal)
    } finally {
      shared.waiting--
      if (shared.waiting === 0) {
        shared.stop.abort()
        // A call that comes now must not join work that stops.
        if (this.#running.get(name) === shared) this.#running.delete(name)
      }
    }
  }

  #start(name: string, start: (signal: AbortSignal) => Promise<T>) {
    const stop = new AbortController()
    const shared = { work: start(stop.signal), stop, waiting: 0 }
    this.#running.set(name, shared)
    return shared
  }
}

async function untilStopped<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  const { promise, reject } = withReject()
  const onAbort = () => reject(signal.reason)
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
    // Nobody else may be waiting any more.
    work.catch(() => {})
  }
}

function withReject(): { readonly promise: Promise<never>; readonly reject: (reason: unknown) => void } {
  let reject: (reason: unknown) => void = () => {}
  const promise = new Promise<never>((_, onReject) => {
    reject = onReject
  })
  return { promise, reject }
}
