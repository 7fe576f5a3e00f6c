import { EsteiraError } from '@esteira/core'
import { JSONParse, JSONStringify } from 'json-with-bigint'
import { z } from 'zod'

// Snapshot ids have 63 bits: JSON numbers beyond 2^53 are read as bigint, and all of them are kept as bigint here.
const id = z.union([z.int(), z.bigint()]).transform((value) => BigInt(value))

const schema = z.looseObject({
  'schema-id': z.int().default(0),
  fields: z.array(
    z.looseObject({
      id: z.int(),
      name: z.string(),
      required: z.boolean(),
      type: z.union([z.string(), z.looseObject({ type: z.string() })]),
      doc: z.string().optional(),
    }),
  ),
})

const partitionSpec = z.looseObject({
  'spec-id': z.int(),
  fields: z.array(
    z.looseObject({ name: z.string(), transform: z.string(), 'source-id': z.int(), 'field-id': z.int() }),
  ),
})

const snapshot = z.looseObject({
  'snapshot-id': id,
  'parent-snapshot-id': id.nullish(),
  'sequence-number': z.int().default(0),
  'timestamp-ms': z.int(),
  'manifest-list': z.string(),
  summary: z.record(z.string(), z.string()).default({}),
  'schema-id': z.int().nullish(),
})

const tableMetadata = z.looseObject({
  'format-version': z.literal(2),
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

/** A table's metadata file (format version 2). Keys are the file's own; what we do not know is carried along. */
export type TableMetadata = z.infer<typeof tableMetadata>
export type TableSchema = TableMetadata['schemas'][number]
export type SchemaField = TableSchema['fields'][number]
export type PartitionSpec = TableMetadata['partition-specs'][number]
export type TableSnapshot = TableMetadata['snapshots'][number]

/**
 * Reads a metadata file.
 * @param location names the file in errors
 * @throws EsteiraError ESTEIRA_UNSUPPORTED for versions 1 and 3, ESTEIRA_TABLE_CORRUPT
 */
export function parseTableMetadata(text: string, location: string): TableMetadata {
  let document: unknown
  try {
    document = JSONParse(text)
  } catch (cause) {
    throw corrupt(location, 'it is not JSON', cause)
  }
  const version = (document as { readonly 'format-version'?: unknown } | null)?.['format-version']
  if (version !== 2 && typeof version === 'number') {
    throw new EsteiraError(
      'ESTEIRA_UNSUPPORTED',
      `table metadata ${location} has format version ${version}; version 2 is supported`,
      {
        hint: 'Write the table with format-version 2, which is also what Athena reads.',
        details: { file: location, formatVersion: version },
      },
    )
  }
  const parsed = tableMetadata.safeParse(document)
  if (!parsed.success) throw corrupt(location, firstIssue(parsed.error), parsed.error)
  const metadata = parsed.data
  if (!metadata.schemas.some((each) => each['schema-id'] === metadata['current-schema-id'])) {
    throw corrupt(location, `schema ${metadata['current-schema-id']} is not in it`)
  }
  if (!metadata['partition-specs'].some((each) => each['spec-id'] === metadata['default-spec-id'])) {
    throw corrupt(location, `partition spec ${metadata['default-spec-id']} is not in it`)
  }
  return metadata
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

export function formatTableMetadata(metadata: TableMetadata): string {
  return JSONStringify(metadata)
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
