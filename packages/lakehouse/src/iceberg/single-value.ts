import type { TableColumnType } from '@esteira/core'
import { decimalShape, type Value } from './values.js'

const MAX_CODE_POINTS = 16

/** A value as Iceberg stores bounds (spec, Appendix D): little-endian numbers, UTF-8 text, big-endian decimals. */
export function encodeSingleValue(type: TableColumnType, value: Value): Uint8Array {
  switch (type) {
    case 'boolean':
      return Uint8Array.of(value === true ? 1 : 0)
    case 'int':
    case 'date':
      return fixed(4, (view) => view.setInt32(0, Number(value), true))
    case 'long':
    case 'timestamp':
      return fixed(8, (view) => view.setBigInt64(0, BigInt(value), true))
    case 'float':
      return fixed(4, (view) => view.setFloat32(0, Number(value), true))
    case 'double':
      return fixed(8, (view) => view.setFloat64(0, Number(value), true))
    case 'string':
      return Buffer.from(String(value))
    default:
      return encodeUnscaled(BigInt(value))
  }
}

/** The value of a stored bound; undefined when the bytes do not fit the type. Ints widened to long are understood. */
export function decodeSingleValue(type: TableColumnType, bytes: Uint8Array): Value | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  switch (type) {
    case 'boolean':
      return bytes.length === 1 ? bytes[0] !== 0 : undefined
    case 'int':
    case 'date':
      return bytes.length === 4 ? view.getInt32(0, true) : undefined
    case 'long':
    case 'timestamp':
      return bytes.length === 8
        ? view.getBigInt64(0, true)
        : bytes.length === 4
          ? BigInt(view.getInt32(0, true))
          : undefined
    case 'float':
      return bytes.length === 4 ? view.getFloat32(0, true) : undefined
    case 'double':
      return bytes.length === 8 ? view.getFloat64(0, true) : bytes.length === 4 ? view.getFloat32(0, true) : undefined
    case 'string':
      return Buffer.from(bytes).toString('utf8')
    default:
      return decimalShape(type) === undefined || bytes.length === 0 ? undefined : decodeUnscaled(bytes)
  }
}

/** The lower bound of a file's column: text is cut to 16 characters, zero is -0.0. */
export function lowerBound(type: TableColumnType, min: Value): Uint8Array {
  if (typeof min === 'string') return encodeSingleValue(type, [...min].slice(0, MAX_CODE_POINTS).join(''))
  return encodeSingleValue(type, min === 0 && (type === 'float' || type === 'double') ? -0 : min)
}

/** The upper bound; undefined when text is too long to be cut and raised. */
export function upperBound(type: TableColumnType, max: Value): Uint8Array | undefined {
  if (typeof max === 'string') {
    const cut = raisedPrefix(max)
    return cut === undefined ? undefined : encodeSingleValue(type, cut)
  }
  return encodeSingleValue(type, max === 0 && (type === 'float' || type === 'double') ? 0 : max)
}

// The last character that can be raised is raised, so that the prefix stands above all text it begins.
function raisedPrefix(text: string): string | undefined {
  const points = [...text]
  if (points.length <= MAX_CODE_POINTS) return text
  for (let last = MAX_CODE_POINTS - 1; last >= 0; last--) {
    const point = points[last]?.codePointAt(0) ?? 0
    if (point >= 0x10ffff) continue
    const next = point + 1
    const raised = next >= 0xd800 && next <= 0xdfff ? 0xe000 : next
    return points.slice(0, last).join('') + String.fromCodePoint(raised)
  }
  return undefined
}

function fixed(size: number, write: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(size)
  write(new DataView(bytes.buffer))
  return bytes
}

/** Two's complement, big-endian, in as few bytes as hold it, or in exactly `size` bytes. */
export function encodeUnscaled(value: bigint, size?: number): Uint8Array {
  let length = 1
  while (BigInt.asIntN(length * 8, value) !== value) length += 1
  const bytes = new Uint8Array(size ?? length)
  for (let index = bytes.length - 1, rest = value; index >= 0; index--, rest >>= 8n) bytes[index] = Number(rest & 0xffn)
  return bytes
}

export function decodeUnscaled(bytes: Uint8Array): bigint {
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${Buffer.from(bytes).toString('hex')}`))
}

/** Bytes that hold every decimal of a precision. */
export function decimalBytes(precision: number): number {
  return encodeUnscaled(10n ** BigInt(precision) - 1n).length
}
