import { deflateRawSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { AvroEncoder, type AvroSchema } from '../../../packages/lakehouse/src/iceberg/avro-encoder.js'
import { decodeAvroFile, encodeAvroFile } from '../../../packages/lakehouse/src/iceberg/avro-file.js'

const NUMBERS: AvroSchema = { type: 'record', name: 'r', fields: [{ name: 'n', type: 'long' }] }
const NOTHING: AvroSchema = { type: 'record', name: 'r', fields: [] }

describe('an Avro file', () => {
  it('that announces records without end is refused at once', () => {
    const header = encodeAvroFile(NOTHING, {}, [])
    const block = new AvroEncoder()
    block.writeLong(2n ** 60n)
    block.writeBytes(deflateRawSync(Buffer.alloc(0)))
    const file = Buffer.concat([header, block.bytes(), header.subarray(-16)])
    expect(() => decodeAvroFile(file, 'file:///a.avro')).toThrow(/a\.avro cannot be read: a block has more records/)
  })

  it('is refused for each flipped bit of what it holds', () => {
    const records = Array.from({ length: 20 }, (_, n) => ({ n: n * 1000 }))
    const file = encodeAvroFile(NUMBERS, { 'schema-id': '0' }, records)
    expect(decodeAvroFile(file, 'file:///a.avro').records).toEqual(records)
    const read: number[] = []
    for (let bit = 0; bit < file.length * 8; bit++) {
      const damaged = Buffer.from(file)
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      try {
        expect(decodeAvroFile(damaged, 'file:///a.avro').records).toEqual(records)
        read.push(bit >> 3)
      } catch (error) {
        expect(error).toMatchObject({ code: expect.stringMatching(/^ESTEIRA_(TABLE_CORRUPT|UNSUPPORTED)$/) })
      }
    }
    // All that may change is the name of the digest's own entry: then the file has none, like those of other programs.
    const name = Buffer.from(file).indexOf('esteira.digest')
    expect(read.filter((at) => at < name || at >= name + 'esteira.digest'.length)).toEqual([])
  })
})
