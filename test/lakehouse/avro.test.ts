import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AvroSchema, AvroValue } from '../../packages/lakehouse/src/iceberg/avro-encoder.js'
import { decodeAvroFile, encodeAvroFile } from '../../packages/lakehouse/src/iceberg/avro-file.js'
import { runPython } from '../services/python.js'

const SCHEMA = {
  type: 'record',
  name: 'all',
  fields: [
    { name: 'b', type: 'boolean', 'field-id': 1 },
    { name: 'i', type: 'int', 'field-id': 2 },
    { name: 'l', type: ['null', 'long'], default: null, 'field-id': 3 },
    { name: 'd', type: 'double', 'field-id': 4 },
    { name: 's', type: 'string', 'field-id': 5 },
    { name: 'y', type: ['null', 'bytes'], default: null, 'field-id': 6 },
    { name: 'a', type: { type: 'array', items: 'long', 'element-id': 8 }, 'field-id': 7 },
    { name: 'f', type: { type: 'fixed', size: 3, name: 'three' }, 'field-id': 9 },
  ],
} as const satisfies AvroSchema

const record = fc.record({
  b: fc.boolean(),
  i: fc.integer(),
  l: fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(shrink), { nil: null }),
  d: fc.double({ noNaN: true }),
  s: fc.string({ unit: 'grapheme' }),
  y: fc.option(
    fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
    { nil: null },
  ),
  a: fc.array(fc.integer()),
  f: fc.uint8Array({ minLength: 3, maxLength: 3 }).map((bytes) => Buffer.from(bytes)),
})

function shrink(value: bigint): number | bigint {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value
}

function encode(records: readonly AvroValue[]): Uint8Array {
  return encodeAvroFile(SCHEMA, { topic: 'test' }, records)
}

