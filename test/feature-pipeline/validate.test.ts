import { utimes } from 'node:fs/promises'
import { validateFeaturesStep } from '@esteira/feature-pipeline'
import { defineProject, operation, tableRule, view } from 'esteira'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openTinyHome, type TinyHome } from '../esteira/tiny-home.js'
import tiny, { orders, tinyFeatures } from '../fixtures/projects/tiny/project.js'

const RUN = { runDate: '2024-07-01', runId: 'run-1' }

type Rules = Parameters<typeof view<typeof tinyFeatures.features>>[1]

const projectOf = (rules: Pick<Rules, 'rules' | 'tableRules'>) =>
  defineProject({
    views: [view('tiny_features', { from: orders, features: tinyFeatures.features, moreRowsThan: 10, ...rules })],
    label: tiny.label,
    model: tiny.model,
  })

let home: TinyHome
beforeEach(async () => {
  home = await openTinyHome({ customers: 60 })
})
afterEach(() => home.close())

async function read(key: string): Promise<string> {
  return new TextDecoder().decode(await home.workspace.objects.get(key))
}

async function tableState() {
  const lakehouse = await home.workspace.lakehouse()
  const state = await lakehouse.table('feature_store.tiny_features')
  return { snapshotId: state?.snapshotId, rowCount: state?.rowCount, metadata: state?.properties }
}

describe('the step validate_features', () => {
  it('refuses a batch, leaves table and snapshot as they were, and publishes the same batch once the rule is mended', async () => {
    await home.run('features', { ...RUN, runDate: '2024-06-01', runId: 'run-0' })
    const before = await tableState()
    const strict = projectOf({
      rules: { orders_90d: z.number().max(0) },
      tableRules: (row) => [tableRule.holds('fewer', operation(row.orders_90d, '<', row.orders_30d))],
    })
    await expect(home.run('features', { ...RUN, definition: strict })).rejects.toMatchObject({
      code: 'ESTEIRA_FEATURES_REFUSED',
      message: expect.stringMatching(
        /orders_90d\.max: expected at most 0, found [\d,]+ rows, e\.g\. \w+, 2024-07-01: \d+/,
      ),
    })
    expect(await tableState()).toEqual(before)
    const [staged] = (await home.workspace.objects.list('staging/run-1/')).filter(({ key }) => key.endsWith('.parquet'))
    expect(staged?.sizeBytes).toBeGreaterThan(0)

    const report = JSON.parse(await read('reports/run-1/validation.json'))
    expect(report).toMatchObject({ view: 'tiny_features', runId: 'run-1', passed: false, stagingKey: staged?.key })
    const failed = report.checks.filter(({ passed }: { passed: boolean }) => !passed)
    expect(failed.map(({ name }: { name: string }) => name).sort()).toEqual(['fewer', 'orders_90d.max'])
    expect(failed[0].examples).toHaveLength(5)
    const text = await read('reports/run-1/validation.txt')
    expect(text).toMatch(/^tiny_features, run run-1: refused: nothing is published\n[\d,]+ rows in staging\/run-1\//)
    expect(text).toContain('FAILED  orders_90d.max\n  expected at most 0\n')

    const mended = await home.run('features', { ...RUN, definition: tiny })
    expect(mended['extract_features']).toMatchObject({ reused: true })
    expect(mended['validate_features']?.result.counts).toMatchObject({ warnings: 0, rowsReplaced: 0 })
    expect(mended['validate_features']?.result.counts?.['rowsPublished']).toBe(report.rows)
    const after = await tableState()
    expect(after.snapshotId).not.toBe(before.snapshotId)
    expect(after.rowCount).toBe((before.rowCount ?? 0) + report.rows)
    expect(JSON.parse(await read('reports/run-1/validation.json'))).toMatchObject({ passed: true })
  })

  it('publishes with a warning, and says so', async () => {
    const warned = projectOf({ tableRules: () => [tableRule.moreRowsThan(1e6, { severity: 'warning' })] })
    const { validate_features } = await home.run('features', { ...RUN, definition: warned })
    expect(validate_features?.result.summary[0]).toMatch(/^\d+ checks passed, 1 gave a warning → published/)
    expect(validate_features?.result.counts).toMatchObject({ warnings: 1 })
    expect(await tableState()).toMatchObject({ rowCount: validate_features?.result.counts?.['rowsPublished'] })
  })

  it('finds every customer in silver, reads it as the run does, and repeats nothing', async () => {
    const referring = projectOf({ tableRules: (_, { entity }) => [tableRule.references(entity, orders.customer_id)] })
    const first = await home.run('features', { ...RUN, definition: referring })
    const { read, wrote } = first['validate_features']?.result ?? {}
    expect(read).toEqual(first['extract_features']?.result.read)
    expect(wrote?.files).toEqual(['reports/run-1/validation.json', 'reports/run-1/validation.txt'])
    const again = await home.run('features', { ...RUN, definition: referring })
    expect(again['validate_features']).toMatchObject({ reused: true })
  })

  it('checks again when a rule has changed', async () => {
    await home.run('features', RUN)
    const ruled = projectOf({ tableRules: () => [tableRule.rowCount()] })
    const { validate_features } = await home.run('features', { ...RUN, definition: ruled })
    expect(validate_features).toMatchObject({ reused: false, result: { counts: { rowsReplaced: 0 } } })
  })

  it('removes what old runs left staged, after a refusal too', async () => {
    const { objects } = home.workspace
    const old = async (key: string) => {
      await objects.put(key, 'x')
      await utimes(objects.locate(key), new Date('2020-01-01'), new Date('2020-01-01'))
    }
    await old('staging/run-a/tiny_features.parquet')
    await home.run('features', RUN)
    expect((await objects.list('staging/run-a/')).length).toBe(0)
    await old('staging/run-b/tiny_features.parquet')
    const strict = projectOf({ rules: { value_90d: z.number().max(-1) } })
    await expect(home.run('features', { ...RUN, definition: strict })).rejects.toMatchObject({ exitCode: 65 })
    expect((await objects.list('staging/run-b/')).length).toBe(0)
    expect((await objects.list('staging/run-1/')).length).toBeGreaterThan(0)
  })

  it('refuses a number of days that is none', async () => {
    await home.run('features', RUN)
    const options = { 'keep-staged-days': 'soon' }
    const definition = projectOf({ tableRules: () => [tableRule.rowCount()] })
    await expect(home.step(validateFeaturesStep, 'features', { ...RUN, options, definition })).rejects.toMatchObject({
      code: 'ESTEIRA_USAGE',
      message: '--keep-staged-days: expected a whole number from 1, found "soon"',
    })
  })

  it('says what to do when the staged batch is gone', async () => {
    await home.run('features', RUN)
    await home.workspace.objects.delete('staging/run-1/tiny_features.parquet')
    const definition = projectOf({ tableRules: () => [tableRule.rowCount()] })
    await expect(home.step(validateFeaturesStep, 'features', { ...RUN, definition })).rejects.toMatchObject({
      code: 'ESTEIRA_NO_DATA',
      hint: expect.stringContaining('Run extract_features again'),
    })
  })
})
