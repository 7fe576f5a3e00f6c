type Json = Readonly<Record<string, unknown>>

const FIRST_PARTITION_ID = 1000

/**
 * A metadata document of version 1 in the form of version 2: one schema and one partition spec become lists of one, what
 * version 1 may leave out gets the value that it stands for (specification, "Reading v1 metadata for v2").
 */
export function fromVersionOne(document: Json): Json {
  const single = isRecord(document['schema']) ? document['schema'] : undefined
  const schemas = listOf(document['schemas']) ?? (single === undefined ? [] : [{ 'schema-id': 0, ...single }])
  const specs = (
    listOf(document['partition-specs']) ?? [{ 'spec-id': 0, fields: listOf(document['partition-spec']) ?? [] }]
  ).map((spec) => (isRecord(spec) ? withFieldIds(spec) : spec))
  const [first] = schemas
  const firstId = isRecord(first) ? first['schema-id'] : undefined
  return {
    'table-uuid': '00000000-0000-0000-0000-000000000000',
    'current-schema-id': firstId ?? 0,
    'default-spec-id': 0,
    'last-partition-id': lastPartitionId(specs),
    'sort-orders': [{ 'order-id': 0, fields: [] }],
    'default-sort-order-id': 0,
    ...document,
    'last-sequence-number': 0,
    schemas,
    'partition-specs': specs,
    snapshots: (listOf(document['snapshots']) ?? []).map((each) => (isRecord(each) ? withManifestList(each) : each)),
  }
}

// The first tables had manifests listed in the snapshot itself; then there is no file that lists them.
function withManifestList(snapshot: Json): Json {
  return { 'manifest-list': '', ...snapshot }
}

// The first tables had partition fields without ids: they count from 1000.
function withFieldIds(spec: Json): Json {
  const fields = (listOf(spec['fields']) ?? []).map((field, index) =>
    isRecord(field) ? { 'field-id': FIRST_PARTITION_ID + index, ...field } : field,
  )
  return { ...spec, fields }
}

function lastPartitionId(specs: readonly unknown[]): number {
  const fields = specs.flatMap((spec) => (isRecord(spec) ? (listOf(spec['fields']) ?? []) : []))
  const ids = fields.map((field) => (isRecord(field) ? Number(field['field-id']) : 0))
  return Math.max(FIRST_PARTITION_ID - 1, ...ids)
}

function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function listOf(value: unknown): readonly unknown[] | undefined {
  return Array.isArray(value) ? value : undefined
}
