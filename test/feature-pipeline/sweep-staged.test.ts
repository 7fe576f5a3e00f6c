import { utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { sweepStaged } from '@esteira/feature-pipeline'
import { openLocalObjectStore } from '@esteira/lakehouse'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../lakehouse/test-lakehouse.js'

const NOW = new Date('2024-06-30T12:00:00Z')

/** A store of objects that were last touched so many days before now. */
async function openStore(ages: Readonly<Record<string, number>>) {
  const folder = join(await temporaryFolder(), 'objects')
  const objects = openLocalObjectStore(folder)
  const age = async (key: string, days: number) => {
    const at = new Date(NOW.getTime() - days * 86_400_000)
    await utimes(join(folder, key), at, at)
  }
  for (const [key, days] of Object.entries(ages)) {
    await objects.put(key, 'x'.repeat(10))
    await age(key, days)
  }
  const keys = async () => (await objects.list('')).map(({ key }) => key)
  return { objects, keys, age }
}

describe('the sweep of staged files', () => {
  it('removes those that were not touched for seven days, whole runs at a time', async () => {
    const { objects, keys } = await openStore({
      'staging/old/v.parquet': 8,
      'staging/old/training-set.parquet': 30,
      'staging/new/v.parquet': 6.9,
      'staging/again/v.parquet': 20,
      'staging/again/v.parquet.checked': 1,
      'runs/old/extract_features.json': 30,
      'reports/old/validation.json': 30,
    })
    expect(await sweepStaged(objects, { now: NOW })).toEqual({ runs: ['old'], files: 2, sizeBytes: 20 })
    expect(await keys()).toEqual([
      'reports/old/validation.json',
      'runs/old/extract_features.json',
      'staging/again/v.parquet',
      'staging/again/v.parquet.checked',
      'staging/new/v.parquet',
    ])
    expect(await sweepStaged(objects, { now: NOW })).toEqual({ runs: [], files: 0, sizeBytes: 0 })
  })

  it('keeps them as long as it is told', async () => {
    const { objects } = await openStore({ 'staging/a/v.parquet': 2, 'staging/b/v.parquet': 12 })
    expect(await sweepStaged(objects, { now: NOW, keepDays: 14 })).toMatchObject({ runs: [] })
    expect(await sweepStaged(objects, { now: NOW, keepDays: 1 })).toMatchObject({ runs: ['a', 'b'] })
    for (const keepDays of [0, -1, 1.5, Number.NaN]) {
      await expect(sweepStaged(objects, { now: NOW, keepDays })).rejects.toMatchObject({ code: 'ESTEIRA_USAGE' })
    }
  })

  it('never takes those of a run that goes on, nor its own', async () => {
    const { objects, keys, age } = await openStore({
      'staging/locked/v.parquet': 20,
      'runs/locked/lock.json': 20,
      'staging/mine/v.parquet': 20,
    })
    expect(await sweepStaged(objects, { now: NOW, runId: 'mine' })).toMatchObject({ runs: [] })
    await age('runs/locked/lock.json', 31)
    expect(await sweepStaged(objects, { now: NOW, runId: 'mine' })).toMatchObject({ runs: ['locked'] })
    await objects.put('runs/mine/lock.json', '{}')
    expect(await sweepStaged(objects, { now: NOW })).toMatchObject({ runs: [] })
    expect(await keys()).toEqual(['runs/locked/lock.json', 'runs/mine/lock.json', 'staging/mine/v.parquet'])
  })

  it('takes nothing when the clock has jumped back', async () => {
    const { objects } = await openStore({ 'staging/a/v.parquet': 8 })
    expect(await sweepStaged(objects, { now: new Date('2020-01-01T00:00:00Z') })).toMatchObject({ runs: [] })
  })
})
