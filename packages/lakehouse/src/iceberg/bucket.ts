import type { TableColumnType } from '@esteira/core'
import { encodeUnscaled } from './single-value.js'
import { decimalShape, type Value } from './values.js'

/** Murmur3, 32 bits, x86, seed 0: the hash that Iceberg's buckets are made of (specification, Appendix B). */
export function murmur3(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const whole = bytes.length & ~3
  let hash = 0
  for (let at = 0; at < whole; at += 4) {
    hash = rotate(hash ^ scramble(view.getUint32(at, true)), 13)
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0
  }
  let tail = 0
  for (let at = bytes.length - 1; at >= whole; at--) tail = (tail << 8) | (bytes[at] ?? 0)
  hash ^= scramble(tail) ^ bytes.length
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

function scramble(word: number): number {
  return Math.imul(rotate(Math.imul(word, 0xcc9e2d51), 15), 0x1b873593)
}

function rotate(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by))
}

/** The bucket of a value: `(hash & 0x7fffffff) % count`. */
export function bucketOf(count: number, type: TableColumnType, value: Value): number {
  return (murmur3(hashedBytes(type, value)) & 0x7fffffff) % count
}

function hashedBytes(type: TableColumnType, value: Value): Uint8Array {
  if (type === 'string') return Buffer.from(String(value))
  if (type === 'uuid') return Buffer.from(String(value).replaceAll('-', ''), 'hex')
  if (isBytes(type)) return Buffer.from(String(value), 'hex')
  if (decimalShape(type) !== undefined) return encodeUnscaled(BigInt(value))
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigInt64(0, BigInt(value), true)
  return bytes
}

function isBytes(type: TableColumnType): boolean {
  return type === 'binary' || type.startsWith('fixed(')
}

const MASK = '4294967295'

/** DuckDB expression of a column's bucket, null for null. `value` is the column, quoted. */
export function bucketSql(count: number, type: TableColumnType, value: string): string {
  const long = longSql(type, value)
  const hash = long === undefined ? hashOfHex(hexSql(type, value)) : hashOfLong(long)
  return `CASE WHEN ${value} IS NULL THEN NULL ELSE CAST((${hash} & 2147483647) % ${count} AS INTEGER) END`
}

// Numbers, dates and times are hashed as their eight bytes; microseconds for times.
function longSql(type: TableColumnType, value: string): string | undefined {
  switch (type) {
    case 'int':
    case 'long':
      return `CAST(${value} AS BIGINT)`
    case 'date':
      return `CAST(${value} - DATE '1970-01-01' AS BIGINT)`
    case 'time':
      return `CAST(epoch_us(${value}) AS BIGINT)`
    case 'timestamp':
    case 'timestamptz':
      return `epoch_us(${value})`
    default:
      return undefined
  }
}

function hexSql(type: TableColumnType, value: string): string {
  if (type === 'uuid') return `upper(replace(CAST(${value} AS VARCHAR), '-', ''))`
  return decimalShape(type) === undefined ? `hex(${value})` : decimalHex(value)
}

// Names of lambda parameters: a column of the same name would be taken instead.
const [N, H, K, A] = ['_esteira_n', '_esteira_h', '_esteira_k', '_esteira_a']

// Two's complement in as few bytes as hold it. The complement of a negative number has as many as the number itself.
function decimalHex(value: string): string {
  const unscaled = `CAST(replace(CAST(${value} AS VARCHAR), '.', '') AS HUGEINT)`
  const digits = `list_transform([${unscaled}], lambda ${N}: {'negative': ${N} < 0, 'hex': to_hex(CASE WHEN ${N} < 0 THEN -1 - ${N} ELSE ${N} END)})`
  const hex = `${N}['hex']`
  const padded = `CASE WHEN length(${hex}) % 2 = 1 THEN '0' || ${hex} WHEN ${hex}[1] > '7' THEN '00' || ${hex} ELSE ${hex} END`
  const complement = `translate(${padded}, '0123456789ABCDEF', 'FEDCBA9876543210')`
  return `list_transform(${digits}, lambda ${N}: CASE WHEN ${N}['negative'] THEN ${complement} ELSE ${padded} END)[1]`
}

function hashOfLong(value: string): string {
  const words = `list_transform([${value}], lambda ${N}: [CAST(${N} & ${MASK} AS UBIGINT), CAST((${N} >> 32) & ${MASK} AS UBIGINT)])[1]`
  return finishSql(hashOfWords(words), '0::UBIGINT', '8::UBIGINT')
}

// Words are little-endian: the digits are turned around as a whole, then the two digits of every byte once more.
function hashOfHex(hex: string): string {
  const words = `list_transform(range(0, length(${H}) // 8), lambda ${N}: CAST('0x' || substr(${H}, length(${H}) - ${N} * 8 - 7, 8) AS UBIGINT))`
  const tail = `[CAST('0x0' || substr(${H}, 1, length(${H}) % 8) AS UBIGINT)]`
  const swap = (list: string) =>
    `list_transform(${list}, lambda ${K}: ((${K} & 252645135) << 4) | ((${K} >> 4) & 252645135))`
  const length = `CAST(length(${H}) // 2 AS UBIGINT)`
  const finished = finishSql(hashOfWords(swap(words)), `${swap(tail)}[1]`, length)
  return `list_transform([reverse(${hex})], lambda ${H}: ${finished})[1]`
}

function scrambleSql(words: string): string {
  const first = `list_transform(${words}, lambda ${K}: (${K} * 3432918353) & ${MASK})`
  const rotated = `list_transform(${first}, lambda ${K}: ((${K} << 15) & ${MASK}) | (${K} >> 17))`
  return `list_transform(${rotated}, lambda ${K}: (${K} * 461845907) & ${MASK})`
}

// A fold over the words: list_reduce has no start value, so 0 stands before them.
function hashOfWords(words: string): string {
  const mixed = `xor(${A}, ${K})`
  const step = `(((((${mixed} << 13) & ${MASK}) | (${mixed} >> 19)) * 5) + 3864292196) & ${MASK}`
  return `list_reduce(list_prepend(0::UBIGINT, ${scrambleSql(words)}), lambda ${A}, ${K}: ${step})`
}

function finishSql(hash: string, tail: string, length: string): string {
  const mixed = `xor(xor(${hash}, ${scrambleSql(`[${tail}]`)}[1]), ${length})`
  const first = `list_transform([${mixed}], lambda ${K}: (xor(${K}, ${K} >> 16) * 2246822507) & ${MASK})`
  const second = `list_transform(${first}, lambda ${K}: (xor(${K}, ${K} >> 13) * 3266489909) & ${MASK})`
  return `list_transform(${second}, lambda ${K}: xor(${K}, ${K} >> 16))[1]`
}
