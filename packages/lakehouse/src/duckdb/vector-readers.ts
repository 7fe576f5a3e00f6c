import type { DuckDBType, DuckDBVector } from '@duckdb/node-api'
import type { Column } from '@esteira/core'
import { textOf } from './nested-text.js'

/** Copies the values of one result column, chunk by chunk, into an array that is allocated once. */
export interface VectorReader {
  read(vector: DuckDBVector, count: number, at: number): void
  finish(rowCount: number): Column
}

type Numbers =
  | Uint8Array
  | Int8Array
  | Int16Array
  | Uint16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array

/**
 * The reader for a DuckDB type. Small integers become `int`, BIGINT and UINTEGER `long`; wider integers and decimals `double`;
 * timestamps of any precision microseconds; what has no column type of its own its text (UUID, TIME, ENUM), nested values
 * JSON, bytes hexadecimal digits.
 */
export function readerOf(type: DuckDBType, rowCount: number): VectorReader {
  switch (baseName(type)) {
    case 'BOOLEAN':
      return booleanReader(rowCount)
    case 'TINYINT':
    case 'UTINYINT':
    case 'SMALLINT':
    case 'USMALLINT':
    case 'INTEGER':
      return numberReader(new Int32Array(rowCount), (values) => ({ type: 'int', values }))
    case 'DATE':
      return numberReader(new Int32Array(rowCount), (values) => ({ type: 'date', values }))
    case 'FLOAT':
    case 'DOUBLE':
      return numberReader(new Float64Array(rowCount), (values) => ({ type: 'double', values }))
    case 'UINTEGER':
      return bigReader(rowCount, 'long', (value) => BigInt(value))
    case 'BIGINT':
      return bigReader(rowCount, 'long')
    case 'TIMESTAMP':
    case 'TIMESTAMP WITH TIME ZONE':
      return bigReader(rowCount, 'timestamp')
    case 'TIMESTAMP_S':
      return bigReader(rowCount, 'timestamp', (value) => BigInt(value) * 1_000_000n)
    case 'TIMESTAMP_MS':
      return bigReader(rowCount, 'timestamp', (value) => BigInt(value) * 1000n)
    case 'TIMESTAMP_NS':
      return bigReader(rowCount, 'timestamp', (value) => floorDivide(BigInt(value), 1000n))
    case 'UBIGINT':
    case 'HUGEINT':
    case 'UHUGEINT':
    case 'BIGNUM':
      return itemReader(rowCount, Number)
    case 'DECIMAL':
      return decimalReader(rowCount)
    default:
      return textReader(rowCount)
  }
}

function baseName(type: DuckDBType): string {
  const name = type.toString()
  return name.endsWith(']') ? 'LIST' : name.replace(/\(.*$/s, '')
}

function numberReader<T extends Int32Array | Float64Array>(out: T, finish: (values: T) => Column): VectorReader {
  return {
    read: (vector, count, at) => out.set(itemsOf<Numbers>(vector).subarray(0, count), at),
    finish: (rowCount) => finish(cut(out, rowCount)),
  }
}

function cut<T extends Int32Array | Float64Array | BigInt64Array | Uint8Array>(values: T, rowCount: number): T {
  return (values.length === rowCount ? values : values.slice(0, rowCount)) as T
}

function bigReader(
  rowCount: number,
  type: 'long' | 'timestamp',
  convert?: (value: bigint | number) => bigint,
): VectorReader {
  const out = new BigInt64Array(rowCount)
  return {
    read(vector, count, at) {
      const items = itemsOf<BigInt64Array | Uint32Array>(vector)
      if (convert === undefined && items instanceof BigInt64Array) out.set(items.subarray(0, count), at)
      else for (let row = 0; row < count; row++) out[at + row] = (convert ?? BigInt)(items[row] ?? 0)
    },
    finish: (rows) => ({ type, values: cut(out, rows) }),
  }
}

function booleanReader(rowCount: number): VectorReader {
  const out = new Uint8Array(rowCount)
  return {
    read(vector, count, at) {
      for (let row = 0; row < count; row++) out[at + row] = vector.getItem(row) === true ? 1 : 0
    },
    finish: (rows) => ({ type: 'boolean', values: cut(out, rows) }),
  }
}

function itemReader(rowCount: number, convert: (item: unknown) => number): VectorReader {
  const out = new Float64Array(rowCount)
  return {
    read(vector, count, at) {
      for (let row = 0; row < count; row++) {
        const item = vector.getItem(row)
        if (item !== null) out[at + row] = convert(item)
      }
    },
    finish: (rows) => ({ type: 'double', values: cut(out, rows) }),
  }
}

interface ScaledVector {
  readonly type: { readonly scale: number }
  getScaledValue(row: number): number | bigint | null
}

// One division of two exact doubles rounds once, so the result is the nearest double; larger values go through text.
function decimalReader(rowCount: number): VectorReader {
  const out = new Float64Array(rowCount)
  return {
    read(vector, count, at) {
      const decimals = vector as unknown as ScaledVector
      const { scale } = decimals.type
      const divisor = 10 ** scale
      for (let row = 0; row < count; row++) {
        const scaled = decimals.getScaledValue(row)
        if (scaled === null) continue
        const number = Number(scaled)
        out[at + row] = Number.isSafeInteger(number) && scale <= 22 ? number / divisor : Number(`${scaled}e-${scale}`)
      }
    },
    finish: (rows) => ({ type: 'double', values: cut(out, rows) }),
  }
}

function textReader(rowCount: number): VectorReader {
  const out = new Array<string>(rowCount).fill('')
  return {
    read(vector, count, at) {
      for (let row = 0; row < count; row++) {
        const item = vector.getItem(row)
        if (item !== null) out[at + row] = textOf(item)
      }
    },
    finish: (rows) => ({ type: 'string', values: out.length === rows ? out : out.slice(0, rows) }),
  }
}

function floorDivide(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor
  return value % divisor < 0n ? quotient - 1n : quotient
}

// Typed arrays over the chunk's memory: a private field of the vectors of fixed-width types.
function itemsOf<T>(vector: DuckDBVector): T {
  return (vector as unknown as { items: T }).items
}
