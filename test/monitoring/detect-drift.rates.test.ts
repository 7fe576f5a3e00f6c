import type { Column } from '@esteira/core'
import { detectDrift } from '@esteira/monitoring'
import { buildReferenceProfile } from '@esteira/statistics'
import { describe, expect, it } from 'vitest'
import { frameOf, normals, text, uniform } from './random-columns.js'

/** 20 independent columns: normal, skewed, whole numbers with ties, and levels of unequal frequency. */
function mixedColumns(random: () => number, rows: number) {
  const columns: Record<string, Column> = {}
  for (let c = 0; c < 8; c++) columns[`normal_${c}`] = { type: 'double', values: normals(random, rows) }
  for (let c = 0; c < 4; c++) columns[`skewed_${c}`] = { type: 'double', values: normals(random, rows).map(Math.exp) }
  for (let c = 0; c < 4; c++) {
    columns[`days_${c}`] = {
      type: 'int',
      values: Int32Array.from({ length: rows }, () => -12 * Math.log(1 - random())),
    }
  }
  for (let c = 0; c < 4; c++) {
    columns[`level_${c}`] = text(Array.from({ length: rows }, () => `v${Math.floor(random() ** 3 * 30)}`))
  }
  return frameOf(columns)
}

describe('error rates of the drift decision', () => {
  it.each([
    [100, 200],
    [300, 200],
    [1000, 200],
    [5000, 50],
  ])('two samples of %i rows from one distribution raise any alarm in at most 8 % of %i runs', (rows, runs) => {
    const random = uniform(20260101 + rows)
    let alarms = 0
    for (let run = 0; run < runs; run++) {
      const reference = buildReferenceProfile(mixedColumns(random, rows))
      const report = detectDrift({ reference, current: mixedColumns(random, rows) })
      if (report.verdict !== 'none') alarms++
    }
    expect(alarms / runs).toBeLessThanOrEqual(0.08)
  })

  it('finds a shift of half a standard deviation among 20 columns at 1000 rows in at least 95 % of runs', () => {
    const random = uniform(7)
    let found = 0
    for (let run = 0; run < 100; run++) {
      const reference = buildReferenceProfile(mixedColumns(random, 1000))
      const shifted = mixedColumns(random, 1000)
      const current = { ...shifted, columns: new Map(shifted.columns) }
      current.columns.set('normal_3', { type: 'double', values: normals(random, 1000, 0.5) })
      const { columns } = detectDrift({ reference, current })
      if (columns.find(({ name }) => name === 'normal_3')?.status === 'drift') found++
    }
    expect(found).toBeGreaterThanOrEqual(95)
  })

  it('stays quiet on a shift too small to matter, however many rows there are', () => {
    const random = uniform(11)
    const reference = buildReferenceProfile(frameOf({ x: { type: 'double', values: normals(random, 100_000) } }))
    const current = frameOf({ x: { type: 'double', values: normals(random, 100_000, 0.05) } })
    const [column] = detectDrift({ reference, current }).columns
    expect(column?.checks[0]?.pValue).toBeLessThan(1e-9)
    expect(column?.status).toBe('ok')
  })
})
