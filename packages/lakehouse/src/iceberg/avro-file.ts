import { createHash } from 'node:crypto'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { EsteiraError } from '@esteira/core'
import { AvroDecoder } from './avro-decoder.js'
import { AvroEncoder, type AvroSchema, type AvroValue } from './avro-encoder.js'
import { unpackSnappyBlock } from './snappy.js'

const MAGIC = Buffer.from([0x4f, 0x62, 0x6a, 0x01])
const HEADER_SCHEMA: AvroSchema = {
  type: 'record',
  name: 'header',
  fields: [{ name: 'meta', type: { type: 'map', values: 'bytes' } }],
}

export interface AvroFile {
  readonly schema: AvroSchema
  /** Key/value metadata of the header. */
  readonly metadata: ReadonlyMap<string, string>
  readonly records: readonly AvroValue[]
}

/**
 * Header key of a digest of all the rest: neither Avro nor deflate would notice a damaged number. Other programs leave it alone.
 */
const DIGEST_KEY = 'esteira.digest'

/** An Avro object container file (deflate), the same bytes for the same content. */
export function encodeAvroFile(
  schema: AvroSchema,
  metadata: Readonly<Record<string, string>>,
  records: readonly AvroValue[],
): Uint8Array {
  const block = new AvroEncoder()
  for (const record of records) block.write(schema, record)
  const body = deflateRawSync(block.bytes())
  const content = { ...metadata, 'avro.schema': JSON.stringify(schema), 'avro.codec': 'deflate' }
  const digest = digestOf(new Map(Object.entries(content)), records.length === 0 ? [] : [body])
  const sync = createHash('md5').update(digest).digest()
  const file = new AvroEncoder()
  const entries = Object.entries({ ...content, [DIGEST_KEY]: digest })
  file.writeLong(entries.length)
  for (const [key, value] of entries) {
    file.writeBytes(Buffer.from(key))
    file.writeBytes(Buffer.from(value))
  }
  file.writeLong(0)
  const header = Buffer.concat([MAGIC, file.bytes(), sync])
  if (records.length === 0) return header
  const count = new AvroEncoder()
  count.writeLong(records.length)
  count.writeBytes(body)
  return Buffer.concat([header, count.bytes(), sync])
}

/** Makes a value of the next record, or of a part of it, or none; what it leaves out it must skip. */
export type ReadRecord = (decoder: AvroDecoder, schema: AvroSchema) => AvroValue | undefined

const readWhole: ReadRecord = (decoder, schema) => decoder.read(schema)

/**
 * Reads a whole Avro file; every block's sync marker is checked.
 * @param location names the file in errors
 * @param readRecord default: the whole record
 * @throws EsteiraError ESTEIRA_TABLE_CORRUPT, ESTEIRA_UNSUPPORTED for a codec other than null, deflate and snappy
 */
export function decodeAvroFile(bytes: Uint8Array, location: string, readRecord: ReadRecord = readWhole): AvroFile {
  try {
    return decode(bytes, location, readRecord)
  } catch (cause) {
    if (cause instanceof EsteiraError) throw cause
    throw new EsteiraError('ESTEIRA_TABLE_CORRUPT', `Avro file ${location} cannot be read: ${reasonOf(cause)}`, {
      hint: 'Restore the file, or read an older snapshot of the table.',
      details: { file: location },
      cause,
    })
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}

function decode(bytes: Uint8Array, location: string, readRecord: ReadRecord): AvroFile {
  const decoder = new AvroDecoder(bytes)
  if (!decoder.take(4).equals(MAGIC)) throw new RangeError('it does not begin as an Avro file')
  const metadata = readHeader(decoder)
  const sync = decoder.take(16)
  const schema = JSON.parse(metadata.get('avro.schema') ?? 'null') as AvroSchema | null
  if (schema === null) throw new RangeError('its header has no schema')
  const unpack = unpackerOf(metadata.get('avro.codec') ?? 'null', location)
  const records: AvroValue[] = []
  const packed: Uint8Array[] = []
  while (!decoder.atEnd) {
    const count = Number(decoder.readLong())
    const bytes = decoder.take(decoder.readCount())
    packed.push(bytes)
    const block = new AvroDecoder(unpack(bytes))
    for (let index = 0; index < count; index++) {
      if (block.atEnd) throw new RangeError('a block has more records than bytes')
      const record = readRecord(block, schema)
      if (record !== undefined) records.push(record)
    }
    if (!block.atEnd) throw new RangeError('a block holds more bytes than its records')
    if (!decoder.take(16).equals(sync)) throw new RangeError('a sync marker differs')
  }
  checkDigest(metadata, packed)
  return { schema, metadata, records }
}

/** The digest of a header without its own entry, and of the packed blocks. */
function digestOf(metadata: ReadonlyMap<string, string>, blocks: readonly Uint8Array[]): string {
  const digest = createHash('sha256').update(JSON.stringify([...metadata].filter(([key]) => key !== DIGEST_KEY)))
  for (const block of blocks) digest.update(block)
  return digest.digest('hex').slice(0, 32)
}

function checkDigest(metadata: ReadonlyMap<string, string>, blocks: readonly Uint8Array[]): void {
  const written = metadata.get(DIGEST_KEY)
  if (written !== undefined && written !== digestOf(metadata, blocks))
    throw new RangeError('its content is not what was written')
}

function readHeader(decoder: AvroDecoder): Map<string, string> {
  const { meta } = decoder.read(HEADER_SCHEMA) as { readonly meta: Readonly<Record<string, Buffer>> }
  return new Map(Object.entries(meta).map(([key, value]) => [key, value.toString('utf8')]))
}

function unpackerOf(codec: string, location: string): (block: Uint8Array) => Uint8Array {
  if (codec === 'null') return (block) => block
  if (codec === 'deflate') return (block) => inflateRawSync(block)
  if (codec === 'snappy') return unpackSnappyBlock
  throw new EsteiraError(
    'ESTEIRA_UNSUPPORTED',
    `Avro file ${location} is packed with ${codec}; null, deflate and snappy are read`,
    {
      details: { file: location, codec },
    },
  )
}
