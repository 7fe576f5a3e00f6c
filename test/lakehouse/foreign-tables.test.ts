import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { EsteiraError } from '@esteira/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeAvroFile } from '../../packages/lakehouse/src/iceberg/avro-file.js'
import { runPython } from '../services/python.js'
import { canonicalRows, FIXTURES, foreignTables, sliceOf, sqlOf, unpackForeignTables } from './foreign-tables.js'
import { commit, openTestLakehouse } from './test-lakehouse.js'

const REFUSED = ['spark-avro-data', 'spark-orc', 'spark-v3']
const tables = foreignTables()
const readable = tables.filter(({ name }) => !REFUSED.includes(name))

let place = ''
let metadata: Readonly<Record<string, string>> = {}

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'esteira-foreign-'))
  metadata = await unpackForeignTables(
    place,
    tables.map(({ name }) => name),
  )
})

afterAll(() => rm(place, { recursive: true, force: true }))

/** Marks the data files of an unpacked table as encrypted; the manifest list tells the new length of the manifest. */
const ENCRYPT = `
import fastavro, json, pathlib, sys
def rewrite(path, change):
    with open(path, "rb") as file:
        reader = fastavro.reader(file)
        metadata, records = reader.metadata, list(reader)
    for record in records: change(record)
    with open(path, "wb") as file:
        kept = {k: v for k, v in metadata.items() if not k.startswith("avro.")}
        fastavro.writer(file, json.loads(metadata["avro.schema"]), records, codec="deflate", metadata=kept)
folder = pathlib.Path(sys.argv[1])
manifest, = folder.glob("*-m0.avro")
rewrite(manifest, lambda entry: entry["data_file"].update(key_metadata=b"key"))
for path in folder.glob("snap-*.avro"): rewrite(path, lambda entry: entry.update(manifest_length=manifest.stat().st_size))
`

/** What fastavro reads of an Avro file: every record, bytes as hexadecimal digits, long numbers as text. */
const FASTAVRO = `
import datetime, decimal, fastavro, json, sys, tarfile, uuid
sys.path.insert(0, sys.argv[1])
import snappy_blocks
snappy_blocks.teach_fastavro()
for name in ("date", "decimal", "uuid", "timestamp-micros"):
    for key in [k for k in fastavro.read.LOGICAL_READERS if k.endswith("-" + name)]: del fastavro.read.LOGICAL_READERS[key]
def plain(v):
    if isinstance(v, bytes): return v.hex()
    if isinstance(v, dict): return {k: plain(x) for k, x in v.items()}
    if isinstance(v, list): return [plain(x) for x in v]
    return v if not isinstance(v, int) or isinstance(v, bool) or abs(v) < 2**53 else str(v)
files = []
for name in sys.argv[3:]:
    with tarfile.open(f"{sys.argv[1]}/{name}.tar.gz") as archive:
        for member in archive.getmembers():
            if member.name.endswith(".avro") and "/metadata/" in member.name:
                archive.extract(member, sys.argv[2], filter="data")
                with open(f"{sys.argv[2]}/{member.name}", "rb") as file:
                    reader = fastavro.reader(file)
                    files.append({"path": f"{sys.argv[2]}/{member.name}", "codec": reader.codec, "records": [plain(r) for r in reader]})
print(json.dumps(files))
`

function plainAvro(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (Array.isArray(value)) return value.map(plainAvro)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, plainAvro(part)]))
}

it('decodes their Avro files, as they were written, to what fastavro reads', async () => {
  const args = [FIXTURES, join(place, 'untouched'), ...tables.map(({ name }) => name)]
  const files = JSON.parse(await runPython(FASTAVRO, args)) as { path: string; codec: string; records: unknown[] }[]
  expect(files.length).toBeGreaterThan(100)
  expect([...new Set(files.map(({ codec }) => codec))].sort()).toEqual(['deflate', 'null', 'snappy'])
  for (const { path, records } of files) {
    expect(decodeAvroFile(await readFile(path), path).records.map(plainAvro)).toEqual(records)
  }
})

describe('refused are', () => {
  const refusal = async (location: string, read: boolean) => {
    const { lakehouse } = await openTestLakehouse()
    const work = async () => {
      await lakehouse.register('foreign.t', location)
      if (read) await lakehouse.relation('foreign.t')
    }
    return work().then(
      () => 'not refused',
      (error: unknown) => (error instanceof EsteiraError ? `${error.code} ${error.message}` : String(error)),
    )
  }

  it('tables of format version 3, with the version', async () => {
    expect(await refusal(metadata['spark-v3'] ?? '', false)).toMatch(/^ESTEIRA_UNSUPPORTED .*version 3/)
  })

  it('data files that are no Parquet, with the format and the file', async () => {
    expect(await refusal(metadata['spark-orc'] ?? '', true)).toMatch(/^ESTEIRA_UNSUPPORTED .*ORC .*\.orc/)
    expect(await refusal(metadata['spark-avro-data'] ?? '', true)).toMatch(/^ESTEIRA_UNSUPPORTED .*AVRO .*\.avro/)
  })

  it('encrypted files', async () => {
    const unpacked = await unpackForeignTables(join(place, 'encrypted'), ['spark-types'])
    await runPython(ENCRYPT, [dirname(unpacked['spark-types'] ?? '')])
    expect(await refusal(unpacked['spark-types'] ?? '', true)).toMatch(/^ESTEIRA_UNSUPPORTED .*encrypted/)
  })
})

