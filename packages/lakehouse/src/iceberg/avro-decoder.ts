import { type AvroPrimitive, type AvroSchema, type AvroValue, isUnion } from './avro-encoder.js'

/** Reads Avro's binary encoding. Every read is checked against the end of the bytes. @throws RangeError on malformed bytes */
export class AvroDecoder {
  readonly #bytes: Buffer
  #position = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get atEnd(): boolean {
    return this.#position === this.#bytes.length
  }

  read(schema: AvroSchema): AvroValue {
    if (typeof schema === 'string') return this.#readPrimitive(schema)
    if (isUnion(schema)) {
      const branch = schema[this.readCount()]
      if (branch === undefined) throw new RangeError('a union names a branch it does not have')
      return this.read(branch)
    }
    switch (schema.type) {
      case 'record': {
        const record: Record<string, AvroValue> = {}
        for (const field of schema.fields) record[field.name] = this.read(field.type)
        return record
      }
      case 'array':
        return this.#readBlocks(() => this.read(schema.items))
      case 'map':
        return Object.fromEntries(this.#readBlocks(() => [this.readText(), this.read(schema.values)] as const))
      case 'fixed':
        return this.take(schema.size)
      case 'enum':
        return schema.symbols[this.readCount()] ?? null
      default:
        return this.#readPrimitive(schema.type)
    }
  }

  /** A number while it is a safe integer, a bigint otherwise. */
  readLong(): number | bigint {
    let value = 0
    let factor = 1
    for (let index = 0; index < 7; index++) {
      const byte = this.#byte()
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
      factor *= 128
    }
    return this.#readWideLong(BigInt(value))
  }

  /** A length or an index: never negative, never more than the bytes there are. */
  readCount(): number {
    const count = this.readLong()
    if (typeof count === 'bigint' || count < 0 || count > this.#bytes.length)
      throw new RangeError('a length is out of range')
    return count
  }

  readText(): string {
    return this.take(this.readCount()).toString('utf8')
  }

  take(size: number): Buffer {
    const end = this.#position + size
    if (end > this.#bytes.length) throw new RangeError('the bytes end too early')
    const slice = this.#bytes.subarray(this.#position, end)
    this.#position = end
    return slice
  }

  #readWideLong(low: bigint): number | bigint {
    let value = low
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = this.#byte()
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) {
        const signed = BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n))
        return signed >= -9007199254740991n && signed <= 9007199254740991n ? Number(signed) : signed
      }
    }
    throw new RangeError('a number is longer than ten bytes')
  }

  #readBlocks<T>(readItem: () => T): T[] {
    const items: T[] = []
    for (let count = Number(this.readLong()); count !== 0; count = Number(this.readLong())) {
      if (count < 0) this.readLong()
      if (Math.abs(count) > this.#bytes.length) throw new RangeError('a block has more items than bytes')
      for (let index = 0; index < Math.abs(count); index++) items.push(readItem())
    }
    return items
  }

  #readPrimitive(type: AvroPrimitive): AvroValue {
    switch (type) {
      case 'null':
        return null
      case 'boolean':
        return this.#byte() !== 0
      case 'int':
      case 'long':
        return this.readLong()
      case 'float':
        return this.take(4).readFloatLE(0)
      case 'double':
        return this.take(8).readDoubleLE(0)
      case 'bytes':
        return this.take(this.readCount())
      case 'string':
        return this.readText()
      default:
        throw new RangeError(`type ${JSON.stringify(type)} is not known`)
    }
  }

  #byte(): number {
    const byte = this.#bytes[this.#position]
    if (byte === undefined) throw new RangeError('the bytes end too early')
    this.#position += 1
    return byte
  }
}
