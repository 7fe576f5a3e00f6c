import { cp, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { toRows } from '@esteira/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runPython } from '../services/python.js'
import { commit, openTestLakehouse, type TestLakehouse, temporaryFolder } from './test-lakehouse.js'

interface ForeignTable {
  readonly folder: string
  /** Path of its current metadata file. */
  readonly metadata: string
}

/** Tables that PyIceberg wrote into a catalog of its own; a test takes one and may spoil it. */
const untouched: Record<'1' | '2', ForeignTable[]> = { 1: [], 2: [] }
let home = ''

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'esteira-foreign-'))
  const made = JSON.parse(await runPython(WRITE, [home, '2', '16'])) as Record<'1' | '2', string[]>
  for (const version of ['1', '2'] as const) {
    untouched[version] = made[version].map((uri) => {
      const metadata = uri.replace('file://', '')
      return { metadata, folder: dirname(dirname(metadata)) }
    })
  }
})
afterAll(() => rm(home, { recursive: true, force: true }))

function foreignTable(version: 1 | 2 = 2): ForeignTable {
  const table = untouched[version].pop()
  if (table === undefined) throw new Error('too few tables were made for the tests')
  return table
}

const sum = async ({ lakehouse, engine }: TestLakehouse, name: string) =>
  toRows(await engine.query(`SELECT count(*) AS n, sum(id) AS ids FROM ${await lakehouse.relation(name)}`))[0]

