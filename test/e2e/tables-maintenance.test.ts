import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openDuckDb, openLocalLakehouse } from '@esteira/lakehouse'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { documentOf, esteira } from '../services/esteira-command.js'
import { expectCommandRefused } from '../services/refusal.js'
import { tempHome } from '../services/temp-home.js'

const place = tempHome()
const command = (...args: string[]) => esteira(['tables', ...args], place)
const home = place.env['ESTEIRA_HOME'] ?? ''
let ids: string[] = []

async function json<T>(...args: string[]): Promise<T> {
  const ended = await command(...args, '--json')
  expect(ended.code, ended.stderr).toBe(0)
  return documentOf<T>(ended)
}

async function text(...args: string[]): Promise<string> {
  const ended = await command(...args)
  expect(ended.code, ended.stderr).toBe(0)
  return ended.stdout
}

beforeAll(async () => {
  const engine = await openDuckDb()
  const lakehouse = await openLocalLakehouse({ home, engine, newId: randomUUID, now: () => new Date() })
  await lakehouse.ensureTable('lake.t', { columns: [{ name: 'n', type: 'int' }] })
  for (const n of [1, 2, 3, 4]) {
    const { snapshotId = '' } = await lakehouse.append('lake.t', `SELECT ${n} AS n`, { commitId: `c${n}`, runId: 'r' })
    ids.push(snapshotId)
  }
  await lakehouse.close()
  await engine.close()
})

afterAll(() => place.remove())

// One after the other: each takes the table as the one before left it.
describe('esteira tables', () => {
  it('tag names a snapshot, lists the names and drops one', async () => {
    expect(await text('tag', 'lake.t', 'second', '--snapshot', ids[1] ?? '')).toContain(ids[1])
    expect(await json('tag', 'lake.t', 'other')).toMatchObject({ name: 'other', snapshotId: ids[3] })
    expect(await text('tag', 'lake.t')).toMatch(new RegExp(`main +branch +${ids[3]}[\\s\\S]*second +tag +${ids[1]}`))
    expect(await json('tag', 'lake.t', 'other', '--drop')).toEqual({ table: 'lake.t', tag: 'other', dropped: true })
    expectCommandRefused(await command('tag', 'lake.t', '--drop'), {
      exit: 64,
      code: 'ESTEIRA_USAGE',
      says: ['--drop'],
    })
  })

  it('rollback makes an earlier state the current one', async () => {
    expect(await text('rollback', 'lake.t', ids[2] ?? '')).toContain('3 rows')
    expect(await json('rollback', 'lake.t', ids[2] ?? '')).toEqual({
      table: 'lake.t',
      snapshotId: ids[2],
      committed: false,
      rowCount: 3,
    })
    expectCommandRefused(await command('rollback', 'lake.t', ids[3] ?? ''), {
      exit: 64,
      code: 'ESTEIRA_USAGE',
      says: ['--force'],
    })
    expect(await json('rollback', 'lake.t', ids[3] ?? '', '--force')).toMatchObject({ committed: true, rowCount: 4 })
  })

  it('compact writes small files together', async () => {
    expect(await text('compact', 'lake.t')).toContain('4 files became 1')
    expect(await json('compact', 'lake.t')).toMatchObject({ committed: false, filesBefore: 1, filesAfter: 1 })
  })

  it('expire says what would go, then lets it go', async () => {
    const dry = await text('expire', 'lake.t', '--keep-last', '1', '--dry-run')
    expect(dry).toMatch(/3 snapshots would expire[\s\S]*2 data files[\s\S]*Nothing was changed/)
    expect(await json('expire', 'lake.t', '--older-than', '30d')).toMatchObject({ snapshots: [] })
    expect(await json('expire', 'lake.t', '--keep-last', '1')).toMatchObject({
      dataFiles: 2,
      dryRun: false,
      snapshots: [ids[0], ids[2], ids[3]],
    })
    expectCommandRefused(await command('expire', 'lake.t', '--older-than', 'old'), {
      exit: 64,
      code: 'ESTEIRA_USAGE',
      says: ['30d'],
    })
    expectCommandRefused(await command('expire', 'lake.t', '--keep-last', '0'), {
      exit: 64,
      code: 'ESTEIRA_USAGE',
      says: ['at least 1'],
    })
  })

  it('remove-orphans lists them, and removes them with --delete', async () => {
    const folder = join(home, 'lakehouse', 'lake', 't', 'data')
    mkdirSync(folder, { recursive: true })
    const lost = join(folder, 'lost.parquet')
    writeFileSync(lost, 'x'.repeat(1500))
    utimesSync(lost, new Date('2024-01-01'), new Date('2024-01-01'))
    expect(await text('remove-orphans', 'lake.t')).toMatch(/lost\.parquet +1\.5 kB +2024-01-01[\s\S]*--delete/)
    expect(existsSync(lost)).toBe(true)
    expect(await json('remove-orphans', 'lake.t', '--older-than', '2023-01-01')).toMatchObject({ files: [] })
    expect(await json('remove-orphans', 'lake.t', '--delete')).toMatchObject({ dryRun: false, sizeBytes: 1500 })
    expect(existsSync(lost)).toBe(false)
    expect(await text('remove-orphans', 'lake.t')).toContain('no orphan')
  })

  it('relocate moves the table', async () => {
    const target = join(home, 'moved')
    expect(await text('relocate', 'lake.t', target)).toContain(target)
    expect(await json('show', 'lake.t')).toMatchObject({ location: `file://${target}`, rowCount: 4 })
    expect(await json('relocate', 'lake.t', target)).toMatchObject({ committed: false })
    ids = []
  })

  it('names the table that does not exist, and the likely one', async () => {
    for (const name of ['expire', 'compact', 'remove-orphans', 'tag']) {
      expectCommandRefused(await command(name, 'lake.tt'), {
        exit: 64,
        code: 'ESTEIRA_TABLE_MISSING',
        says: ['lake.t?'],
      })
    }
  })
})
