/** A stream of numbers in [0, 1) that depends on the seed alone (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Puts the indices into an order that depends on the stream alone (Fisher-Yates). */
export function shuffle(indices: Int32Array, random: () => number): void {
  for (let last = indices.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    const kept = indices[last] ?? 0
    indices[last] = indices[other] ?? 0
    indices[other] = kept
  }
}
