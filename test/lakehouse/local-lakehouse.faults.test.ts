import { watch } from 'node:fs'
import { mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import Libsql from 'libsql'
import { describe, expect, it } from 'vitest'
import { decodeManifestList, encodeManifestList } from '../../packages/lakehouse/src/iceberg/manifest-list.js'
import { commit, openTestLakehouse, type TestLakehouse, temporaryFolder } from './test-lakehouse.js'
import { startWriter } from './writer-process.js'

const COLUMNS = [
  { name: 'writer', type: 'string' },
  { name: 'n', type: 'int' },
  { name: 'id', type: 'long' },
  { name: 'filler', type: 'string' },
] as const

interface Written extends TestLakehouse {
  readonly folder: string
  /** Path of the first file of the table whose name matches. */
  readonly find: (pattern: RegExp) => Promise<string>
}

/** A table of three rows in one commit. */
async function openWritten(): Promise<Written> {
  const test = await openTestLakehouse()
  await test.lakehouse.ensureTable('bronze.t', { columns: COLUMNS })
  await test.lakehouse.append(
    'bronze.t',
    "SELECT 'first' AS writer, 0 AS n, range AS id FROM range(3)",
    commit('first'),
  )
  const folder = join(test.home, 'lakehouse', 'bronze', 't')
  const find = async (pattern: RegExp) => {
    const names = (await readdir(folder, { recursive: true })).map(String).sort()
    return join(folder, names.findLast((name) => pattern.test(name)) ?? 'nothing')
  }
  return { ...test, folder, find }
}

const METADATA = /00001-.*\.metadata\.json$/
const LIST = /snap-.*\.avro$/
const MANIFEST = /-m0\.avro$/
const DATA = /\.parquet$/

describe('a file of a table that is gone or broken', () => {
  it.each([
    ['metadata file', METADATA],
    ['manifest list', LIST],
    ['manifest', MANIFEST],
    ['data file', DATA],
  ])('is named when it is gone: %s', async (_what, pattern) => {
    const { lakehouse, find } = await openWritten()
    const path = await find(pattern)
    await rm(path)
    const failure = { code: 'ESTEIRA_TABLE_CORRUPT', exitCode: 70, message: expect.stringContaining(path) }
    await expect(lakehouse.relation('bronze.t')).rejects.toMatchObject(failure)
    await expect(
      lakehouse.replace('bronze.t', [{ column: 'id', op: '=', value: 1 }], 'SELECT 1 AS id', commit()),
    ).rejects.toMatchObject(failure)
  })

  it.each([
    ['metadata file', METADATA],
    ['manifest list', LIST],
    ['manifest', MANIFEST],
    ['data file', DATA],
  ])('is named when it is cut: %s', async (_what, pattern) => {
    const { lakehouse, find } = await openWritten()
    const path = await find(pattern)
    await truncate(path, 100)
    await expect(lakehouse.relation('bronze.t')).rejects.toMatchObject({
      code: 'ESTEIRA_TABLE_CORRUPT',
      message: expect.stringContaining(path),
    })
  })

  it('is refused for what its metadata says and we do not do', async () => {
    const { lakehouse, find } = await openWritten()
    const path = await find(METADATA)
    const text = await readFile(path, 'utf8')
    const refused = async (change: (text: string) => string, code: string, word: string) => {
      await writeFile(path, change(text))
      const failure = { code, message: expect.stringContaining(word) }
      await expect(lakehouse.relation('bronze.t')).rejects.toMatchObject(failure)
      await expect(lakehouse.append('bronze.t', 'SELECT 1 AS id', commit())).rejects.toMatchObject(failure)
    }
    await refused(
      (json) => json.replace('"format-version":2', '"format-version":1'),
      'ESTEIRA_UNSUPPORTED',
      'version 1',
    )
    await refused(
      (json) => json.replace('"format-version":2', '"format-version":3'),
      'ESTEIRA_UNSUPPORTED',
      'version 3',
    )
    await refused((json) => json.replace('"type":"long"', '"type":"uuid"'), 'ESTEIRA_UNSUPPORTED', 'uuid')
    await refused(
      (json) => json.replace('"current-schema-id":0', '"current-schema-id":7'),
      'ESTEIRA_TABLE_CORRUPT',
      'schema 7',
    )
    await refused((json) => json.replace('"schemas"', '"shemas"'), 'ESTEIRA_TABLE_CORRUPT', 'schemas')
    await refused(() => 'no JSON', 'ESTEIRA_TABLE_CORRUPT', 'not JSON')
    await writeFile(path, text)
    expect(await lakehouse.append('bronze.t', 'SELECT 1 AS id', commit())).toMatchObject({ committed: true })
  })

  it('is refused when it holds deletes that we do not apply', async () => {
    const { lakehouse, find } = await openWritten()
    const path = await find(LIST)
    const [manifest] = decodeManifestList(await readFile(path), path)
    if (manifest === undefined) throw new Error('the list is empty')
    const header = { snapshotId: 1n, sequenceNumber: 1 }
    await writeFile(path, encodeManifestList(header, [manifest, { ...manifest, content: 'deletes' }]))
    const failure = { code: 'ESTEIRA_UNSUPPORTED', message: expect.stringContaining('delete') }
    await expect(lakehouse.relation('bronze.t')).rejects.toMatchObject(failure)
    await expect(lakehouse.replace('bronze.t', [], 'SELECT 1 AS id', commit())).rejects.toMatchObject(failure)
  })

  it('does not hide the other tables', async () => {
    const { lakehouse, find } = await openWritten()
    await lakehouse.ensureTable('bronze.other', { columns: COLUMNS })
    await rm(await find(METADATA))
    expect(await lakehouse.table('bronze.other')).toMatchObject({ rowCount: 0 })
    await expect(lakehouse.tables()).rejects.toMatchObject({ code: 'ESTEIRA_TABLE_CORRUPT' })
  })
})

describe('the catalog', () => {
  it('that is no database is refused, and stays as it is', async () => {
    const home = await temporaryFolder()
    await writeFile(
      join(home, 'catalog.db'),
      'this is not SQLite, but it is long enough to be looked at as if it were one. '.repeat(20),
    )
    await expect(openTestLakehouse({ home })).rejects.toMatchObject({
      code: 'ESTEIRA_CATALOG_CORRUPT',
      message: expect.stringContaining(join(home, 'catalog.db')),
    })
    expect(await readFile(join(home, 'catalog.db'), 'utf8')).toContain('not SQLite')
  })

  it('in a folder that cannot be made is refused', async () => {
    const home = await temporaryFolder()
    await writeFile(join(home, 'file'), '')
    await expect(openTestLakehouse({ home: join(home, 'file', 'home') })).rejects.toMatchObject({
      code: 'ESTEIRA_ACCESS_DENIED',
    })
  })

  it('that another program has locked can be tried again', async () => {
    const { lakehouse, home } = await openWritten()
    const other = new Libsql(join(home, 'catalog.db'))
    other.exec('BEGIN EXCLUSIVE')
    const impatient = openTestLakehouse({ home, catalogTimeoutMs: 50 })
    await expect(impatient).rejects.toMatchObject({ code: 'ESTEIRA_CATALOG_BUSY', exitCode: 75 })
    other.exec('COMMIT')
    other.close()
    expect(await lakehouse.append('bronze.t', 'SELECT 1 AS id', commit())).toMatchObject({ committed: true })
  })
})

describe('a writer that ends in the middle', () => {
  it.each([
    ['its data file appears', 'data', DATA],
    ['its manifest appears', 'metadata', MANIFEST],
    ['its manifest list appears', 'metadata', LIST],
    ['its metadata file appears', 'metadata', /\.metadata\.json$/],
  ])('killed when %s, leaves the table as before or as after', async (_when, part, pattern) => {
    const { lakehouse, home, folder, rows } = await openWritten()
    const { child, ended } = startWriter('append-many', [home, 'bronze.t', 'w', '30', '5000'])
    let seen = 0
    const watcher = watch(join(folder, part), (_event, name) => {
      // The second file of the kind: the first commit has gone through, the second one is under way.
      if (name !== null && pattern.test(name) && seen++ === 2) child.kill('SIGKILL')
    })
    const { code } = await ended
    watcher.close()
    expect(code).toBe('SIGKILL')
    const whole = await rows("SELECT n, count(*) AS rows FROM {bronze.t} WHERE writer = 'w' GROUP BY ALL ORDER BY n")
    expect(whole.map(({ rows: count }) => count)).toEqual(whole.map(() => 5000))
    const state = await lakehouse.table('bronze.t')
    expect(state?.rowCount).toBe(3 + 5000 * whole.length)
    expect(await lakehouse.append('bronze.t', "SELECT 'after' AS writer", commit())).toMatchObject({ committed: true })
    expect(await rows('SELECT count(*) AS n FROM {bronze.t}')).toEqual([{ n: 4 + 5000 * whole.length }])
  })

  it('for want of disk space, says so and leaves the table as before', async () => {
    const { home, folder, rows } = await openWritten()
    const before = (await readdir(folder, { recursive: true })).sort()
    // No file may grow beyond 64 KiB: a full disk for the writer, not for its catalog.
    const { ended } = startWriter('append-many', [home, 'bronze.t', 'w', '1', '300000'], '-f 128')
    const { code, output } = await ended
    expect([code, output]).toEqual([75, expect.stringContaining('failed ESTEIRA_DISK_FULL')])
    expect((await readdir(folder, { recursive: true })).sort()).toEqual(before)
    expect(await rows('SELECT count(*) AS n FROM {bronze.t}')).toEqual([{ n: 3 }])
  })

  it('for want of a folder, says so and leaves the table as before', async () => {
    const { lakehouse, folder, rows } = await openWritten()
    const before = await rows('SELECT * FROM {bronze.t} ORDER BY id')
    await lakehouse.ensureTable('bronze.u', { columns: COLUMNS })
    await writeFile(join(folder, '..', 'u', 'data'), 'a file where the folder should be')
    await expect(lakehouse.append('bronze.u', 'SELECT 1 AS id', commit())).rejects.toMatchObject({
      code: 'ESTEIRA_ACCESS_DENIED',
      message: expect.stringContaining('u/data'),
    })
    await rm(join(folder, '..', 'u', 'data'))
    await mkdir(join(folder, '..', 'u', 'data'))
    expect(await lakehouse.append('bronze.u', 'SELECT 1 AS id', commit())).toMatchObject({ committed: true })
    expect(await rows('SELECT * FROM {bronze.t} ORDER BY id')).toEqual(before)
  })

  it('by its signal, commits nothing and leaves no file', async () => {
    const { lakehouse, folder } = await openWritten()
    const before = (await readdir(folder, { recursive: true })).sort()
    const control = new AbortController()
    const rows = "SELECT 'w' AS writer, range AS id, repeat('x', 100) || hash(range) AS filler FROM range(3000000)"
    const watcher = watch(join(folder, 'data'), () => control.abort())
    const appended = lakehouse.append('bronze.t', rows, { ...commit(), signal: control.signal })
    await expect(appended).rejects.toMatchObject({ code: 'ESTEIRA_INTERRUPTED', exitCode: 75 })
    watcher.close()
    expect((await readdir(folder, { recursive: true })).sort()).toEqual(before)
  })
})
