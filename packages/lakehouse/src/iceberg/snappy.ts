import { crc32 } from 'node:zlib'

/**
 * A block of an Avro file packed with Snappy: the packed bytes, then the CRC-32 of the unpacked ones.
 * @throws RangeError on malformed bytes
 */
export function unpackSnappyBlock(block: Uint8Array): Uint8Array {
  if (block.length < 4) throw new RangeError('a packed block is too short')
  const unpacked = unpackSnappy(block.subarray(0, block.length - 4))
  const expected = Buffer.from(block.buffer, block.byteOffset, block.byteLength).readUInt32BE(block.length - 4)
  if (crc32(unpacked) !== expected) throw new RangeError('the checksum of a packed block differs')
  return unpacked
}

/** Unpacks Snappy's raw format (google/snappy, `format_description.txt`). @throws RangeError on malformed bytes */
function unpackSnappy(bytes: Uint8Array): Uint8Array {
  const input = new ByteReader(bytes)
  const size = input.varint()
  // A packed byte never stands for more than 64 bytes: no more memory is taken than the bytes can fill.
  if (size > bytes.length * 64) throw new RangeError('a packed block claims more bytes than it can hold')
  const out = new Uint8Array(size)
  let at = 0
  while (!input.atEnd) {
    const tag = input.little(1)
    if ((tag & 3) === 0) {
      const short = tag >> 2
      const length = 1 + (short < 60 ? short : input.little(short - 59))
      if (at + length > size) throw new RangeError('a literal goes beyond the end')
      out.set(input.take(length), at)
      at += length
    } else {
      const length = (tag & 3) === 1 ? 4 + ((tag >> 2) & 7) : 1 + (tag >> 2)
      const offset = (tag & 3) === 1 ? ((tag >> 5) << 8) | input.little(1) : input.little((tag & 3) === 2 ? 2 : 4)
      if (offset === 0 || offset > at || at + length > size) throw new RangeError('a copy goes beyond its bounds')
      // A copy may overlap what it writes: byte by byte it repeats itself.
      for (const end = at + length; at < end; at++) out[at] = out[at - offset] ?? 0
    }
  }
  if (at !== size) throw new RangeError('a packed block ends too early')
  return out
}

class ByteReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  take(count: number): Uint8Array {
    if (this.#at + count > this.#bytes.length) throw new RangeError('a packed block ends too early')
    const slice = this.#bytes.subarray(this.#at, this.#at + count)
    this.#at += count
    return slice
  }

  little(count: number): number {
    return this.take(count).reduceRight((value, byte) => value * 256 + byte, 0)
  }

  varint(): number {
    let value = 0
    for (let factor = 1; factor <= 2 ** 28; factor *= 128) {
      const byte = this.little(1)
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
    }
    throw new RangeError('a length is longer than five bytes')
  }
}