describe('a table of others', () => {
  it.each([1, 2] as const)('of format version %i is read by its folder or its metadata file', async (version) => {
    const { folder, metadata } = foreignTable(version)
    const test = await openTestLakehouse()
    const state = await test.lakehouse.register('lake.orders', folder)
    expect(state).toMatchObject({ name: 'lake.orders', rowCount: 5, readOnly: true })
    expect(await sum(test, 'lake.orders')).toEqual({ n: 5, ids: 15 })
    await test.lakehouse.register('lake.by_file', metadata)
    await test.lakehouse.register('lake.by_uri', `file://${folder}/metadata`)
    expect(await sum(test, 'lake.by_file')).toEqual({ n: 5, ids: 15 })
    expect(await test.lakehouse.tableNames()).toEqual(['lake.by_file', 'lake.by_uri', 'lake.orders'])
  })

  it('is only read: every write is refused, and says what to do', async () => {
    const { folder } = foreignTable()
    const test = await openTestLakehouse()
    const { lakehouse } = test
    await lakehouse.register('lake.orders', folder)
    const before = (await readdir(folder, { recursive: true })).sort()
    const slice = [{ column: 'id', op: '=', value: 1 }] as const
    const [snapshot] = await lakehouse.snapshots('lake.orders')
    const refused = { code: 'ESTEIRA_ACCESS_DENIED', hint: expect.stringContaining('--adopt') }
    const writes = [
      lakehouse.append('lake.orders', 'SELECT 1 AS id', commit()),
      lakehouse.replace('lake.orders', slice, 'SELECT 1 AS id', commit()),
      lakehouse.upsert('lake.orders', ['id'], 'SELECT 1 AS id', commit()),
      lakehouse.delete('lake.orders', slice, commit()),
      lakehouse.evolve('lake.orders', [{ op: 'drop', column: 'id' }]),
      lakehouse.rollback('lake.orders', snapshot?.snapshotId ?? '', commit()),
      lakehouse.tag('lake.orders', 't'),
      lakehouse.branch('lake.orders', 'b'),
      lakehouse.dropRef('lake.orders', 'main'),
      lakehouse.expire('lake.orders', { keepLast: 1 }),
      lakehouse.compact('lake.orders', {}, commit()),
      lakehouse.removeOrphans('lake.orders', { dryRun: false }),
      lakehouse.relocate('lake.orders', join(test.home, 'elsewhere')),
      lakehouse.ensureTable('lake.orders', { columns: [{ name: 'more', type: 'long' }] }),
    ]
    for (const write of await Promise.allSettled(writes)) {
      expect(write).toMatchObject({ status: 'rejected', reason: refused })
    }
    expect((await readdir(folder, { recursive: true })).sort()).toEqual(before)
    expect(await sum(test, 'lake.orders')).toEqual({ n: 5, ids: 15 })
  })

  it('is written once it is adopted, and PyIceberg reads on', async () => {
    const { folder } = foreignTable()
    const test = await openTestLakehouse()
    const { lakehouse, home } = test
    await lakehouse.register('lake.orders', folder)
    expect(await lakehouse.register('lake.orders', folder, { adopt: true })).not.toHaveProperty('readOnly')
    await lakehouse.append('lake.orders', "SELECT 100 AS id, 'new' AS name", commit())
    expect(await sum(test, 'lake.orders')).toEqual({ n: 6, ids: 115 })
    const theirs = await runPython(READ, [`sqlite:///${home}/catalog.db`, 'lake.orders'])
    expect(JSON.parse(theirs)).toEqual({ tables: 1, rows: 6, ids: 115 })
    // Registering the state from before would undo the commit.
    const undo = lakehouse.register('lake.orders', (await newestBefore(folder)) ?? '')
    await expect(undo).rejects.toMatchObject({ code: 'ESTEIRA_USAGE', hint: expect.stringContaining('rollback') })
  })

  it('changes nothing when it is registered again, and moves to newer metadata of the same table', async () => {
    const { folder } = foreignTable()
    const test = await openTestLakehouse()
    const [first] = (await readdir(join(folder, 'metadata'))).filter((name) => /^00001-.*json$/.test(name))
    await test.lakehouse.register('lake.orders', join(folder, 'metadata', first ?? ''))
    expect(await sum(test, 'lake.orders')).toEqual({ n: 3, ids: 6 })
    await test.lakehouse.register('lake.orders', folder)
    expect(await test.lakehouse.register('lake.orders', folder)).toMatchObject({ readOnly: true })
    expect(await sum(test, 'lake.orders')).toEqual({ n: 5, ids: 15 })
  })

  it('of format version 1 is not adopted, because a write would make it another version', async () => {
    const { folder } = foreignTable(1)
    const { lakehouse } = await openTestLakehouse()
    const adoption = lakehouse.register('lake.orders', folder, { adopt: true })
    await expect(adoption).rejects.toMatchObject({
      code: 'ESTEIRA_UNSUPPORTED',
      hint: expect.stringContaining('--adopt'),
    })
    expect(await lakehouse.tableNames()).toEqual([])
  })

  it('keeps its name to itself', async () => {
    const [one, two] = [foreignTable(), foreignTable()]
    const { lakehouse } = await openTestLakehouse()
    await lakehouse.register('lake.orders', one.folder)
    const taken = { code: 'ESTEIRA_USAGE', message: expect.stringContaining(one.folder) }
    await expect(lakehouse.register('lake.orders', two.folder)).rejects.toMatchObject(taken)
    await expect(lakehouse.register('orders', two.folder)).rejects.toMatchObject({ code: 'ESTEIRA_USAGE' })
  })

  it('lies in a chain of versions, where the hint may be behind', async () => {
    const { folder, metadata } = foreignTable()
    const chain = join(folder, 'metadata')
    const states = (await readdir(chain)).filter((name) => name.endsWith('.metadata.json')).sort()
    for (const [index, name] of states.entries())
      await rename(join(chain, name), join(chain, `v${index + 8}.metadata.json`))
    expect(states.length).toBeGreaterThan(2)
    await writeFile(join(chain, 'version-hint.text'), '8')
    const test = await openTestLakehouse()
    await test.lakehouse.register('lake.orders', folder)
    expect(await sum(test, 'lake.orders')).toEqual({ n: 5, ids: 15 })
    expect(metadata).toContain(chain)
  })

  it.each(['orders.gz.metadata.json', '00009-x.metadata.json.gz'])('may have packed metadata: %s', async (name) => {
    const { gzipSync } = await import('node:zlib')
    const { folder, metadata } = foreignTable()
    const packed = join(folder, 'metadata', name)
    await writeFile(packed, gzipSync(await readFile(metadata)))
    const test = await openTestLakehouse()
    await test.lakehouse.register('lake.orders', packed)
    expect(await sum(test, 'lake.orders')).toEqual({ n: 5, ids: 15 })
  })
})

