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

  /** Where the next value begins; set to read once more. */
  get position(): number {
    return this.#position
  }

  set position(position: number) {
    this.#position = position
  }

  /** The bytes from a place up to here, one character each: to tell whether they were met before. */
  textSince(position: number): string {
    return this.#bytes.toString('latin1', position, this.#position)
  }

  /** The value that begins at a place; the reading goes on where it is. */
  readAt(position: number, schema: AvroSchema): AvroValue {
    const here = this.#position
    this.#position = position
    const value = this.read(schema)
    this.#position = here
    return value
  }

  read(schema: AvroSchema): AvroValue {
    if (typeof schema === 'string') return this.#readPrimitive(schema)
    if (isUnion(schema)) {
      return this.read(this.branch(schema))
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

  /** Passes by a value: nothing is made of it. */
  skip(schema: AvroSchema): void {
    if (typeof schema === 'string') this.#skipPrimitive(schema)
    else if (isUnion(schema)) this.skip(this.branch(schema))
    else if (schema.type === 'record') for (const field of schema.fields) this.skip(field.type)
    else if (schema.type === 'array') this.#skipBlocks(() => this.skip(schema.items))
    else if (schema.type === 'map') {
      this.#skipBlocks(() => {
        this.#pass(this.readCount())
        this.skip(schema.values)
      })
    } else if (schema.type === 'fixed') this.#pass(schema.size)
    else if (schema.type === 'enum') this.readLong()
    else this.#skipPrimitive(schema.type)
  }

  /** The branch of a union that comes next. */
  branch(union: readonly AvroSchema[]): AvroSchema {
    const branch = union[this.readCount()]
    if (branch === undefined) throw new RangeError('a union names a branch it does not have')
    return branch
  }

  /** The items of an array; those for which `readItem` gives undefined are left out. */
  readItems<T>(readItem: () => T | undefined): T[] {
    return this.#readBlocks(readItem).filter((item) => item !== undefined)
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
    const start = this.#position
    this.#pass(size)
    return this.#bytes.subarray(start, this.#position)
  }

  #pass(size: number): void {
    const end = this.#position + size
    if (end > this.#bytes.length) throw new RangeError('the bytes end too early')
    this.#position = end
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

  #skipBlocks(skipItem: () => void): void {
    for (let count = Number(this.readLong()); count !== 0; count = Number(this.readLong())) {
      // A negative count comes with the size of the block.
      if (count < 0) this.#pass(this.readCount())
      else if (count > this.#bytes.length) throw new RangeError('a block has more items than bytes')
      else for (let index = 0; index < count; index++) skipItem()
    }
  }

  #skipPrimitive(type: AvroPrimitive): void {
    if (type === 'bytes' || type === 'string') this.#pass(this.readCount())
    else if (type === 'int' || type === 'long') this.#skipLong()
    else this.#readPrimitive(type)
  }

  #skipLong(): void {
    for (let length = 1; this.#byte() >= 0x80; length++) {
      if (length === 10) throw new RangeError('a number is longer than ten bytes')
    }
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
