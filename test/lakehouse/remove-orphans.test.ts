import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { commit, openTestLakehouse, type TestLakehouse } from './test-lakehouse.js'

const HOUR_MS = 3_600_000

interface Littered extends TestLakehouse {
  readonly folder: string
  readonly litter: (name: string, ageHours: number) => string
}

async function openLittered(): Promise<Littered> {
  const test = await openTestLakehouse()
  await test.lakehouse.ensureTable('s.t', {
    columns: [{ name: 'k', type: 'string' }],
    partitionBy: [{ column: 'k', transform: 'identity' }],
  })
  for (const k of ['a', 'b', 'c']) await test.lakehouse.append('s.t', `SELECT '${k}' AS k`, commit())
  await test.lakehouse.delete('s.t', [{ column: 'k', op: '=', value: 'a' }], commit())
  const folder = join(test.home, 'lakehouse', 's', 't')
  const litter = (name: string, ageHours: number) => {
    const path = join(folder, name)
    mkdirSync(join(path, '..'), { recursive: true })
    writeFileSync(path, 'x'.repeat(10))
    const at = new Date(Date.now() - ageHours * HOUR_MS)
    utimesSync(path, at, at)
    return path
  }
  return { ...test, folder, litter }
}

describe('removeOrphans', () => {
  it('lists files that nothing names, with their sizes, and leaves them', async () => {
    const { lakehouse, litter } = await openLittered()
    const lost = [litter('data/k=a/lost.parquet', 100), litter('metadata/snap-1-1-lost.avro', 100)]
    const found = await lakehouse.removeOrphans('s.t')
    expect(found.files.map(({ path, sizeBytes }) => [path, sizeBytes])).toEqual(
      lost.map((path) => [`file://${path}`, 10]),
    )
    expect(found).toMatchObject({ sizeBytes: 20, dryRun: true })
    expect(lost.map((path) => existsSync(path))).toEqual([true, true])
  })

  it('removes them when told, and nothing that a snapshot or the log names', async () => {
    const { lakehouse, litter, folder, engine } = await openLittered()
    const files = () => readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    const before = files().length
    litter('data/k=a/lost.parquet', 100)
    litter('metadata/00009-lost.metadata.json', 100)
    const future = new Date(Date.now() + HOUR_MS)
    const found = await lakehouse.removeOrphans('s.t', { dryRun: false, olderThan: future })
    expect(found.files).toHaveLength(2)
    expect(files()).toHaveLength(before)
    for (const { snapshotId } of await lakehouse.snapshots('s.t')) {
      await engine.query(`SELECT count(*) FROM ${await lakehouse.relation('s.t', { snapshotId })}`)
    }
    expect((await lakehouse.removeOrphans('s.t', { olderThan: future })).files).toEqual([])
  })

  it('leaves files alone that may belong to a commit in flight', async () => {
    const { lakehouse, litter } = await openLittered()
    const young = litter('data/k=a/young.parquet', 70)
    const old = litter('data/k=a/old.parquet', 74)
    expect((await lakehouse.removeOrphans('s.t', { dryRun: false })).files.map(({ path }) => path)).toEqual([
      `file://${old}`,
    ])
    expect([existsSync(young), existsSync(old)]).toEqual([true, false])
    const hours = (count: number) => new Date(Date.now() - count * HOUR_MS)
    expect((await lakehouse.removeOrphans('s.t', { olderThan: hours(71) })).files).toEqual([])
    expect((await lakehouse.removeOrphans('s.t', { olderThan: hours(69) })).files).toHaveLength(1)
  })

  it('leaves hidden files and the tables alone that lie inside of the folder', async () => {
    const { lakehouse, litter, folder } = await openLittered()
    litter('.hidden/x.parquet', 100)
    litter('metadata/version-hint.text', 100)
    await lakehouse.ensureTable('s.inner', { columns: [{ name: 'n', type: 'int' }] })
    await lakehouse.append('s.inner', 'SELECT 1 AS n', commit())
    await lakehouse.relocate('s.inner', join(folder, '..', 'elsewhere'))
    const future = new Date(Date.now() + HOUR_MS)
    expect((await lakehouse.removeOrphans('s.t', { olderThan: future })).files).toEqual([])
  })

  it('refuses tables whose files are shared, and times that are none', async () => {
    const { lakehouse } = await openLittered()
    await expect(lakehouse.removeOrphans('s.t', { olderThan: new Date('x') })).rejects.toMatchObject({
      code: 'ESTEIRA_USAGE',
    })
    await lakehouse.evolve('s.t', [{ op: 'set', properties: { 'gc.enabled': 'false' } }])
    await expect(lakehouse.removeOrphans('s.t', { dryRun: false })).rejects.toMatchObject({
      code: 'ESTEIRA_UNSUPPORTED',
    })
    expect((await lakehouse.removeOrphans('s.t')).files).toEqual([])
  })
})
