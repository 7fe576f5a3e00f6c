import type { TableColumnType } from '@esteira/core'
import { decimalShape, type Value } from './values.js'

const MAX_CODE_POINTS = 16
const MAX_BYTES = 16

/**
 * A value as Iceberg stores bounds (specification, Appendix D): little-endian numbers, UTF-8 text, big-endian decimals and UUIDs.
 * @throws RangeError for a nested type, which has no single value
 */
export function encodeSingleValue(type: TableColumnType, value: Value): Uint8Array {
  switch (type) {
    case 'boolean':
      return Uint8Array.of(value === true ? 1 : 0)
    case 'int':
    case 'date':
      return fixed(4, (view) => view.setInt32(0, Number(value), true))
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return fixed(8, (view) => view.setBigInt64(0, BigInt(value), true))
    case 'float':
      return fixed(4, (view) => view.setFloat32(0, Number(value), true))
    case 'double':
      return fixed(8, (view) => view.setFloat64(0, Number(value), true))
    case 'string':
      return Buffer.from(String(value))
    case 'uuid':
      return Buffer.from(String(value).replaceAll('-', ''), 'hex')
    default:
      if (isBinary(type)) return Buffer.from(String(value), 'hex')
      if (decimalShape(type) === undefined) throw new RangeError(`type ${type} has no single value`)
      return encodeUnscaled(BigInt(value))
  }
}

function isBinary(type: TableColumnType): boolean {
  return type === 'binary' || type.startsWith('fixed(')
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
    case 'time':
    case 'timestamp':
    case 'timestamptz':
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
    case 'uuid':
      return bytes.length === 16 ? uuidText(bytes) : undefined
    default:
      if (isBinary(type)) return Buffer.from(bytes).toString('hex')
      return decimalShape(type) === undefined || bytes.length === 0 ? undefined : decodeUnscaled(bytes)
  }
}

/** The canonical text of a UUID's 16 bytes. */
function uuidText(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** The lower bound of a file's column: text is cut to 16 characters, binary to 16 bytes, zero is -0.0. */
export function lowerBound(type: TableColumnType, min: Value): Uint8Array {
  if (type === 'string') return encodeSingleValue(type, [...String(min)].slice(0, MAX_CODE_POINTS).join(''))
  if (isBinary(type)) return encodeSingleValue(type, min).slice(0, MAX_BYTES)
  return encodeSingleValue(type, min === 0 && (type === 'float' || type === 'double') ? -0 : min)
}

/** The upper bound; undefined when text or binary is too long to be cut and raised. */
export function upperBound(type: TableColumnType, max: Value): Uint8Array | undefined {
  if (type === 'string') {
    const text = String(max)
    const cut = [...text].length <= MAX_CODE_POINTS ? text : raisedPrefix(text, MAX_CODE_POINTS)
    return cut === undefined ? undefined : encodeSingleValue(type, cut)
  }
  if (isBinary(type)) return raisedBytes(encodeSingleValue(type, max))
  return encodeSingleValue(type, max === 0 && (type === 'float' || type === 'double') ? 0 : max)
}

function raisedBytes(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length <= MAX_BYTES) return bytes
  const last = bytes.slice(0, MAX_BYTES).findLastIndex((byte) => byte < 0xff)
  if (last < 0) return undefined
  const raised = bytes.slice(0, last + 1)
  raised[last] = (raised[last] ?? 0) + 1
  return raised
}

/** The shortest text above all text that begins with the first characters of `text`; undefined when there is none. */
export function raisedPrefix(text: string, length: number): string | undefined {
  const points = [...text].slice(0, length)
  for (let last = points.length - 1; last >= 0; last--) {
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
