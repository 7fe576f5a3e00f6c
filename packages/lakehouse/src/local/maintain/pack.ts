/** Neighbours put together up to a size; one that is larger stands alone. */
export function packInOrder<T>(
  items: readonly T[],
  sizeOf: (item: T) => number,
  target: number,
): readonly (readonly T[])[] {
  const bins: T[][] = []
  let filled = Number.POSITIVE_INFINITY
  for (const item of items) {
    if (filled + sizeOf(item) > target) {
      bins.push([])
      filled = 0
    }
    bins.at(-1)?.push(item)
    filled += sizeOf(item)
  }
  return bins
}

/** Items by a key, in the order of their first. */
export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): readonly (readonly T[])[] {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
  }
  return [...groups.values()]
}