describe('references', () => {
  it.each(['spark-refs', 'pyiceberg-changes'])('of %s are those that its writer made', async (name) => {
    const { lakehouse, rows } = await openTestLakehouse()
    await lakehouse.register('foreign.t', metadata[name] ?? '')
    const refs = await lakehouse.refs('foreign.t')
    const expected = tables.find((table) => table.name === name)
    expect(Object.fromEntries(refs.map((ref) => [ref.name, ref.snapshotId]))).toEqual(expected?.refs)
    for (const [ref, count] of Object.entries(expected?.refRows ?? {})) {
      const relation = await lakehouse.relation('foreign.t', { ref })
      expect({ ref, rows: await rows(`SELECT count(*)::INTEGER AS n FROM ${relation}`) }).toEqual({
        ref,
        rows: [{ n: count }],
      })
    }
  })
})

describe('adopted tables', () => {
  it.each([
    'spark-merge-on-read-file',
    'spark-upgraded',
    'trino-merge',
    'equality-deletes',
    'spark-evolved-partitions',
  ])(
    'such as %s are written on: the deletes of others stay applied, and compaction puts an end to them',
    async (name) => {
      const { lakehouse, rows } = await openTestLakehouse()
      const [unpacked] = Object.values(await unpackForeignTables(join(place, `adopted-${name}`), [name]))
      await lakehouse.register('foreign.t', unpacked ?? '', { adopt: true })
      const before = tables.find((table) => table.name === name)?.rows.length ?? 0
      const ids = async () => (await rows('SELECT id::INTEGER AS id FROM {foreign.t} ORDER BY id')).map(({ id }) => id)
      const first = await ids()
      expect(first).toHaveLength(before)
      await lakehouse.append('foreign.t', 'SELECT 7000 AS id', commit())
      const removed = await lakehouse.delete('foreign.t', [{ column: 'id', op: '<', value: 8 }], commit())
      const kept = first.filter((id) => Number(id) >= 8)
      expect(removed.rowsRemoved).toBe(first.length - kept.length)
      expect(await ids()).toEqual([...kept, 7000])
      await lakehouse.compact('foreign.t', {}, commit())
      expect(await ids()).toEqual([...kept, 7000])
      expect(
        await rows(
          `SELECT count(*)::INTEGER AS n FROM ${await lakehouse.relation('foreign.t$files')} WHERE content > 0`,
        ),
      ).toEqual([{ n: 0 }])
    },
  )
})

describe.each(readable)('$name, written by $engine', (table) => {
  const open = async () => {
    const test = await openTestLakehouse()
    await test.lakehouse.register('foreign.t', metadata[table.name] ?? '')
    return test
  }

  it('has the rows that its writer reads', async () => {
    const { lakehouse, home } = await open()
    await lakehouse.writeParquet('all.parquet', `SELECT * FROM ${await lakehouse.relation('foreign.t')}`)
    expect(await canonicalRows(join(home, 'objects', 'all.parquet'))).toEqual(table.rows)
  })

  it('has as many rows as its writer counts, in every version and under every filter', async () => {
    const { lakehouse, rows } = await open()
    const count = async (relation: string, condition = 'true') =>
      (await rows(`SELECT count(*)::INTEGER AS n FROM ${relation} WHERE ${condition}`))[0]?.['n']
    const versions = Object.entries(table.versions).map(async ([snapshotId, rows]) => ({
      snapshotId,
      expected: rows,
      found: await count(await lakehouse.relation('foreign.t', { snapshotId })),
    }))
    for (const { snapshotId, found, expected } of await Promise.all(versions)) {
      expect({ snapshotId, rows: found }).toEqual({ snapshotId, rows: expected })
    }
    for (const filter of table.filters) {
      const where = sliceOf(filter)
      expect({ where, rows: await count(await lakehouse.relation('foreign.t', {}, where), sqlOf(filter)) }).toEqual({
        where,
        rows: filter.rows,
      })
      let scanned = 0
      for await (const frame of lakehouse.scan('foreign.t', { where })) scanned += frame.rowCount
      expect({ where, scanned }).toEqual({ where, scanned: filter.rows })
    }
  })
})
