import type { AvroDecoder } from './avro-decoder.js'
import { type AvroField, type AvroSchema, type AvroValue, isUnion } from './avro-encoder.js'
import type { ReadRecord } from './avro-file.js'
import { ENTRY_STATUS, FILE_CONTENT } from './data-file.js'

/** Which entries of a manifest a read wants, and what of them. */
export interface EntrySelection {
  /** Columns (field ids) whose bounds and counts are wanted. */
  readonly statistics: ReadonlySet<number>
  /** Whether data files of a partition are wanted, given the record as Avro has it. Default: all. */
  readonly wants?: (partition: AvroValue, schema: AvroSchema) => boolean
  /** Counts the live data files that are passed by. */
  readonly passedBy: { files: number; bytes: number }
}

const STATISTICS = new Set(['value_counts', 'null_value_counts', 'nan_value_counts', 'lower_bounds', 'upper_bounds'])
/** What no plan of a read asks for. */
const UNUSED = new Set(['column_sizes', 'split_offsets'])

/**
 * Reads the entries of a manifest that a read wants. The others are walked over and nothing is made of them: that is what keeps
 * the plan of one partition quick in a manifest of thousands of files. Delete files are always read whole.
 */
export function leanEntries(selection: EntrySelection): ReadRecord {
  const known = new Map<string, boolean>()
  return (decoder, schema) => {
    const fields = fieldsOf(schema)
    const start = decoder.position
    if (selection.wants !== undefined && passBy(decoder, fields, selection, known)) return undefined
    decoder.position = start
    const entry: Record<string, AvroValue> = {}
    for (const { name, type } of fields) {
      const file = name === 'data_file' ? fieldsOf(type) : []
      entry[name] = file.length > 0 ? readFile(decoder, file, selection.statistics) : decoder.read(type)
    }
    return entry
  }
}

/** Walks over an entry that is not wanted; true when it was one. */
function passBy(
  decoder: AvroDecoder,
  fields: readonly AvroField[],
  { wants, passedBy }: EntrySelection,
  known: Map<string, boolean>,
): boolean {
  let status: AvroValue = null
  let isWanted = false
  for (const { name, type } of fields) {
    if (name === 'status') status = decoder.read(type)
    else if (name !== 'data_file') decoder.skip(type)
    else {
      const bytes = walkFile(decoder, fieldsOf(type), (start, partition) => {
        const text = decoder.textSince(start)
        const answer = known.get(text) ?? wants?.(decoder.readAt(start, partition), partition) ?? true
        known.set(text, answer)
        return answer
      })
      if (bytes === undefined) isWanted = true
      else if (status !== ENTRY_STATUS.deleted) {
        passedBy.files += 1
        passedBy.bytes += bytes
      }
    }
    if (isWanted) return false
  }
  return true
}

/** Size of a data file whose partition is not wanted; undefined at the first sign that it is wanted. */
function walkFile(
  decoder: AvroDecoder,
  fields: readonly AvroField[],
  isWanted: (start: number, partition: AvroSchema) => boolean,
): number | undefined {
  let bytes: number | undefined
  let isDecided = false
  for (const { name, type } of fields) {
    const start = decoder.position
    if (name === 'content') {
      if (decoder.read(type) !== FILE_CONTENT.data) return undefined
    } else if (name === 'file_size_in_bytes') bytes = Number(decoder.read(type))
    else decoder.skip(type)
    if (name !== 'partition') continue
    if (isWanted(start, type)) return undefined
    isDecided = true
  }
  return isDecided ? (bytes ?? 0) : undefined
}

function readFile(decoder: AvroDecoder, fields: readonly AvroField[], statistics: ReadonlySet<number>): AvroValue {
  const file: Record<string, AvroValue> = {}
  for (const { name, type } of fields) {
    const isWhole = (file['content'] ?? FILE_CONTENT.data) !== FILE_CONTENT.data
    if (isWhole || !(STATISTICS.has(name) || UNUSED.has(name))) file[name] = decoder.read(type)
    else if (statistics.size === 0 || UNUSED.has(name)) decoder.skip(type)
    else file[name] = readSome(decoder, type, statistics)
  }
  return file
}

/** A map from field ids, which Avro keeps as an array of keys and values. */
function readSome(decoder: AvroDecoder, type: AvroSchema, statistics: ReadonlySet<number>): AvroValue {
  const branch = typeof type !== 'string' && isUnion(type) ? decoder.branch(type) : type
  const items = typeof branch === 'object' && !isUnion(branch) && branch.type === 'array' ? branch.items : undefined
  const [key, value, ...more] = items === undefined ? [] : fieldsOf(items)
  if (key?.name !== 'key' || value?.name !== 'value' || more.length > 0) return decoder.read(branch)
  return decoder.readItems((): AvroValue | undefined => {
    const id = decoder.read(key.type)
    if (typeof id === 'number' && statistics.has(id)) return { key: id, value: decoder.read(value.type) }
    decoder.skip(value.type)
    return undefined
  })
}

function fieldsOf(schema: AvroSchema): readonly AvroField[] {
  return typeof schema === 'object' && !isUnion(schema) && schema.type === 'record' ? schema.fields : []
}
