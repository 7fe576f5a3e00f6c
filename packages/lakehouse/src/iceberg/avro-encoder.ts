/** The part of Avro's schema language that Iceberg's manifests use. Names matter; ids travel along untouched. */
export type AvroSchema =
  | AvroPrimitive
  | readonly AvroSchema[]
  | { readonly type: 'record'; readonly name: string; readonly fields: readonly AvroField[] }
  | { readonly type: 'array'; readonly items: AvroSchema; readonly [extra: string]: unknown }
  | { readonly type: 'map'; readonly values: AvroSchema; readonly [extra: string]: unknown }
  | { readonly type: 'fixed'; readonly size: number; readonly name: string; readonly [extra: string]: unknown }
  | {
      readonly type: 'enum'
      readonly symbols: readonly string[]
      readonly name: string
      readonly [extra: string]: unknown
    }
  | { readonly type: AvroPrimitive; readonly [extra: string]: unknown }

export type AvroPrimitive = 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'bytes' | 'string'

export interface AvroField {
  readonly name: string
  readonly type: AvroSchema
  readonly default?: unknown
  readonly 'field-id'?: number
}

/** Records are objects by field name, unions the value itself; longs are numbers while they are safe integers. */
export type AvroValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly AvroValue[]
  | { readonly [field: string]: AvroValue }

/** Writes Avro's binary encoding. */
export class AvroEncoder {
  #buffer = Buffer.alloc(4096)
  #length = 0

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  write(schema: AvroSchema, value: AvroValue): void {
    if (typeof schema === 'string') this.#writePrimitive(schema, value)
    else if (isUnion(schema)) this.#writeUnion(schema, value)
    else if (schema.type === 'record')
      for (const field of schema.fields) this.write(field.type, fieldOf(value, field.name))
    else if (schema.type === 'array') this.#writeArray(schema.items, value)
    else if (schema.type === 'fixed') this.#append(asBytes(value))
    else if (schema.type === 'map' || schema.type === 'enum') throw new TypeError(`Avro ${schema.type} is not written`)
    else this.#writePrimitive(schema.type, value)
  }

  writeLong(value: number | bigint): void {
    this.#reserve(10)
    let rest = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n))
    for (; rest > 0x7fn; rest >>= 7n) this.#buffer[this.#length++] = Number(rest & 0x7fn) | 0x80
    this.#buffer[this.#length++] = Number(rest)
  }

  writeBytes(bytes: Uint8Array): void {
    this.writeLong(bytes.length)
    this.#append(bytes)
  }

  #writeUnion(branches: readonly AvroSchema[], value: AvroValue): void {
    const index = branches.findIndex((branch) => (branch === 'null') === (value === null))
    const branch = branches[index]
    if (branch === undefined) throw new TypeError('no branch of the union takes the value')
    this.writeLong(index)
    this.write(branch, value)
  }

  #writeArray(items: AvroSchema, value: AvroValue): void {
    if (!Array.isArray(value)) throw new TypeError('an array was expected')
    if (value.length > 0) {
      this.writeLong(value.length)
      for (const item of value) this.write(items, item)
    }
    this.writeLong(0)
  }

  #writePrimitive(type: AvroPrimitive, value: AvroValue): void {
    switch (type) {
      case 'null':
        break
      case 'boolean':
        this.#append(Uint8Array.of(value === true ? 1 : 0))
        break
      case 'int':
      case 'long':
        this.writeLong(asNumber(value))
        break
      case 'float':
        this.#reserve(4)
        this.#length = this.#buffer.writeFloatLE(Number(asNumber(value)), this.#length)
        break
      case 'double':
        this.#reserve(8)
        this.#length = this.#buffer.writeDoubleLE(Number(asNumber(value)), this.#length)
        break
      case 'bytes':
        this.writeBytes(asBytes(value))
        break
      case 'string':
        this.writeBytes(Buffer.from(asText(value)))
        break
    }
  }

  #append(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#buffer.set(bytes, this.#length)
    this.#length += bytes.length
  }

  #reserve(size: number): void {
    if (this.#length + size <= this.#buffer.length) return
    const larger = Buffer.alloc(Math.max(this.#buffer.length * 2, this.#length + size))
    this.#buffer.copy(larger, 0, 0, this.#length)
    this.#buffer = larger
  }
}

function fieldOf(value: AvroValue, name: string): AvroValue {
  const found = (value as { readonly [field: string]: AvroValue })[name]
  if (found === undefined) throw new TypeError(`the record has no field ${name}`)
  return found
}

function asNumber(value: AvroValue): number | bigint {
  if (typeof value === 'number' || typeof value === 'bigint') return value
  throw new TypeError(`a number was expected, ${typeof value} came`)
}

function asText(value: AvroValue): string {
  if (typeof value === 'string') return value
  throw new TypeError(`text was expected, ${typeof value} came`)
}

export function isUnion(schema: AvroSchema): schema is readonly AvroSchema[] {
  return Array.isArray(schema)
}

function asBytes(value: AvroValue): Uint8Array {
  if (value instanceof Uint8Array) return value
  throw new TypeError('bytes were expected')
}
