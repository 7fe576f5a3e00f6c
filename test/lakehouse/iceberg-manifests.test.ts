import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type {
  DataFile,
  ManifestEntry,
  ManifestFile,
  PartitionColumn,
} from '../../packages/lakehouse/src/iceberg/data-file.js'
import { liveFiles } from '../../packages/lakehouse/src/iceberg/live-files.js'
import { decodeManifest, encodeManifest } from '../../packages/lakehouse/src/iceberg/manifest.js'
import { decodeManifestList, encodeManifestList } from '../../packages/lakehouse/src/iceberg/manifest-list.js'
import { newTableMetadata, withSnapshot } from '../../packages/lakehouse/src/iceberg/table-changes.js'
import { currentSnapshot } from '../../packages/lakehouse/src/iceberg/table-metadata.js'
import { localStorage } from '../../packages/lakehouse/src/storage/local-storage.js'
import { runPython } from '../services/python.js'
import { temporaryFolder } from './test-lakehouse.js'

const COLUMNS: readonly PartitionColumn[] = (
  [
    ['int', 'a b'],
    ['long', '1st'],
    ['string', 'é'],
    ['date', 'day'],
    ['time', 'clock'],
    ['timestamp', 'at'],
    ['timestamptz', 'moment'],
    ['decimal(9,2)', 'price'],
    ['decimal(38,10)', 'big'],
    ['uuid', 'key'],
    ['binary', 'raw'],
    ['fixed(3)', 'code'],
    ['boolean', 'flag'],
    ['double', 'score'],
  ] as const
).map(([type, name], index) => ({ fieldId: 1000 + index, name, sourceId: index + 1, transform: 'identity', type }))

const VALUES = [
  -7,
  2n ** 62n,
  'olá 😀',
  -1,
  86_399_999_999n,
  -1n,
  253402300799999999n,
  -1234n,
  -(10n ** 37n),
  'f79c3e09-677c-4bbd-a479-3f349cb785e7',
  '00ff',
  '616263',
  true,
  0.5,
] as const

const bytes = fc.uint8Array({ maxLength: 8 }).map((each) => Buffer.from(each))
const ids = fc.integer({ min: 1, max: 2147483447 })
const counts = fc.array(fc.tuple(ids, fc.nat()), { maxLength: 3 }).map(sortedMap)
const bounds = fc.array(fc.tuple(ids, bytes), { maxLength: 3 }).map(sortedMap)
const count = fc.nat({ max: Number.MAX_SAFE_INTEGER })

function sortedMap<T>(entries: readonly (readonly [number, T])[]): ReadonlyMap<number, T> {
  return new Map([...new Map(entries)].sort(([a], [b]) => a - b))
}

const partition = fc
  .tuple(...VALUES.map((value) => fc.option(fc.constant(value))))
  .map((values) => new Map(values.map((value, index) => [1000 + index, value])))

const file: fc.Arbitrary<DataFile> = fc.record(
  {
    content: fc.constantFrom(0, 1, 2),
    path: fc.string(),
    format: fc.constantFrom('PARQUET', 'ORC'),
    partition,
    recordCount: count,
    sizeBytes: count,
    columnSizes: counts,
    valueCounts: counts,
    nullCounts: counts,
    nanCounts: counts,
    lowerBounds: bounds,
    upperBounds: bounds,
    keyMetadata: bytes,
    splitOffsets: fc.array(fc.nat()),
    sortOrderId: fc.nat(),
    equalityIds: fc.array(ids),
    referencedDataFile: fc.string(),
  },
  { requiredKeys: ['content', 'path', 'format', 'partition', 'recordCount', 'sizeBytes'] },
)

const entry: fc.Arbitrary<ManifestEntry> = fc.record(
  {
    status: fc.constantFrom(0, 1, 2),
    snapshotId: fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }),
    sequenceNumber: count,
    fileSequenceNumber: count,
    file,
  },
  { requiredKeys: ['status', 'file'] },
)

const HEADER = { schemaJson: '{"type":"struct"}', schemaId: 0, specFieldsJson: '[]', specId: 0 }

