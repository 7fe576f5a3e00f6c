import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { adjustPValues } from '@esteira/statistics'
import { expect, it } from 'vitest'

const folder = process.env['ESTEIRA_REAL_DATA'] ?? resolve(import.meta.dirname, '../../../shared')
const golden: { readonly benjamini_hochberg: { readonly p: readonly number[]; readonly adjusted: readonly number[] } } =
  JSON.parse(readFileSync(resolve(folder, 'golden/fairness_cbpe_golden.json'), 'utf8'))

it('adjusts p-values as the golden file does', () => {
  const { p, adjusted } = golden.benjamini_hochberg
  const found = adjustPValues(p)
  expect(found).toHaveLength(adjusted.length)
  found.forEach((value, i) => {
    expect(Math.abs(value - (adjusted[i] ?? Number.NaN))).toBeLessThanOrEqual(1e-12)
  })
})
