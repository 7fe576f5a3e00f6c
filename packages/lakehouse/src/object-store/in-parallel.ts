/**
 * Does `work` for each item, at most `limit` at a time, and gives the results in the order of the items. After the first
 * failure, or when `signal` stops, the signal that `work` got stops the others; it returns when none is under way any more.
 */
export async function inParallel<T, R>(
  items: readonly T[],
  limit: number,
  signal: AbortSignal | undefined,
  work: (item: T, index: number, signal: AbortSignal) => Promise<R>,
): Promise<R[]> {
  const stop = new AbortController()
  const both = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal])
  const results: R[] = []
  const failures: unknown[] = []
  const pending = items.entries()
  const worker = async () => {
    // Workers take from one iterator: each item is taken once.
    for (const [index, item] of pending) {
      if (stop.signal.aborted) return
      try {
        results[index] = await work(item, index, both)
      } catch (error) {
        failures.push(error)
        stop.abort()
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker))
  if (failures.length > 0) throw failures[0]
  return results
}
