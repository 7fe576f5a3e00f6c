import { readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import Libsql from 'libsql'
import { describe, expect, it } from 'vitest'
import { commit } from '../test-lakehouse.js'
import { COLUMNS, DATA, LIST, MANIFEST, METADATA, openWritten, type WrittenTable } from './written-table.js'

const KINDS = [
  ['metadata file', METADATA],
  ['manifest list', LIST],
  ['manifest', MANIFEST],
  ['data file', DATA],
] as const

describe('a file of a table that is gone or broken', () => {
  it.each(KINDS)('is named when it is gone: %s', async (_what, pattern) => {
    const { lakehouse, find } = await openWritten()
    const path = await find(pattern)
    await rm(path)
    const failure = { code: 'ESTEIRA_TABLE_CORRUPT', exitCode: 70, message: expect.stringContaining(path) }
    await expect(lakehouse.relation('bronze.t')).rejects.toMatchObject(failure)
    await expect(
      lakehouse.replace('bronze.t', [{ column: 'id', op: '=', value: 1 }], 'SELECT 1 AS id', commit()),
    ).rejects.toMatchObject(failure)
  })

  it.each(KINDS)('is named when it is cut: %s', async (_what, pattern) => {
    const { lakehouse, find } = await openWritten()
    const path = await find(pattern)
    await truncate(path, 100)
    await expect(lakehouse.relation('bronze.t')).rejects.toMatchObject({
      code: 'ESTEIRA_TABLE_CORRUPT',
      message: expect.stringContaining(path),
      hint: expect.stringContaining('Restore the file'),
    })
  })

  it('is named when it was changed and still makes sense: metadata file', async () => {
    const { lakehouse, find } = await openWritten()
    const path = await find(METADATA)
    const text = await readFile(path, 'utf8')
    await writeFile(path, text.replace('"name":"filler"', '"name":"miller"'))
    const failure = { code: 'ESTEIRA_TABLE_CORRUPT', message: expect.stringContaining(path) }
    await expect(lakehouse.table('bronze.t')).rejects.toMatchObject(failure)
    await expect(lakehouse.append('bronze.t', 'SELECT 1 AS id', commit())).rejects.toMatchObject(failure)
    await writeFile(path, text)
    expect(await lakehouse.append('bronze.t', 'SELECT 1 AS id', commit())).toMatchObject({ committed: true })
  })

  it('does not hide the other tables', async () => {
    const { lakehouse, find } = await openWritten()
    await lakehouse.ensureTable('bronze.other', { columns: COLUMNS })
    await rm(await find(METADATA))
    expect(await lakehouse.table('bronze.other')).toMatchObject({ rowCount: 0 })
    await expect(lakehouse.tables()).rejects.toMatchObject({ code: 'ESTEIRA_TABLE_CORRUPT' })
  })
})

describe('metadata of another program', () => {
  it.each([
    ['of version 3', '"format-version":2', '"format-version":3', 'ESTEIRA_UNSUPPORTED', 'version 3'],
    [
      'whose schema is not in it',
      '"current-schema-id":0',
      '"current-schema-id":7',
      'ESTEIRA_TABLE_CORRUPT',
      'schema 7',
    ],
    [
      'whose partitioning is not in it',
      '"default-spec-id":0',
      '"default-spec-id":7',
      'ESTEIRA_TABLE_CORRUPT',
      'spec 7',
    ],
    ['that lacks a part', '"schemas"', '"shemas"', 'ESTEIRA_TABLE_CORRUPT', 'schemas'],
    ['that is no JSON', '{', '', 'ESTEIRA_TABLE_CORRUPT', 'not JSON'],
    [
      'that lost its current snapshot',
      '"current-snapshot-id"',
      '"current-snapshop-id"',
      'ESTEIRA_TABLE_CORRUPT',
      'main',
    ],
    ['whose columns share an id', '"id":3,"name":"id"', '"id":2,"name":"id"', 'ESTEIRA_TABLE_CORRUPT', 'have id 2'],
    ['whose columns share a name', '"name":"filler"', '"name":"writer"', 'ESTEIRA_TABLE_CORRUPT', 'same name'],
    [
      'that counts backwards',
      '"last-sequence-number":1',
      '"last-sequence-number":0',
      'ESTEIRA_TABLE_CORRUPT',
      'after the last one',
    ],
  ])('is refused: %s', async (_what, from, to, code, word) => {
    const table = await openWritten()
    const text = await readFile(await table.find(METADATA), 'utf8')
    expect(text).toContain(from)
    await pointTo(table, text.replace(from, to))
    const failure = { code, message: expect.stringContaining(word) }
    await expect(table.lakehouse.relation('bronze.t')).rejects.toMatchObject(failure)
    await expect(table.lakehouse.append('bronze.t', 'SELECT 1 AS id', commit())).rejects.toMatchObject(failure)
    await pointTo(table, text)
    expect(await table.rows('SELECT count(*) AS n FROM {bronze.t}')).toEqual([{ n: 3 }])
  })
})

let made = 0

/** Another program commits: the table's pointer moves to a new file of this content. */
async function pointTo({ home, find }: WrittenTable, content: string): Promise<void> {
  made += 1
  const path = join(dirname(await find(METADATA)), `0000${made}-6f1b3ad2-0c1e-4f83-9a55-1d2b3c4d5e6f.metadata.json`)
  await writeFile(path, content)
  const database = new Libsql(join(home, 'catalog.db'))
  database.prepare('UPDATE iceberg_tables SET metadata_location = ?').run(`file://${path}`)
  database.close()
}
