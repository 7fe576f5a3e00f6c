import type { DuckDBListVector, DuckDBVector } from '@duckdb/node-api'
import type { Data, DataType, Field } from 'apache-arrow'

export type Arrow = typeof import('apache-arrow')

/** Collects the values of one column from vectors of DuckDB into the memory layout of Arrow. */
export interface ArrowColumn {
  /** Adds `count` rows of a vector, from row `from` on. */
  read(vector: DuckDBVector, from: number, count: number): void
  /** The rows that were read, without copying them once more. */
  finish(): Data
}

/** The column for an Arrow type; `rows` are expected, more of them (inside lists) are understood. */
export function arrowColumn(arrow: Arrow, type: DataType, rows: number): ArrowColumn {
  const { DataType } = arrow
  if (DataType.isBool(type)) return boolColumn(arrow, type, rows)
  if (DataType.isInt(type) || DataType.isTimestamp(type) || DataType.isTime(type)) {
    return numberColumn(arrow, type, type.ArrayType === Int32Array ? new Int32Array(rows) : new BigInt64Array(rows))
  }
  if (DataType.isDate(type)) return numberColumn(arrow, type, new Int32Array(rows))
  if (DataType.isFloat(type)) {
    return numberColumn(arrow, type, type.ArrayType === Float32Array ? new Float32Array(rows) : new Float64Array(rows))
  }
  if (DataType.isDecimal(type)) return decimalColumn(arrow, type, rows)
  if (DataType.isUtf8(type) || DataType.isBinary(type)) return bytesColumn(arrow, type, rows)
  if (DataType.isFixedSizeBinary(type)) return fixedColumn(arrow, type, type.byteWidth, rows)
  if (DataType.isList(type) || DataType.isMap(type)) return listColumn(arrow, type, rows)
  if (DataType.isStruct(type)) return structColumn(arrow, type, rows)
  throw new TypeError(`no column of Arrow type ${type}`)
}

type Numbers = Int32Array | BigInt64Array | Float32Array | Float64Array | Uint8Array

/** Memory that grows; nothing is copied while it is large enough. */
function grown<T extends Numbers>(values: T, length: number): T {
  if (length <= values.length) return values
  const larger = new (values.constructor as new (length: number) => T)(Math.max(length, values.length * 2))
  larger.set(values as never)
  return larger
}

/** Which rows are null, one bit a row, 1 for a value; no memory while there is none. */
class Validity {
  #bits: Uint8Array | undefined
  #nulls = 0
  length = 0

  /** Marks rows of a vector; tells for each whether it has a value. */
  read(vector: DuckDBVector, from: number, count: number): void {
    const mask = maskOf(vector)
    if (mask !== null) {
      for (let row = 0; row < count; row++) if (!mask.itemValid(from + row)) this.#setNull(this.length + row)
    }
    this.length += count
  }

