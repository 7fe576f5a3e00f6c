import type { AvroValue } from './avro-encoder.js'

/** Typed reading of a decoded record. A field of another kind is a RangeError naming it: the file is malformed. */
export class RecordReader {
  readonly #record: Readonly<Record<string, AvroValue>>

  constructor(value: AvroValue | undefined) {
    if (value === null || typeof value !== 'object' || Array.isArray(value) || value instanceof Uint8Array) {
      throw new RangeError('a record was expected')
    }
    this.#record = value as Readonly<Record<string, AvroValue>>
  }

  value(name: string): AvroValue {
    return this.#record[name] ?? null
  }

  text(name: string): string {
    const value = this.value(name)
    if (typeof value !== 'string') throw malformed(name, 'text')
    return value
  }

  optionalText(name: string): string | undefined {
    return this.value(name) === null ? undefined : this.text(name)
  }

  count(name: string): number {
    const value = this.optionalCount(name)
    if (value === undefined) throw malformed(name, 'a number')
    return value
  }

  optionalCount(name: string): number | undefined {
    const value = this.value(name)
    if (value === null) return undefined
    if (typeof value !== 'number') throw malformed(name, 'a number')
    return value
  }

  optionalId(name: string): bigint | undefined {
    const value = this.value(name)
    if (value === null) return undefined
    if (typeof value !== 'number' && typeof value !== 'bigint') throw malformed(name, 'an id')
    return BigInt(value)
  }

  optionalBytes(name: string): Uint8Array | undefined {
    const value = this.value(name)
    if (value === null) return undefined
    if (!(value instanceof Uint8Array)) throw malformed(name, 'bytes')
    return value
  }

  record(name: string): RecordReader {
    return new RecordReader(this.value(name))
  }

  optionalList(name: string): readonly AvroValue[] | undefined {
    const value = this.value(name)
    if (value === null) return undefined
    if (!Array.isArray(value)) throw malformed(name, 'a list')
    return value
  }

  /** A map that Avro keeps as a list of key/value records. */
  optionalMap<T extends number | Uint8Array>(
    name: string,
    isValue: (value: AvroValue) => value is T,
  ): Map<number, T> | undefined {
    const list = this.optionalList(name)
    if (list === undefined) return undefined
    const map = new Map<number, T>()
    for (const item of list) {
      const entry = new RecordReader(item)
      const value = entry.value('value')
      if (!isValue(value)) throw malformed(name, 'a map of other values')
      map.set(entry.count('key'), value)
    }
    return map
  }
}

export function isCount(value: AvroValue): value is number {
  return typeof value === 'number'
}

export function isBytes(value: AvroValue): value is Uint8Array {
  return value instanceof Uint8Array
}

/** A map as Avro keeps it: records sorted by key; null when there is none. */
export function mapToAvro(map: ReadonlyMap<number, number | Uint8Array> | undefined): AvroValue {
  if (map === undefined) return null
  return [...map].sort(([a], [b]) => a - b).map(([key, value]) => ({ key, value }))
}

function malformed(name: string, expected: string): RangeError {
  return new RangeError(`field ${name} is not ${expected}`)
}