describe('manifests', () => {
  it('give back every entry, of data and of deletes, partitions of every type included', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 5 }), (entries) => {
        const written = encodeManifest({ ...HEADER, content: 'deletes' }, COLUMNS, entries)
        expect(decodeManifest(written, 'm.avro', COLUMNS)).toEqual(entries)
      }),
      { seed: 2 },
    )
  })

  it('are read by fastavro, with the values of the specification', async () => {
    const data: DataFile = {
      content: 2,
      path: 'file:///d',
      format: 'PARQUET',
      partition: new Map(VALUES.map((value, index) => [1000 + index, value])),
      recordCount: 3,
      sizeBytes: 4,
      equalityIds: [1, 7],
      referencedDataFile: 'file:///e',
      lowerBounds: new Map([[1, Uint8Array.of(1)]]),
    }
    const written = encodeManifest({ ...HEADER, content: 'deletes' }, COLUMNS, [
      { status: 1, snapshotId: 2n ** 63n - 1n, file: data },
    ])
    const told = JSON.parse(
      await runPython(
        `
import base64, fastavro, io, json, sys
reader = fastavro.reader(io.BytesIO(base64.b64decode(sys.stdin.read())))
[record] = list(reader)
file = record["data_file"]
show = lambda v: v.hex() if isinstance(v, bytes) else v if isinstance(v, (bool, int, float, str)) else str(v)
print(json.dumps({"content": reader.metadata["content"], "id": str(record["snapshot_id"]), "partition": {k: show(v) for k, v in file["partition"].items()},
  "rest": [file["content"], file["equality_ids"], file["referenced_data_file"], [[e["key"], e["value"].hex()] for e in file["lower_bounds"]], file["upper_bounds"]]}))
`,
        [],
        { input: Buffer.from(written).toString('base64') },
      ),
    )
    expect(told).toEqual({
      content: 'deletes',
      id: '9223372036854775807',
      partition: {
        a_x20b: -7,
        _1st: 2 ** 62,
        _xE9: 'olá 😀',
        day: '1969-12-31',
        clock: '23:59:59.999999',
        at: '1969-12-31 23:59:59.999999+00:00',
        moment: '9999-12-31 23:59:59.999999+00:00',
        price: '-12.34',
        big: '-1000000000000000000000000000.0000000000',
        key: expect.stringMatching(/^f79c3e09-?677c-?4bbd-?a479-?3f349cb785e7$/),
        raw: '00ff',
        code: '616263',
        flag: true,
        score: 0.5,
      },
      rest: [2, [1, 7], 'file:///e', [[1, '01']], null],
    })
  })

  it('with an entry that is none are refused, never read by half', () => {
    const good: ManifestEntry = {
      status: 1,
      file: { content: 0, path: 'p', format: 'PARQUET', partition: new Map(), recordCount: 1, sizeBytes: 1 },
    }
    for (const wrong of [
      { ...good, status: 7 },
      { ...good, file: { ...good.file, content: 5 } },
    ]) {
      const written = encodeManifest({ ...HEADER, content: 'data' }, [], [good, wrong as ManifestEntry])
      expect(() => decodeManifest(written, 'm.avro', [])).toThrow(
        expect.objectContaining({ code: 'ESTEIRA_TABLE_CORRUPT', message: expect.stringContaining('m.avro') }),
      )
    }
  })

  it('of encrypted files, deletion vectors and other formats are refused by name', async () => {
    const folder = await temporaryFolder()
    await mkdir(join(folder, 'metadata'))
    const refusal = async (change: Partial<DataFile>, content: ManifestFile['content'] = 'data') => {
      const data = {
        content: 0,
        path: 'file:///d',
        format: 'PARQUET',
        partition: new Map(),
        recordCount: 1,
        sizeBytes: 1,
      } as const
      const manifest = encodeManifest({ ...HEADER, content }, [], [{ status: 1, file: { ...data, ...change } }])
      const path = join(folder, 'metadata', `${content}${Object.keys(change).join('')}.avro`)
      await writeFile(path, manifest)
      const line: ManifestFile = {
        path,
        sizeBytes: manifest.length,
        specId: 0,
        content,
        sequenceNumber: 1,
        minSequenceNumber: 1,
        addedSnapshotId: 5n,
        addedFiles: 1,
        existingFiles: 0,
        deletedFiles: 0,
        addedRows: 1,
        existingRows: 0,
        deletedRows: 0,
      }
      const list = `${path}.list`
      await writeFile(list, encodeManifestList({ snapshotId: 5n, sequenceNumber: 1 }, [line]))
      const empty = newTableMetadata({
        uuid: 'u',
        location: folder,
        columns: [{ name: 'a', type: 'int' }],
        partitionBy: [],
        properties: {},
        nowMs: 0,
      })
      const snapshot = {
        'snapshot-id': 5n,
        'sequence-number': 1,
        'timestamp-ms': 1,
        'manifest-list': list,
        summary: {},
      }
      const metadata = withSnapshot(empty, snapshot)
      const failed = await liveFiles(localStorage, 'silver.t', metadata, currentSnapshot(metadata)).catch(
        (error) => error,
      )
      expect(failed).toMatchObject({ code: 'ESTEIRA_UNSUPPORTED' })
      return String(failed.message)
    }
    expect(await refusal({ keyMetadata: Uint8Array.of(1) })).toContain('encrypted')
    expect(await refusal({ format: 'ORC' })).toContain('ORC')
    expect(await refusal({ format: 'AVRO', content: 1 }, 'deletes')).toContain('AVRO')
    expect(await refusal({ format: 'PUFFIN', content: 1 }, 'deletes')).toContain('deletion vectors')
  })
})

describe('manifest lists', () => {
  it('give back every line', () => {
    const summary = fc.record(
      { containsNull: fc.boolean(), containsNan: fc.boolean(), lower: bytes, upper: bytes },
      { requiredKeys: ['containsNull'] },
    )
    const line: fc.Arbitrary<ManifestFile> = fc.record(
      {
        path: fc.string(),
        sizeBytes: count,
        specId: fc.nat(),
        content: fc.constantFrom('data', 'deletes'),
        sequenceNumber: count,
        minSequenceNumber: count,
        addedSnapshotId: fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }),
        addedFiles: fc.nat(),
        existingFiles: fc.nat(),
        deletedFiles: fc.nat(),
        addedRows: count,
        existingRows: count,
        deletedRows: count,
        partitions: fc.array(summary, { maxLength: 3 }),
        keyMetadata: bytes,
      },
      {
        noNullPrototype: true,
        requiredKeys: [
          'path',
          'sizeBytes',
          'specId',
          'content',
          'sequenceNumber',
          'minSequenceNumber',
          'addedSnapshotId',
          'addedFiles',
          'existingFiles',
          'deletedFiles',
          'addedRows',
          'existingRows',
          'deletedRows',
        ],
      },
    )
    fc.assert(
      fc.property(fc.array(line, { maxLength: 5 }), (lines) => {
        const written = encodeManifestList({ snapshotId: 1n, sequenceNumber: 1 }, lines)
        expect(decodeManifestList(written, 'l.avro')).toEqual(lines)
      }),
      { seed: 2 },
    )
  })
})