  #setNull(row: number): void {
    const needed = (row >> 3) + 1
    const bits = this.#bits ?? new Uint8Array(Math.max(needed, 8192)).fill(0xff)
    this.#bits = bits.length >= needed ? bits : withOnes(bits, needed)
    this.#bits[row >> 3] = (this.#bits[row >> 3] ?? 0xff) & ~(1 << (row & 7))
    this.#nulls += 1
  }

  finish(): { readonly length: number; readonly nullCount: number; readonly nullBitmap?: Uint8Array } {
    const { length } = this
    if (this.#bits === undefined) return { length, nullCount: 0 }
    const bytes = (length + 7) >> 3
    const bits = this.#bits.length >= bytes ? this.#bits : withOnes(this.#bits, bytes)
    return { length, nullCount: this.#nulls, nullBitmap: bits.subarray(0, bytes) }
  }
}

function withOnes(bits: Uint8Array, length: number): Uint8Array {
  const larger = grown(bits, length)
  return larger.fill(0xff, bits.length)
}

interface Mask {
  itemValid(row: number): boolean
}

// A private field of the vectors; a vector without a mask has no null. A map keeps it in its list.
function maskOf(vector: DuckDBVector): Mask | null {
  const inner = (vector as unknown as { listVector?: DuckDBVector }).listVector ?? vector
  const { validity } = inner as unknown as { validity: Mask & { data: BigUint64Array | null } }
  return validity.data === null ? null : validity
}

function isValid(vector: DuckDBVector, row: number): boolean {
  return maskOf(vector)?.itemValid(row) ?? true
}

// Typed arrays over the chunk's memory: a private field of the vectors of fixed-width types.
function itemsOf<T>(vector: DuckDBVector): T {
  return (vector as unknown as { items: T }).items
}

function numberColumn<T extends Numbers>(arrow: Arrow, type: DataType, memory: T): ArrowColumn {
  const validity = new Validity()
  let values = memory
  return {
    read(vector, from, count) {
      values = grown(values, validity.length + count)
      const items = itemsOf<T>(vector)
      values.set(items.subarray(from, from + count) as never, validity.length)
      validity.read(vector, from, count)
    },
    finish: () => arrow.makeData({ type, ...validity.finish(), data: values.subarray(0, validity.length) } as never),
  }
}

function boolColumn(arrow: Arrow, type: DataType, rows: number): ArrowColumn {
  const validity = new Validity()
  let bits = new Uint8Array((rows + 7) >> 3)
  return {
    read(vector, from, count) {
      bits = grown(bits, (validity.length + count + 7) >> 3)
      for (let row = 0; row < count; row++) {
        const at = validity.length + row
        if (vector.getItem(from + row) === true) bits[at >> 3] = (bits[at >> 3] ?? 0) | (1 << (at & 7))
      }
      validity.read(vector, from, count)
    },
    finish: () =>
      arrow.makeData({ type, ...validity.finish(), data: bits.subarray(0, (validity.length + 7) >> 3) } as never),
  }
}

function decimalColumn(arrow: Arrow, type: DataType, rows: number): ArrowColumn {
  const validity = new Validity()
  // Two's complement of 128 bits, little-endian: the low word first.
  let words = new BigInt64Array(rows * 2)
  return {
    read(vector, from, count) {
      words = grown(words, (validity.length + count) * 2)
      const decimals = vector as unknown as { getScaledValue(row: number): number | bigint | null }
      for (let row = 0; row < count; row++) {
        const unscaled = BigInt(decimals.getScaledValue(from + row) ?? 0)
        const at = (validity.length + row) * 2
        words[at] = BigInt.asIntN(64, unscaled)
        words[at + 1] = unscaled >> 64n
      }
      validity.read(vector, from, count)
    },
    finish: () =>
      arrow.makeData({
        type,
        ...validity.finish(),
        data: new Uint32Array(words.buffer, 0, validity.length * 4),
      } as never),
  }
}

function bytesColumn(arrow: Arrow, type: DataType, rows: number): ArrowColumn {
  const validity = new Validity()
  let offsets = new Int32Array(rows + 1)
  let bytes = new Uint8Array(rows * 8)
  let end = 0
  return {
    read(vector, from, count) {
      offsets = grown(offsets, validity.length + count + 1)
      for (let row = 0; row < count; row++) {
        const item = isValid(vector, from + row) ? bytesAt(vector, from + row) : undefined
        if (item !== undefined) {
          bytes = grown(bytes, end + item.length)
          bytes.set(item, end)
          end += item.length
        }
        offsets[validity.length + row + 1] = end
      }
      validity.read(vector, from, count)
    },
    finish: () =>
      arrow.makeData({
        type,
        ...validity.finish(),
        valueOffsets: offsets.subarray(0, validity.length + 1),
        data: bytes.subarray(0, end),
      } as never),
  }
}

function bytesAt(vector: DuckDBVector, row: number): Uint8Array {
  const bytes = (vector as unknown as { getItemBytes?(row: number): Uint8Array | null }).getItemBytes?.(row)
  return bytes ?? Buffer.from(String(vector.getItem(row)))
}

function fixedColumn(arrow: Arrow, type: DataType, width: number, rows: number): ArrowColumn {
  const validity = new Validity()
  let bytes = new Uint8Array(rows * width)
  return {
    read(vector, from, count) {
      bytes = grown(bytes, (validity.length + count) * width)
      for (let row = 0; row < count; row++) {
        if (isValid(vector, from + row)) bytes.set(fixedBytesAt(vector, from + row), (validity.length + row) * width)
      }
      validity.read(vector, from, count)
    },
    finish: () =>
      arrow.makeData({ type, ...validity.finish(), data: bytes.subarray(0, validity.length * width) } as never),
  }
}

function fixedBytesAt(vector: DuckDBVector, row: number): Uint8Array {
  const item = vector.getItem(row) as unknown as { toString(): string; bytes?: Uint8Array }
  return item.bytes ?? Buffer.from(item.toString().replaceAll('-', ''), 'hex')
}

function listColumn(arrow: Arrow, type: DataType, rows: number): ArrowColumn {
  const validity = new Validity()
  const child = arrowColumn(arrow, childOf(type).type, rows)
  let offsets = new Int32Array(rows + 1)
  let end = 0
  return {
    read(vector, from, count) {
      offsets = grown(offsets, validity.length + count + 1)
      const list = (vector as unknown as { listVector?: DuckDBListVector }).listVector ?? (vector as DuckDBListVector)
      for (let row = 0; row < count; row++) {
        if (isValid(list, from + row)) {
          const length = list.getEntryLength(from + row)
          if (length > 0) child.read(list.childVector, list.getEntryOffset(from + row), length)
          end += length
        }
        offsets[validity.length + row + 1] = end
      }
      validity.read(list, from, count)
    },
    finish: () =>
      arrow.makeData({
        type,
        ...validity.finish(),
        valueOffsets: offsets.subarray(0, validity.length + 1),
        child: child.finish(),
      } as never),
  }
}

function childOf(type: DataType): Field {
  const [field] = type.children as readonly Field[]
  if (field === undefined) throw new TypeError(`type ${type} has no part`)
  return field
}

function structColumn(arrow: Arrow, type: DataType, rows: number): ArrowColumn {
  const validity = new Validity()
  const children = (type.children as readonly Field[]).map((field) => arrowColumn(arrow, field.type, rows))
  return {
    read(vector, from, count) {
      const { entryVectors } = vector as unknown as { entryVectors: readonly DuckDBVector[] }
      children.forEach((child, index) => {
        const entries = entryVectors[index]
        if (entries !== undefined) child.read(entries, from, count)
      })
      validity.read(vector, from, count)
    },
    finish: () =>
      arrow.makeData({ type, ...validity.finish(), children: children.map((child) => child.finish()) } as never),
  }
}
