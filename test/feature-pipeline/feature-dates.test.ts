import { resolve } from 'node:path'
import type { StepScope } from '@esteira/core'
import { extractFeaturesStep } from '@esteira/feature-pipeline'
import { openWorkspace } from 'esteira'
import { describe, expect, it, onTestFinished } from 'vitest'
import { temporaryFolder } from '../lakehouse/test-lakehouse.js'

const PROJECT = resolve(import.meta.dirname, '../../projects/churn')

/** What the step says it was asked, with the flag as a person would write it. */
async function askedFor(featureDates?: string): Promise<unknown> {
  const lab = await openWorkspace(PROJECT, { home: await temporaryFolder(), runDate: '2024-07-01' })
  onTestFinished(() => lab.close())
  const { context, workspace } = lab
  const scope: StepScope = {
    context,
    workspace,
    workflow: 'manual',
    options: { 'feature-dates': featureDates },
    resultOf: async (step) => {
      throw new Error(`${step} has no result`)
    },
    findResult: async () => undefined,
  }
  const { asked } = await extractFeaturesStep.plan(scope)
  return typeof asked === 'object' && asked !== null && 'featureDates' in asked ? asked.featureDates : undefined
}

describe('the feature dates of a step', () => {
  it('are the run date, the training dates, a range of months or single days', async () => {
    expect(await askedFor()).toEqual(['2024-07-01'])
    expect(await askedFor('run-date')).toEqual(['2024-07-01'])
    const training = await askedFor('training')
    expect(training).toHaveLength(12)
    expect(training).toEqual(expect.arrayContaining(['2023-05-01', '2024-04-01']))
    expect(await askedFor('2023-12-15..2024-02-29')).toEqual(['2024-01-01', '2024-02-01'])
    expect(await askedFor('2024-03-15,2024-02-29,2024-03-15')).toEqual(['2024-02-29', '2024-03-15'])
  })

  it('are refused when they are no dates', async () => {
    for (const text of [
      'tomorrow',
      '2024-02-30',
      '2024-03-01..2024-01-01',
      '2024-01-02..2024-01-31',
      '2024-01-01,x',
      '',
    ]) {
      await expect(askedFor(text)).rejects.toMatchObject({
        code: 'ESTEIRA_USAGE',
        message: `--feature-dates: expected run-date, training, FROM..TO or days, found ${JSON.stringify(text)}`,
      })
    }
  })
})
