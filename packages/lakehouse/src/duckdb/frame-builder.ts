import type { DuckDBDataChunk, DuckDBType, DuckDBVector } from '@duckdb/node-api'
import type { Column, Frame } from '@esteira/core'
import { readerOf, type VectorReader } from './vector-readers.js'

interface ColumnBuilder {
  readonly name: string
  readonly reader: VectorReader
  nulls: Uint8Array | undefined
}

/** Collects chunks of a result into columns of a known row count. */
export class FrameBuilder {
  readonly #rowCount: number
  readonly #columns: readonly ColumnBuilder[]
  #filled = 0

  constructor(names: readonly string[], types: readonly DuckDBType[], rowCount: number) {
    this.#rowCount = rowCount
    this.#columns = types.map((type, index) => ({
      name: names[index] ?? `column${index}`,
      reader: readerOf(type, rowCount),
      nulls: undefined,
    }))
  }

  /** Rows added so far. */
  get rowCount(): number {
    return this.#filled
  }

  /** Adds the first `count` rows of a chunk; columns beyond the known ones are not looked at. */
  add(chunk: DuckDBDataChunk, count: number = chunk.rowCount): void {
    this.#columns.forEach((column, index) => {
      const vector = chunk.getColumnVector(index)
      column.nulls = markNulls(vector, count, this.#filled, this.#rowCount, column.nulls)
      column.reader.read(vector, count, this.#filled)
    })
    this.#filled += count
  }

  /** The columns, cut to the rows that were added. */
  build(): Frame {
    const columns = new Map<string, Column>()
    for (const { name, reader, nulls } of this.#columns) {
      const column = reader.finish(this.#filled)
      columns.set(name, nulls === undefined ? column : { ...column, nulls: nulls.subarray(0, this.#filled) })
    }
    return { rowCount: this.#filled, columns }
  }
}

// The validity mask has one bit a row, 64 rows a word, 1 for a value. Bytes are read because BigInt words are slow.
function markNulls(
  vector: DuckDBVector,
  count: number,
  at: number,
  rowCount: number,
  known: Uint8Array | undefined,
): Uint8Array | undefined {
  const words = validityWords(vector)
  if (words === null) return known
  const bits = new Uint8Array(words.buffer, words.byteOffset, words.byteLength)
  let nulls = known
  for (let row = 0; row < count; row++) {
    if (((bits[row >> 3] ?? 0) & (1 << (row & 7))) !== 0) continue
    nulls ??= new Uint8Array(rowCount)
    nulls[at + row] = 1
  }
  return nulls
}

// The public API answers one value at a time; the mask itself is a private field of the vector, or of the list inside a map.
function validityWords(vector: DuckDBVector): BigUint64Array | null {
  const { validity, listVector } = vector as unknown as MaskedVector & { readonly listVector?: MaskedVector }
  return (validity ?? listVector?.validity)?.data ?? null
}

interface MaskedVector {
  readonly validity?: { readonly data: BigUint64Array | null }
}
