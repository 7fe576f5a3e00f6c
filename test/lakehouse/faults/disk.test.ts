import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import Libsql from 'libsql'
import { describe, expect, it } from 'vitest'
import { commit, openTestLakehouse } from '../test-lakehouse.js'
import { startProgram } from './program.js'
import { filesInFolder } from './table-files.js'
import { COLUMNS, openWritten } from './written-table.js'

/** No file may grow beyond 64 KiB: a full disk for the writer. */
const SMALL_DISK = '-f 128'

describe('a disk that is full', () => {
  it('for a data file, ends the write and leaves the table as before', async () => {
    const { home, rows } = await openWritten()
    const before = await filesInFolder(home, 'bronze.t')
    const { code, output } = await startProgram('append-many', [home, 'bronze.t', 'w', '1', '300000'], SMALL_DISK).ended
    expect([code, output]).toEqual([75, expect.stringContaining('failed ESTEIRA_DISK_FULL')])
    expect(await filesInFolder(home, 'bronze.t')).toEqual(before)
    expect(await rows('SELECT count(*) AS n FROM {bronze.t}')).toEqual([{ n: 3 }])
  })

  it('for a metadata file, does the same', async () => {
    const { home, lakehouse, rows } = await openWritten()
    await lakehouse.ensureTable('bronze.t', { columns: COLUMNS, properties: { note: 'long '.repeat(20_000) } })
    const before = await filesInFolder(home, 'bronze.t')
    const { code, output } = await startProgram('append-many', [home, 'bronze.t', 'w', '1', '3'], SMALL_DISK).ended
    expect([code, output]).toEqual([75, expect.stringMatching(/failed ESTEIRA_DISK_FULL.*\.metadata\.json/)])
    expect(await filesInFolder(home, 'bronze.t')).toEqual(before)
    expect(await rows('SELECT count(*) AS n FROM {bronze.t}')).toEqual([{ n: 3 }])
  })

  it('for the catalog, leaves the table as before, and at most files that nobody needs', async () => {
    const { home, lakehouse, rows } = await openTestLakehouse()
    // The catalog is large already, and the table's entry lies in its last part.
    const database = new Libsql(join(home, 'catalog.db'))
    const fill = database.prepare("INSERT INTO iceberg_namespace_properties VALUES ('other', ?, 'note', ?)")
    database.exec('BEGIN')
    for (let index = 0; index < 200; index++) fill.run(`n${index}`, 'long '.repeat(200))
    database.exec('COMMIT')
    const name = database.prepare("INSERT INTO iceberg_tables VALUES ('other', ?, 't', ?, NULL, 'TABLE')")
    for (let index = 0; index < 20; index++) name.run(`n${index}`, 'file:///'.padEnd(1000, 'x'))
    database.close()
    await lakehouse.ensureTable('bronze.t', { columns: COLUMNS })
    await lakehouse.append('bronze.t', 'SELECT 1 AS id', commit())
    const before = await filesInFolder(home, 'bronze.t')
    const { code, output } = await startProgram('append-many', [home, 'bronze.t', 'w', '1', '3'], SMALL_DISK).ended
    expect([code, output]).toEqual([75, expect.stringMatching(/failed ESTEIRA_DISK_FULL.*catalog\.db/)])
    expect(await rows('SELECT count(*) AS n FROM {bronze.t}')).toEqual([{ n: 1 }])
    // The writer cannot know whether the commit took place, so that it must not remove its files.
    await lakehouse.removeOrphans('bronze.t', { olderThan: new Date(Date.now() + 60_000), dryRun: false })
    expect(await filesInFolder(home, 'bronze.t')).toEqual(before)
    expect(await lakehouse.append('bronze.t', 'SELECT 1 AS id', commit())).toMatchObject({ committed: true })
  })
})

describe('a folder that may only be read', () => {
  it.each(['lakehouse/bronze/t/data', 'lakehouse/bronze/t/metadata', '.'])(
    'refuses the write and leaves the table as before, and readable: %s',
    async (folder) => {
      const { home, lakehouse, rows } = await openWritten()
      await openToAll(home)
      await chmod(join(home, folder), 0o555)
      const before = await filesInFolder(home, 'bronze.t')
      const { code, output } = await startProgram('append-unprivileged', [home, 'bronze.t']).ended
      await chmod(join(home, folder), 0o777)
      expect([code, JSON.parse(output)]).toEqual([
        0,
        [expect.stringMatching(/^ESTEIRA_ACCESS_DENIED \(Give this user/), [{ n: 3 }], [{ n: 3 }]],
      ])
      expect(await filesInFolder(home, 'bronze.t')).toEqual(before)
      expect(await lakehouse.append('bronze.t', 'SELECT 1 AS id', commit('once'))).toMatchObject({ committed: true })
      expect(await rows('SELECT count(*) AS n FROM {bronze.t}')).toEqual([{ n: 4 }])
    },
  )

  it('in the place of which is a file, does the same', async () => {
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
})

/** Lets every user read and write below a folder. */
async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o777)
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    await chmod(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o777 : 0o666)
}
