import { watch } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { commit } from '../test-lakehouse.js'
import { startProgram } from './program.js'
import { filesInFolder } from './table-files.js'
import { openWritten } from './written-table.js'

it('a writer killed while its data file is written leaves the table as before', { timeout: 300_000 }, async () => {
  const { home, folder, rows, lakehouse } = await openWritten()
  const { child, ended } = startProgram('append-many', [home, 'bronze.t', 'w', '1', '5000000'])
  const watcher = watch(join(folder, 'data'), () => child.kill('SIGKILL'))
  expect((await ended).code).toBe('SIGKILL')
  watcher.close()
  expect(await rows('SELECT count(*) AS n FROM {bronze.t}')).toEqual([{ n: 3 }])
  const olderThan = new Date(Date.now() + 60_000)
  expect((await lakehouse.removeOrphans('bronze.t', { olderThan, dryRun: false })).files).toHaveLength(1)
  expect(await lakehouse.append('bronze.t', 'SELECT 1 AS id', commit())).toMatchObject({ committed: true })
})

it('a writer ended by its signal commits nothing and leaves no file', async () => {
  const { lakehouse, home, folder } = await openWritten()
  const before = await filesInFolder(home, 'bronze.t')
  const control = new AbortController()
  const rows = "SELECT 'w' AS writer, range AS id, repeat('x', 100) || hash(range) AS filler FROM range(3000000)"
  const watcher = watch(join(folder, 'data'), () => control.abort())
  const appended = lakehouse.append('bronze.t', rows, { ...commit(), signal: control.signal })
  await expect(appended).rejects.toMatchObject({ code: 'ESTEIRA_INTERRUPTED', exitCode: 75 })
  watcher.close()
  expect(await filesInFolder(home, 'bronze.t')).toEqual(before)
})
