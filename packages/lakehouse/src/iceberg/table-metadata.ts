import { EsteiraError } from '@esteira/core'
import { JSONStringify } from 'json-with-bigint'
import { z } from 'zod'
import { contradictionIn } from './check-metadata.js'
import { parseLossless } from './lossless-json.js'
import { takePlainSnapshot } from './plain-snapshot.js'
import type { SchemaField, SchemaType } from './schema-types.js'
import { fromVersionOne } from './version-one.js'

// Snapshot ids have 63 bits: JSON numbers beyond 2^53 are read as bigint, and all of them are kept as bigint here.
const id = z.union([z.int(), z.bigint()]).transform((value) => BigInt(value))

const schemaType: z.ZodType<SchemaType> = z.lazy(() =>
  z.union([
    z.string(),
    z.looseObject({ type: z.literal('struct'), fields: z.array(schemaField) }),
    z.looseObject({
      type: z.literal('list'),
      'element-id': z.int(),
      element: schemaType,
      'element-required': z.boolean(),
    }),
    z.looseObject({
      type: z.literal('map'),
      'key-id': z.int(),
      key: schemaType,
      'value-id': z.int(),
      value: schemaType,
      'value-required': z.boolean(),
    }),
  ]),
)

const schemaField: z.ZodType<SchemaField> = z.looseObject({
  id: z.int(),
  name: z.string(),
  required: z.boolean(),
  type: schemaType,
  doc: z.string().optional(),
})

const schema = z.looseObject({ 'schema-id': z.int().default(0), fields: z.array(schemaField) })

const partitionSpec = z.looseObject({
  'spec-id': z.int(),
  fields: z.array(
    z.looseObject({ name: z.string(), transform: z.string(), 'source-id': z.int(), 'field-id': z.int() }),
  ),
})

const snapshotOfAnyForm = z.looseObject({
  'snapshot-id': id,
  'parent-snapshot-id': id.nullish(),
  'sequence-number': z.int().default(0),
  'timestamp-ms': z.int(),
  /** Empty where a table of version 1 lists its manifests in the snapshot itself. */
  'manifest-list': z.string(),
  manifests: z.array(z.string()).optional(),
  summary: z.record(z.string(), z.string()).default({}),
  'schema-id': z.int().nullish(),
})

type Snapshot = z.infer<typeof snapshotOfAnyForm>

// There may be thousands of snapshots: those of the usual form are checked by hand, in a tenth of the time.
const snapshot = z.unknown().transform((value, context): Snapshot => {
  if (takePlainSnapshot(value)) return value
  const parsed = snapshotOfAnyForm.safeParse(value)
  if (parsed.success) return parsed.data
  for (const { path, message } of parsed.error.issues)
    context.issues.push({ code: 'custom', path, message, input: value })
  return z.NEVER
})

const tableMetadata = z.looseObject({
  'format-version': z.union([z.literal(1), z.literal(2)]),
  'table-uuid': z.string(),
  location: z.string(),
  'last-sequence-number': z.int(),
  'last-updated-ms': z.int(),
  'last-column-id': z.int(),
  'current-schema-id': z.int(),
  schemas: z.array(schema),
  'default-spec-id': z.int(),
  'partition-specs': z.array(partitionSpec),
  'last-partition-id': z.int(),
  properties: z.record(z.string(), z.string()).default({}),
  'current-snapshot-id': id.nullish(),
  refs: z.record(z.string(), z.looseObject({ 'snapshot-id': id, type: z.string() })).default({}),
  snapshots: z.array(snapshot).default([]),
  'snapshot-log': z.array(z.looseObject({ 'timestamp-ms': z.int(), 'snapshot-id': id })).default([]),
  'metadata-log': z.array(z.looseObject({ 'timestamp-ms': z.int(), 'metadata-file': z.string() })).default([]),
})

/**
 * A table's metadata file, version 1 in the form of version 2. Keys are the file's own; what we do not know is carried along.
 */
export type TableMetadata = z.infer<typeof tableMetadata>
export type TableSchema = TableMetadata['schemas'][number]
export type { SchemaField } from './schema-types.js'
export type PartitionSpec = TableMetadata['partition-specs'][number]
export type TableSnapshot = TableMetadata['snapshots'][number]

/**
 * Reads a metadata file.
 * @param location names the file in errors
 * @throws EsteiraError ESTEIRA_UNSUPPORTED for version 3 and later, ESTEIRA_TABLE_CORRUPT
 */
export function parseTableMetadata(text: string, location: string): TableMetadata {
  let document: unknown
  try {
    document = parseLossless(text)
  } catch (cause) {
    throw corrupt(location, 'it is not JSON', cause)
  }
  const version = (document as { readonly 'format-version'?: unknown } | null)?.['format-version']
  if (typeof version === 'number' && version > 2) throw tooNew(location, version)
  const parsed = tableMetadata.safeParse(version === 1 ? fromVersionOne(document as Json) : document)
  if (!parsed.success) throw corrupt(location, firstIssue(parsed.error), parsed.error)
  const metadata = withMain(parsed.data)
  const contradiction = contradictionIn(metadata)
  if (contradiction !== undefined) throw corrupt(location, contradiction)
  return metadata
}

