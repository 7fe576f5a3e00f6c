import { readdirSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { AvroSchema, AvroValue } from '../../packages/lakehouse/src/iceberg/avro-encoder.js'
import { encodeAvroFile } from '../../packages/lakehouse/src/iceberg/avro-file.js'
import { liveFiles } from '../../packages/lakehouse/src/iceberg/live-files.js'
import { decodeManifestList } from '../../packages/lakehouse/src/iceberg/manifest-list.js'
import {
  currentSchema,
  currentSnapshot,
  formatTableMetadata,
  parseTableMetadata,
  specById,
} from '../../packages/lakehouse/src/iceberg/table-metadata.js'
import { localStorage } from '../../packages/lakehouse/src/storage/local-storage.js'
import { catalogPython } from './catalog-python.js'
import { commit, openTestLakehouse, temporaryFolder } from './test-lakehouse.js'

// Metadata as the first writers made it: one schema, one spec without ids, manifests listed in the snapshot.
const OLDEST = {
  'format-version': 1,
  location: 'file:///warehouse/t',
  'last-updated-ms': 1602638573874,
  'last-column-id': 3,
  schema: {
    type: 'struct',
    fields: [
      { id: 1, name: 'x', required: true, type: 'long' },
      { id: 2, name: 'y', required: true, type: 'long', doc: 'comment' },
      { id: 3, name: 'z', required: false, type: 'string' },
    ],
  },
  'partition-spec': [{ name: 'x', transform: 'identity', 'source-id': 1 }],
  properties: { owner: 'somebody' },
  'current-snapshot-id': 8027658604211071520n,
}

const MANIFEST: AvroSchema = {
  type: 'record',
  name: 'manifest_entry',
  fields: [
    { name: 'status', type: 'int', 'field-id': 0 },
    { name: 'snapshot_id', type: 'long', 'field-id': 1 },
    {
      name: 'data_file',
      'field-id': 2,
      type: {
        type: 'record',
        name: 'r2',
        fields: [
          { name: 'file_path', type: 'string', 'field-id': 100 },
          { name: 'file_format', type: 'string', 'field-id': 101 },
          {
            name: 'partition',
            type: { type: 'record', name: 'r102', fields: [{ name: 'x', type: ['null', 'long'], 'field-id': 1000 }] },
            'field-id': 102,
          },
          { name: 'record_count', type: 'long', 'field-id': 103 },
          { name: 'file_size_in_bytes', type: 'long', 'field-id': 104 },
          { name: 'block_size_in_bytes', type: 'long', 'field-id': 105 },
        ],
      },
    },
  ],
}

function entry(status: number, path: string, x: number): AvroValue {
  const file = { file_path: path, file_format: 'parquet', partition: { x }, record_count: 7, file_size_in_bytes: 70 }
  return { status, snapshot_id: 8027658604211071520n, data_file: { ...file, block_size_in_bytes: 1 } }
}

function textOf(document: object): string {
  return JSON.stringify(document, (_, value) => (typeof value === 'bigint' ? `#${value}` : value)).replace(
    /"#(\d+)"/g,
    '$1',
  )
}

describe('a table of version 1', () => {
  it('is read in the form of version 2, its fields numbered, its files without sequence numbers', async () => {
    const folder = await temporaryFolder()
    await mkdir(join(folder, 'metadata'))
    const manifest = join(folder, 'metadata', 'm0.avro')
    const entries = [
      entry(1, 'file:///d/1.parquet', 1),
      entry(0, 'file:///d/2.parquet', 2),
      entry(2, 'file:///d/3.parquet', 3),
    ]
    await writeFile(manifest, encodeAvroFile(MANIFEST, { 'partition-spec-id': '0' }, entries))
    const snapshot = { 'snapshot-id': 8027658604211071520n, 'timestamp-ms': 1602638573590, manifests: [manifest] }
    const metadata = parseTableMetadata(textOf({ ...OLDEST, snapshots: [snapshot] }), 'v1.metadata.json')
    expect(currentSchema(metadata).fields.map(({ name }) => name)).toEqual(['x', 'y', 'z'])
    expect(specById(metadata, 0).fields).toEqual([
      { name: 'x', transform: 'identity', 'source-id': 1, 'field-id': 1000 },
    ])
    expect(metadata).toMatchObject({
      'last-partition-id': 1000,
      'last-sequence-number': 0,
      refs: { main: { 'snapshot-id': 8027658604211071520n, type: 'branch' } },
    })
    const files = await liveFiles(localStorage, 'old.t', metadata, currentSnapshot(metadata))
    expect(
      files.map(({ file, sequenceNumber, deletes }) => [file.path, file.partition.get(1000), sequenceNumber, deletes]),
    ).toEqual([
      ['file:///d/1.parquet', 1n, 0, []],
      ['file:///d/2.parquet', 2n, 0, []],
    ])
  })

  it('is not written: a change would make it a table of version 2', () => {
    const metadata = parseTableMetadata(textOf({ ...OLDEST, 'current-snapshot-id': -1 }), 'v1.metadata.json')
    expect(currentSnapshot(metadata)).toBeUndefined()
    expect(() => formatTableMetadata(metadata)).toThrow(
      expect.objectContaining({ code: 'ESTEIRA_UNSUPPORTED', message: expect.stringContaining('version 1') }),
    )
  })

  it('of PyIceberg is read beside ours, and refused by every change, which leaves no file behind', async () => {
    const { lakehouse, home, rows } = await openTestLakehouse()
    await catalogPython(
      home,
      `
catalog.create_namespace("old")
t = catalog.create_table("old.t", schema=pa.schema([("a", pa.int64()), ("s", pa.string())]), properties={"format-version": "1"})
t.append(pa.table({"a": [1, 2, 3], "s": ["x", "y", None]}))
assert t.metadata.format_version == 1
print(1)
`,
    )
    expect(await rows('SELECT count(*) AS n, sum(a) AS s FROM {old.t}')).toEqual([{ n: 3, s: 6 }])
    expect(await lakehouse.table('old.t')).toMatchObject({ rowCount: 3, fileCount: 1 })
    const before = filesBelow(join(home, 'lakehouse'))
    const refused = { code: 'ESTEIRA_UNSUPPORTED', message: expect.stringContaining('version 1') }
    await expect(lakehouse.append('old.t', 'SELECT 4 AS a', commit())).rejects.toMatchObject(refused)
    await expect(
      lakehouse.replace('old.t', [{ column: 'a', op: '=', value: 1 }], 'SELECT 4 AS a', commit()),
    ).rejects.toMatchObject(refused)
    await expect(lakehouse.delete('old.t', [{ column: 'a', op: '=', value: 1 }], commit())).rejects.toMatchObject(
      refused,
    )
    await expect(lakehouse.tag('old.t', 'first')).rejects.toMatchObject(refused)
    await expect(lakehouse.evolve('old.t', [{ op: 'drop', column: 's' }])).rejects.toMatchObject(refused)
    expect(filesBelow(join(home, 'lakehouse'))).toEqual(before)
    expect(await rows('SELECT count(*) AS n FROM {old.t}')).toEqual([{ n: 3 }])
  })

  it('may call the counts of a manifest list by their old names, or leave them out', () => {
    const field = (name: string, type: AvroSchema, id: number) => ({ name, type, 'field-id': id })
    const optional = (type: AvroSchema): AvroSchema => ['null', type]
    const schema: AvroSchema = {
      type: 'record',
      name: 'manifest_file',
      fields: [
        field('manifest_path', 'string', 500),
        field('manifest_length', 'long', 501),
        field('partition_spec_id', 'int', 502),
        field('added_snapshot_id', optional('long'), 503),
        field('added_data_files_count', optional('int'), 504),
        field('existing_data_files_count', optional('int'), 505),
        field('deleted_data_files_count', optional('int'), 506),
      ],
    }
    const line = { manifest_path: 'm', manifest_length: 5, partition_spec_id: 0, added_snapshot_id: 9 }
    const counts = (added: number | null, existing: number | null, deleted: number | null) => ({
      added_data_files_count: added,
      existing_data_files_count: existing,
      deleted_data_files_count: deleted,
    })
    const bytes = encodeAvroFile(schema, {}, [
      { ...line, ...counts(3, 0, 2) },
      { ...line, ...counts(null, null, null) },
    ])
    const lines = decodeManifestList(bytes, 'list.avro')
    expect(lines[0]).toMatchObject({
      content: 'data',
      sequenceNumber: 0,
      addedFiles: 3,
      existingFiles: 0,
      deletedFiles: 2,
    })
    // Unknown: the manifest must be looked into.
    expect(lines[1]).toMatchObject({ addedFiles: 1, existingFiles: 1 })
  })
})

describe('metadata', () => {
  const TWO = {
    'format-version': 2,
    'table-uuid': '9c12d441-03fe-4693-9a96-a0705ddf69c1',
    location: 'file:///warehouse/t',
    'last-sequence-number': 34,
    'last-updated-ms': 1602638573590,
    'last-column-id': 1,
    'current-schema-id': 1,
    schemas: [
      {
        type: 'struct',
        'schema-id': 1,
        'identifier-field-ids': [1],
        fields: [{ id: 1, name: 'x', required: true, type: 'long', 'some-key': 'kept' }],
      },
    ],
    'default-spec-id': 0,
    'partition-specs': [{ 'spec-id': 0, fields: [] }],
    'last-partition-id': 999,
    'default-sort-order-id': 3,
    'sort-orders': [
      {
        'order-id': 3,
        fields: [{ transform: 'bucket[4]', 'source-id': 1, direction: 'desc', 'null-order': 'nulls-last' }],
      },
    ],
    properties: { 'read.split.target.size': '134217728' },
    'current-snapshot-id': 3055729675574597004n,
    snapshots: [
      {
        'snapshot-id': 3055729675574597004n,
        'timestamp-ms': 1555100955770,
        'sequence-number': 1,
        summary: { operation: 'append' },
        'manifest-list': 's3://a/b/2.avro',
        'schema-id': 1,
        'first-row-id': 9007199254740993n,
      },
    ],
    'snapshot-log': [{ 'snapshot-id': 3055729675574597004n, 'timestamp-ms': 1555100955770 }],
    'metadata-log': [],
    refs: {
      test: { 'snapshot-id': 3055729675574597004n, type: 'tag', 'max-ref-age-ms': 10000000 },
    },
    statistics: [{ 'snapshot-id': 3055729675574597004n, 'statistics-path': 's3://a/b/stats.puffin', extra: [1, null] }],
    'made-by-others': { 'deep-id': 3055729675574597004n },
  }

  it('keeps what we do not know, and ids of 63 bits to the last digit', () => {
    const metadata = parseTableMetadata(textOf(TWO), 'v2.metadata.json')
    const main = { 'snapshot-id': 3055729675574597004n, type: 'branch' }
    const expected = { ...TWO, refs: { ...TWO.refs, main } }
    const again = parseTableMetadata(formatTableMetadata(metadata), 'again.metadata.json')
    expect(again).toEqual(metadata)
    const sorted = (text: string) => JSON.stringify(sortKeys(JSON.parse(text.replace(/\b\d{16,}\b/g, '"$&"'))))
    expect(sorted(formatTableMetadata(metadata))).toBe(sorted(textOf(expected)))
  })

  it('of later versions, of none, and that is broken is refused by name', () => {
    const refusal = (document: object) => {
      try {
        parseTableMetadata(textOf(document), 'x.metadata.json')
        return 'read'
      } catch (error) {
        expect(String(error)).toContain('x.metadata.json')
        return (error as { code: string }).code
      }
    }
    expect(refusal({ ...TWO, 'format-version': 3 })).toBe('ESTEIRA_UNSUPPORTED')
    expect(refusal({ ...TWO, 'format-version': 4 })).toBe('ESTEIRA_UNSUPPORTED')
    expect(refusal({ ...TWO, 'format-version': undefined })).toBe('ESTEIRA_TABLE_CORRUPT')
    expect(refusal({ ...TWO, 'format-version': 0 })).toBe('ESTEIRA_TABLE_CORRUPT')
    expect(refusal({ ...TWO, 'current-schema-id': 7 })).toBe('ESTEIRA_TABLE_CORRUPT')
    expect(refusal({ ...TWO, 'default-spec-id': 7 })).toBe('ESTEIRA_TABLE_CORRUPT')
    expect(refusal({ ...TWO, snapshots: [{}] })).toBe('ESTEIRA_TABLE_CORRUPT')
    expect(refusal({ 'format-version': 1 })).toBe('ESTEIRA_TABLE_CORRUPT')
    expect(refusal(TWO)).toBe('read')
  })
})

function filesBelow(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return entries.flatMap((entry) => (entry.isFile() ? [join(entry.parentPath, entry.name)] : [])).sort()
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]) => [key, sortKeys(each)]),
  )
}
