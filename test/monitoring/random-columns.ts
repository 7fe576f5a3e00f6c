import type { Column, Frame } from '@esteira/core'

/** Uniform numbers in [0, 1) from a seed (mulberry32): the same numbers on every machine. */
export function uniform(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

/** Standard normal values (Box and Muller 1958), plus a shift. */
export function normals(random: () => number, length: number, shift = 0): Float64Array {
  const values = new Float64Array(length)
  for (let i = 0; i < length; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(1 - random()))
    const angle = 2 * Math.PI * random()
    values[i] = radius * Math.cos(angle) + shift
    if (i + 1 < length) values[i + 1] = radius * Math.sin(angle) + shift
  }
  return values
}

export function doubles(values: Iterable<number | null>): Column {
  const cells = [...values]
  return {
    type: 'double',
    values: Float64Array.from(cells, (cell) => cell ?? 0),
    nulls: Uint8Array.from(cells, (cell) => (cell === null ? 1 : 0)),
  }
}

export function text(values: Iterable<string>): Column {
  return { type: 'string', values: [...values] }
}

export function frameOf(columns: Readonly<Record<string, Column>>): Frame {
  return { rowCount: Object.values(columns)[0]?.values.length ?? 0, columns: new Map(Object.entries(columns)) }
}