describe('a table that cannot be read', () => {
  const registerWith = async (change: (document: Record<string, unknown>) => void) => {
    const { metadata } = foreignTable()
    const document = JSON.parse(await readFile(metadata, 'utf8')) as Record<string, unknown>
    change(document)
    await writeFile(metadata, JSON.stringify(document))
    const { lakehouse } = await openTestLakehouse()
    return { lakehouse, refusal: lakehouse.register('lake.orders', metadata) }
  }

  it('is refused for format version 3', async () => {
    const { refusal } = await registerWith((document) => {
      document['format-version'] = 3
    })
    await expect(refusal).rejects.toMatchObject({
      code: 'ESTEIRA_UNSUPPORTED',
      message: expect.stringContaining('version 3'),
    })
  })

  it('is refused when it is encrypted, and not listed', async () => {
    const { lakehouse, refusal } = await registerWith((document) => {
      document['properties'] = { 'encryption.key-id': 'k1' }
    })
    await expect(refusal).rejects.toMatchObject({
      code: 'ESTEIRA_UNSUPPORTED',
      message: expect.stringContaining('encrypted'),
    })
    expect(await lakehouse.tableNames()).toEqual([])
  })

  it('is refused when it is not there, is no table, or lies on another machine', async () => {
    const { lakehouse } = await openTestLakehouse()
    const folder = await temporaryFolder()
    const missing = { code: 'ESTEIRA_SOURCE_MISSING' }
    await expect(lakehouse.register('lake.t', join(folder, 'nothing'))).rejects.toMatchObject(missing)
    await expect(lakehouse.register('lake.t', folder)).rejects.toMatchObject(missing)
    await expect(lakehouse.register('lake.t', 's3://bucket/t')).rejects.toMatchObject({ code: 'ESTEIRA_UNSUPPORTED' })
    await writeFile(join(folder, 'v1.metadata.json'), '{"not":"a table"}')
    await expect(lakehouse.register('lake.t', folder)).rejects.toMatchObject({ code: 'ESTEIRA_TABLE_CORRUPT' })
  })

  it('is refused when it was moved away from where its files say they are', async () => {
    const { folder } = foreignTable()
    const moved = join(await temporaryFolder(), 'moved')
    await cp(folder, moved, { recursive: true })
    await rm(folder, { recursive: true })
    const { lakehouse } = await openTestLakehouse()
    const lost = { code: 'ESTEIRA_TABLE_CORRUPT', hint: expect.stringContaining(folder) }
    await expect(lakehouse.register('lake.t', moved)).rejects.toMatchObject(lost)
  })

  it('is refused when one data file is missing', async () => {
    const { folder } = foreignTable()
    const [file] = (await readdir(join(folder, 'data'), { recursive: true })).filter((name) =>
      name.endsWith('.parquet'),
    )
    await rm(join(folder, 'data', file ?? ''))
    const { lakehouse } = await openTestLakehouse()
    await expect(lakehouse.register('lake.t', folder)).rejects.toMatchObject({ code: 'ESTEIRA_TABLE_CORRUPT' })
  })
})

async function newestBefore(folder: string): Promise<string | undefined> {
  const names = (await readdir(join(folder, 'metadata'))).filter((name) => name.endsWith('.metadata.json')).sort()
  const name = names.at(-2)
  return name === undefined ? undefined : join(folder, 'metadata', name)
}

const WRITE = `
import json, os, sys
import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
home, *counts = sys.argv[1:]
os.makedirs(home + "/warehouse")
catalog = SqlCatalog("own", uri="sqlite:///" + home + "/own.db", warehouse="file://" + home + "/warehouse")
catalog.create_namespace("sales")
rows = lambda ids: pa.table({"id": pa.array(ids, pa.int64()), "name": [f"n{i}" for i in ids]})
made = {"1": [], "2": []}
for version, count in zip(["1", "2"], counts):
    for number in range(int(count)):
        name = f"orders_{version}_{number}"
        place = "file://" + home + "/warehouse/sales/" + name
        table = catalog.create_table("sales." + name, rows([1]).schema, location=place, properties={"format-version": version})
        table.append(rows([1, 2, 3]))
        table.append(rows([4, 5]))
        made[version].append(table.metadata_location)
print(json.dumps(made))
`

const READ = `
import json, sys
from pyiceberg.catalog.sql import SqlCatalog
catalog = SqlCatalog("esteira", uri=sys.argv[1])
rows = catalog.load_table(sys.argv[2]).scan().to_arrow()
print(json.dumps({"tables": len(catalog.list_tables("lake")), "rows": rows.num_rows, "ids": sum(rows.column("id").to_pylist())}))
`
