import { randomUUID } from 'node:crypto'
import { copyFileSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import Libsql from 'libsql'
import { describe, expect, it } from 'vitest'
import { commit, openTestLakehouse } from '../test-lakehouse.js'

describe('writers in one process', () => {
  it('make the same commit at once, and it is one commit', async () => {
    const { lakehouse } = await openTestLakehouse()
    await lakehouse.ensureTable('bronze.t', { columns: [{ name: 'n', type: 'int' }] })
    const results = await Promise.all(
      Array.from({ length: 4 }, () => lakehouse.append('bronze.t', 'SELECT 1 AS n', commit('once'))),
    )
    expect(results.filter(({ committed }) => committed)).toHaveLength(1)
    expect(new Set(results.map(({ snapshotId }) => snapshotId)).size).toBe(1)
    expect(await lakehouse.table('bronze.t')).toMatchObject({ rowCount: 1, fileCount: 1 })
  })

  it('give up after many lost races with an error that asks to try again', async () => {
    const { lakehouse: other, home, engine } = await openTestLakehouse()
    await other.ensureTable('bronze.t', { columns: [{ name: 'n', type: 'int' }] })
    const pauses: number[] = []
    let rival = () => {}
    const { lakehouse } = await openTestLakehouse({
      home,
      engine,
      random: () => 0.5,
      sleep: async (ms) => {
        pauses.push(ms)
      },
      // The clock is read between loading the table and swapping its pointer: there the rival commits.
      now: () => {
        rival()
        return new Date()
      },
    })
    rival = () => movePointer(join(home, 'catalog.db'))
    await expect(lakehouse.append('bronze.t', 'SELECT 1 AS n', commit())).rejects.toMatchObject({
      code: 'ESTEIRA_COMMIT_CONFLICT',
      exitCode: 75,
    })
    expect(pauses.slice(0, 3)).toEqual([10, 20, 40])
    expect(Math.max(...pauses)).toBe(500)
    expect(await other.table('bronze.t')).toMatchObject({ rowCount: 0 })
    // What the attempts wrote is gone: the data file, and every manifest and list.
    const files = readdirSync(join(home, 'lakehouse', 'bronze', 't'), { recursive: true }).map(String)
    expect(files.filter((name) => /\.(parquet|avro)$/.test(name))).toEqual([])
    rival = () => {}
    expect(await lakehouse.append('bronze.t', 'SELECT 1 AS n', commit())).toMatchObject({ committed: true })
  })

  it('make the same table at once and agree on it', async () => {
    const { home, engine, lakehouse } = await openTestLakehouse()
    const second = await openTestLakehouse({ home, engine })
    const states = await Promise.all([
      lakehouse.ensureTable('bronze.t', { columns: [{ name: 'a', type: 'int' }] }),
      second.lakehouse.ensureTable('bronze.t', { columns: [{ name: 'b', type: 'int' }] }),
    ])
    const state = await lakehouse.table('bronze.t')
    expect(state?.columns.map(({ name }) => name).sort()).toEqual(['a', 'b'])
    expect(states.every(({ location }) => location === state?.location)).toBe(true)
  })
})

/** Another program commits: the pointer of the only table moves to a new metadata file. */
function movePointer(catalog: string): void {
  const database = new Libsql(catalog, { timeout: 1000 })
  const row = database.prepare('SELECT metadata_location AS location FROM iceberg_tables').get() as { location: string }
  const next = `${dirname(row.location)}/${randomUUID()}.metadata.json`
  copyFileSync(row.location.slice('file://'.length), next.slice('file://'.length))
  database.prepare('UPDATE iceberg_tables SET metadata_location = ?').run(next)
  database.close()
}
