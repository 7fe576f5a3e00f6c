import { copyFile, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import Libsql from 'libsql'
import { describe, expect, it } from 'vitest'
import { commit, openTestLakehouse, temporaryFolder } from '../test-lakehouse.js'
import { COLUMNS, openWritten } from './written-table.js'

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
    const { lakehouse, home, engine, rows } = await openWritten()
    const other = new Libsql(join(home, 'catalog.db'))
    other.exec('BEGIN EXCLUSIVE')
    const impatient = openTestLakehouse({ home, engine, catalogTimeoutMs: 50 })
    await expect(impatient).rejects.toMatchObject({ code: 'ESTEIRA_CATALOG_BUSY', exitCode: 75 })
    other.exec('COMMIT')
    expect(await lakehouse.append('bronze.t', 'SELECT 1 AS id', commit())).toMatchObject({ committed: true })
    // Now only writing is locked: rows are read, and a commit leaves nothing behind.
    const { lakehouse: second } = await openTestLakehouse({ home, engine, catalogTimeoutMs: 50 })
    other.exec('BEGIN IMMEDIATE')
    const failure = { code: 'ESTEIRA_CATALOG_BUSY', exitCode: 75, hint: expect.stringContaining('again') }
    await expect(second.append('bronze.t', 'SELECT 1 AS id', commit('late'))).rejects.toMatchObject(failure)
    expect(await rows('SELECT count(*) AS n FROM {bronze.t}')).toEqual([{ n: 4 }])
    other.exec('COMMIT')
    other.close()
    expect(await second.append('bronze.t', 'SELECT 1 AS id', commit('late'))).toMatchObject({ committed: true })
    const orphans = await second.removeOrphans('bronze.t', { olderThan: new Date(Date.now() + 60_000) })
    expect(orphans.files).toEqual([])
  })

  it('that is lost is not made anew beside its tables', async () => {
    const { lakehouse, home, engine, folder } = await openWritten()
    await lakehouse.close()
    await rename(join(home, 'catalog.db'), join(home, 'kept'))
    await expect(openTestLakehouse({ home, engine })).rejects.toMatchObject({
      code: 'ESTEIRA_CATALOG_CORRUPT',
      exitCode: 70,
      message: expect.stringContaining(folder),
      hint: expect.stringContaining('Restore catalog.db'),
    })
    // What the hint says when there is no copy: an empty file, and the tables are taken up again.
    await writeFile(join(home, 'catalog.db'), '')
    const again = await openTestLakehouse({ home, engine })
    await again.lakehouse.register('bronze.t', folder, { adopt: true })
    expect(await again.rows('SELECT count(*) AS n FROM {bronze.t}')).toEqual([{ n: 3 }])
    expect(await again.lakehouse.append('bronze.t', 'SELECT 1 AS id', commit())).toMatchObject({ committed: true })
  })

  it('that is removed or replaced while it is open takes no commit', async () => {
    const { lakehouse, home, rows, find } = await openWritten()
    await copyFile(join(home, 'catalog.db'), join(home, 'copy'))
    const failure = { code: 'ESTEIRA_CATALOG_CORRUPT', message: expect.stringContaining('removed or replaced') }
    await rm(join(home, 'catalog.db'))
    await expect(lakehouse.append('bronze.t', 'SELECT 1 AS id', commit())).rejects.toMatchObject(failure)
    await rename(join(home, 'copy'), join(home, 'catalog.db'))
    await expect(lakehouse.append('bronze.t', 'SELECT 1 AS id', commit())).rejects.toMatchObject(failure)
    expect(await rows('SELECT count(*) AS n FROM {bronze.t}')).toEqual([{ n: 3 }])
    expect(await find(/00002-/)).toContain('nothing')
  })

  it('whose text is no text is refused, not read', async () => {
    const { lakehouse, home } = await openWritten()
    const database = new Libsql(join(home, 'catalog.db'))
    const spoil = (column: string, hex: string) =>
      database.prepare(`UPDATE iceberg_tables SET ${column} = CAST(x'${hex}' AS TEXT)`).run()
    const failure = { code: 'ESTEIRA_CATALOG_CORRUPT', message: expect.stringContaining(home) }
    spoil('metadata_location', '66696c65ff')
    await expect(lakehouse.table('bronze.t')).rejects.toMatchObject(failure)
    spoil('metadata_location', '')
    await expect(lakehouse.ensureTable('bronze.t', { columns: COLUMNS })).rejects.toMatchObject(failure)
    spoil('table_name', 'ff')
    await expect(lakehouse.tables()).rejects.toMatchObject(failure)
    database.close()
  })

  it('that points to a file that is not there says which', async () => {
    const { lakehouse, home } = await openWritten()
    const database = new Libsql(join(home, 'catalog.db'))
    database.prepare('UPDATE iceberg_tables SET metadata_location = ?').run('file:///nowhere/00001-a.metadata.json')
    database.close()
    const failure = {
      code: 'ESTEIRA_TABLE_CORRUPT',
      message: expect.stringContaining('/nowhere/00001-a.metadata.json'),
      hint: expect.stringContaining('Restore the file'),
    }
    await expect(lakehouse.table('bronze.t')).rejects.toMatchObject(failure)
    await expect(lakehouse.ensureTable('bronze.t', { columns: COLUMNS })).rejects.toMatchObject(failure)
    await expect(lakehouse.append('bronze.t', 'SELECT 1 AS id', commit())).rejects.toMatchObject(failure)
  })
})