type Json = Readonly<Record<string, unknown>>

// Metadata without references is that of a table with its main branch alone.
function withMain(metadata: TableMetadata): TableMetadata {
  const current = metadata['current-snapshot-id']
  if (current === undefined || current === null || current === -1n || metadata.refs['main'] !== undefined)
    return metadata
  return { ...metadata, refs: { ...metadata.refs, main: { 'snapshot-id': current, type: 'branch' } } }
}

function tooNew(location: string, version: number): EsteiraError {
  const message = `table metadata ${location} has format version ${version}; versions 1 and 2 are read`
  return new EsteiraError('ESTEIRA_UNSUPPORTED', message, {
    hint: 'Write the table with format-version 2, which is also what Athena reads.',
    details: { file: location, formatVersion: version },
  })
}

function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0]
  return issue === undefined ? 'its form is wrong' : `${issue.path.join('.')}: ${issue.message}`
}

function corrupt(location: string, reason: string, cause?: unknown): EsteiraError {
  return new EsteiraError('ESTEIRA_TABLE_CORRUPT', `table metadata ${location} cannot be read: ${reason}`, {
    hint: 'Restore the file from a copy; the one before it is named in its metadata-log.',
    details: { file: location },
    cause,
  })
}

/**
 * The text of a metadata file.
 * @throws EsteiraError ESTEIRA_UNSUPPORTED for version 1: a change would make the table one of version 2
 */
export function formatTableMetadata(metadata: TableMetadata): string {
  refuseVersionOne(metadata)
  const entries = Object.entries(metadata).flatMap(([key, value]) =>
    value === undefined
      ? []
      : [`${JSON.stringify(key)}:${key === 'snapshots' ? listText(metadata.snapshots) : JSONStringify(value)}`],
  )
  return `{${entries.join(',')}}`
}

// Snapshots never change: each is put into text once, however many commits come after it.
const snapshotTexts = new WeakMap<TableSnapshot, string>()

function listText(snapshots: readonly TableSnapshot[]): string {
  const texts = snapshots.map((each) => {
    const text = snapshotTexts.get(each) ?? JSONStringify(each)
    snapshotTexts.set(each, text)
    return text
  })
  return `[${texts.join(',')}]`
}

/** @throws EsteiraError ESTEIRA_UNSUPPORTED for a table of version 1 */
export function refuseVersionOne({ 'format-version': version, location }: TableMetadata): void {
  if (version !== 1) return
  const message = `table at ${location} has format version 1, which is read but not written`
  throw new EsteiraError('ESTEIRA_UNSUPPORTED', message, {
    hint: "Set its table property format-version to 2 with the engine that made it (Spark: ALTER TABLE … SET TBLPROPERTIES ('format-version' = '2')).",
    details: { location, formatVersion: version },
  })
}

export function currentSchema(metadata: TableMetadata): TableSchema {
  return schemaById(metadata, metadata['current-schema-id'])
}

/** The schema a snapshot was written with; the current one when it does not say. */
export function schemaOfSnapshot(metadata: TableMetadata, snapshot: TableSnapshot): TableSchema {
  return schemaById(metadata, snapshot['schema-id'] ?? metadata['current-schema-id'])
}

function schemaById(metadata: TableMetadata, schemaId: number): TableSchema {
  const found = metadata.schemas.find((each) => each['schema-id'] === schemaId)
  if (found === undefined) throw corrupt(metadata.location, `schema ${schemaId} is not in it`)
  return found
}

export function specById(metadata: TableMetadata, specId: number): PartitionSpec {
  const found = metadata['partition-specs'].find((each) => each['spec-id'] === specId)
  if (found === undefined) throw corrupt(metadata.location, `partition spec ${specId} is not in it`)
  return found
}

/** The snapshot that the table's main branch points to; undefined before the first commit. */
export function currentSnapshot(metadata: TableMetadata): TableSnapshot | undefined {
  const current = metadata['current-snapshot-id']
  if (current === undefined || current === null || current === -1n) return undefined
  const found = snapshotById(metadata, current)
  if (found === undefined) throw corrupt(metadata.location, `snapshot ${current} is not in it`)
  return found
}

export function snapshotById(metadata: TableMetadata, snapshotId: bigint): TableSnapshot | undefined {
  return metadata.snapshots.find((each) => each['snapshot-id'] === snapshotId)
}

/** The current snapshot, its parent, and so on, as far as they have not expired. */
export function* ancestorsOf(metadata: TableMetadata): Generator<TableSnapshot> {
  const byId = new Map(metadata.snapshots.map((each) => [each['snapshot-id'], each]))
  for (let at = currentSnapshot(metadata); at !== undefined; ) {
    yield at
    byId.delete(at['snapshot-id'])
    const parent = at['parent-snapshot-id']
    at = parent === undefined || parent === null ? undefined : byId.get(parent)
  }
}
