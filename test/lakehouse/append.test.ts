import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runPython } from '../services/python.js'
import { commit, openTestLakehouse, type TestLakehouse } from './test-lakehouse.js'

function filesOf({ home }: TestLakehouse, pattern: RegExp): string[] {
  const folder = join(home, 'lakehouse', 's', 't')
  return readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => pattern.test(name))
    .map((name) => join(folder, name))
}

const METADATA = /\.metadata\.json$/

describe('metadata files', () => {
  it('are kept as many as the log names; older ones go with the next commit', async () => {
    const test = await openTestLakehouse()
    const properties = { 'write.metadata.previous-versions-max': '3' }
    await test.lakehouse.ensureTable('s.t', { columns: [{ name: 'n', type: 'int' }], properties })
    for (let n = 0; n < 8; n++) await test.lakehouse.append('s.t', `SELECT ${n} AS n`, commit())
    expect(filesOf(test, METADATA)).toHaveLength(4)
    await test.lakehouse.evolve('s.t', [
      { op: 'set', properties: { 'write.metadata.delete-after-commit.enabled': 'false' } },
    ])
    for (let n = 0; n < 3; n++) await test.lakehouse.append('s.t', `SELECT ${n} AS n`, commit())
    expect(filesOf(test, METADATA)).toHaveLength(8)
    const told = await runPython(
      `
import json, sys
from pyiceberg.catalog.sql import SqlCatalog
t = SqlCatalog("esteira", uri="sqlite:///" + sys.argv[1] + "/catalog.db").load_table("s.t")
print(json.dumps([len(t.metadata.metadata_log), t.scan().to_arrow().num_rows, len(t.history())]))
`,
      [test.home],
    )
    expect(JSON.parse(told)).toEqual([3, 11, 11])
  })

  it('are 101 at most when the table says nothing', async () => {
    const test = await openTestLakehouse()
    await test.lakehouse.ensureTable('s.t', { columns: [{ name: 'n', type: 'int' }] })
    for (let n = 0; n < 110; n++) await test.lakehouse.evolve('s.t', [{ op: 'set', properties: { round: String(n) } }])
    expect(filesOf(test, METADATA)).toHaveLength(101)
  })

  it('that another process writes are seen at once, whatever was read before', async () => {
    const first = await openTestLakehouse()
    const second = await openTestLakehouse({ home: first.home })
    await first.lakehouse.ensureTable('s.t', { columns: [{ name: 'n', type: 'int' }] })
    for (let n = 0; n < 5; n++) {
      await first.lakehouse.append('s.t', `SELECT ${n} AS n`, commit(`first-${n}`))
      await second.lakehouse.append('s.t', `SELECT ${n} AS n`, commit(`second-${n}`))
      expect(await first.lakehouse.table('s.t')).toEqual(await second.lakehouse.table('s.t'))
      expect(await first.lakehouse.snapshots('s.t')).toEqual(await second.lakehouse.snapshots('s.t'))
    }
    const fresh = await openTestLakehouse({ home: first.home })
    expect(await fresh.lakehouse.snapshots('s.t')).toEqual(await first.lakehouse.snapshots('s.t'))
    expect(await fresh.lakehouse.table('s.t')).toMatchObject({ rowCount: 10 })
  })
})

describe('data files', () => {
  it('are packed as the table says', async () => {
    const test = await openTestLakehouse()
    await test.lakehouse.ensureTable('s.t', { columns: [{ name: 'n', type: 'int' }] })
    const codecs: unknown[] = []
    for (const codec of ['', 'SNAPPY', 'gzip', 'uncompressed', 'unheard-of']) {
      if (codec !== '')
        await test.lakehouse.evolve('s.t', [{ op: 'set', properties: { 'write.parquet.compression-codec': codec } }])
      const before = new Set(filesOf(test, /\.parquet$/))
      await test.lakehouse.append('s.t', 'SELECT range::INTEGER % 10 AS n FROM range(1000)', commit())
      const [file] = filesOf(test, /\.parquet$/).filter((path) => !before.has(path))
      const [row] = await test.engine.readRows(
        `SELECT any_value(compression) AS codec FROM parquet_metadata('${file}')`,
      )
      codecs.push(row?.['codec'])
    }
    expect(codecs).toEqual(['ZSTD', 'SNAPPY', 'GZIP', 'UNCOMPRESSED', 'ZSTD'])
  })
})