describe('Avro files', () => {
  it('give back what was written', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 20 }), (records) => {
        const file = decodeAvroFile(encode(records), 'memory')
        expect(file.records).toEqual(records)
        expect(file.schema).toEqual(SCHEMA)
        expect(file.metadata.get('topic')).toBe('test')
      }),
      { numRuns: 50 },
    )
  })

  it('are the same bytes for the same records', () => {
    const [sample] = fc.sample(fc.array(record, { minLength: 3, maxLength: 5 }), { numRuns: 1, seed: 1 })
    expect(encode(sample ?? [])).toEqual(encode(sample ?? []))
  })

  it('of fastavro are read, packed and not, in many blocks, and fastavro reads ours', async () => {
    const ours = encode([
      { b: true, i: -1, l: 9007199254740993n, d: 0.1, s: 'é😀', y: null, a: [1, -2], f: Buffer.from('abc') },
    ])
    const told = JSON.parse(
      await runPython(
        `
import fastavro, io, json, sys, base64
asked = json.load(sys.stdin)
ours = [ {k: (v.decode() if isinstance(v, bytes) else v) for k, v in r.items()} for r in fastavro.reader(io.BytesIO(base64.b64decode(asked["ours"]))) ]
schema = fastavro.parse_schema(asked["schema"])
files = []
for codec in ["null", "deflate", "bzip2"]:
    out = io.BytesIO()
    rows = [{"b": i % 2 == 0, "i": i, "l": None if i % 3 == 0 else -(2**62) + i, "d": i / 7, "s": "x" * i, "y": bytes([i % 256]), "a": list(range(i % 5)), "f": b"abc"} for i in range(500)]
    fastavro.writer(out, schema, rows, codec=codec, sync_interval=1000)
    files.append(base64.b64encode(out.getvalue()).decode())
print(json.dumps({"ours": ours, "files": files}))
`,
        [],
        { input: JSON.stringify({ ours: Buffer.from(ours).toString('base64'), schema: SCHEMA }) },
      ),
    )
    expect(JSON.stringify(told.ours)).toContain('é😀')
    expect(told.ours).toMatchObject([{ b: true, i: -1, d: 0.1, y: null, a: [1, -2], f: 'abc' }])
    const [plain, deflate, bzip] = told.files.map((file: string) => Buffer.from(file, 'base64'))
    const { records } = decodeAvroFile(plain, 'plain.avro')
    expect(records).toHaveLength(500)
    expect(records[499]).toEqual({
      b: false,
      i: 499,
      l: -(2n ** 62n) + 499n,
      d: 499 / 7,
      s: 'x'.repeat(499),
      y: Buffer.from([243]),
      a: [0, 1, 2, 3],
      f: Buffer.from('abc'),
    })
    expect(decodeAvroFile(deflate, 'deflate.avro').records).toEqual(records)
    expect(() => decodeAvroFile(bzip, 'b.avro')).toThrow(
      expect.objectContaining({ code: 'ESTEIRA_UNSUPPORTED', message: expect.stringContaining('bzip2') }),
    )
  })

  it('packed with Snappy are read, and refused when a byte of them is changed', async () => {
    const told = JSON.parse(
      await runPython(
        `
import base64, fastavro, io, json, pyarrow as pa, sys, zlib
asked = json.load(sys.stdin)
# fastavro's own way of packing, with Arrow's Snappy: the packed block, then the checksum of the plain one.
from fastavro._write_py import BLOCK_WRITERS
def snappy(encoder, block, level):
    packed = pa.compress(block, codec="snappy", asbytes=True)
    encoder.write_long(len(packed) + 4)
    encoder._fo.write(packed)
    encoder._fo.write(zlib.crc32(block).to_bytes(4, "big"))
BLOCK_WRITERS["snappy"] = snappy
from fastavro._write_py import writer
schema = fastavro.parse_schema(asked)
rows = [{"b": True, "i": i, "l": None, "d": i / 3, "s": "word" * (i % 400), "y": bytes(range(i % 256)), "a": [1] * (i % 90), "f": b"abc"} for i in range(900)]
out = io.BytesIO()
writer(out, schema, rows, codec="snappy", sync_interval=60000)
print(json.dumps({"file": base64.b64encode(out.getvalue()).decode(), "sum": sum(len(r["s"]) + len(r["y"]) for r in rows)}))
`,
        [],
        { input: JSON.stringify(SCHEMA) },
      ),
    )
    const bytes = Buffer.from(told.file, 'base64')
    const records = decodeAvroFile(bytes, 'snappy.avro').records as readonly { s: string; y: Uint8Array; i: number }[]
    expect(records.map(({ i }) => i)).toEqual(Array.from({ length: 900 }, (_, index) => index))
    expect(records.reduce((sum, { s, y }) => sum + s.length + y.length, 0)).toBe(told.sum)
    let refused = 0
    // Behind the header, whose texts have no checksum.
    for (let at = 2000; at < bytes.length; at += 997) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ 0x10
      // A copy from elsewhere may stand for the same bytes: then nothing is wrong.
      expect(['ESTEIRA_TABLE_CORRUPT', JSON.stringify(records, replaceBigInt)]).toContain(outcome(changed))
      if (outcome(changed) === 'ESTEIRA_TABLE_CORRUPT') refused += 1
    }
    expect(refused).toBeGreaterThan(10)
  })

  it('that are cut or changed anywhere are refused by name, or read to the same records', () => {
    const [records] = fc.sample(fc.array(record, { minLength: 5, maxLength: 5 }), { numRuns: 1, seed: 2 })
    const bytes = Buffer.from(encode(records ?? []))
    const whole = JSON.stringify(decodeAvroFile(bytes, 'x').records, replaceBigInt)
    for (let length = 0; length < bytes.length; length++) {
      const cut = outcome(bytes.subarray(0, length))
      // A file that ends exactly after its header is a whole file without records.
      expect(['ESTEIRA_TABLE_CORRUPT', 'ESTEIRA_UNSUPPORTED', '[]']).toContain(cut)
    }
    let refused = 0
    for (let at = bytes.length - 17; at < bytes.length; at++) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ 0x40
      if (outcome(changed) === 'ESTEIRA_TABLE_CORRUPT') refused += 1
    }
    expect(refused).toBeGreaterThanOrEqual(16)
    expect(outcome(bytes)).toBe(whole)
  })
})

function outcome(bytes: Uint8Array): string {
  try {
    return JSON.stringify(decodeAvroFile(bytes, 'broken.avro').records, replaceBigInt)
  } catch (error) {
    expect(String(error)).toContain('broken.avro')
    return (error as { code: string }).code
  }
}

function replaceBigInt(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value
}
