import type { Step } from '@esteira/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openTinyHome, type TinyHome, TRAINING_DAY } from './tiny-home.js'

let home: TinyHome
beforeEach(async () => {
  home = await openTinyHome({ customers: 5 })
})
afterEach(() => home.close())

const run = { runDate: TRAINING_DAY, runId: 'run' }

/** A step that counts how often it ran, asked and reading what the test says. */
function countingStep(plan: { asked?: unknown; snapshotId?: string | null } = {}): Step & { ran: number } {
  const step = {
    name: 'count',
    description: 'counts',
    ran: 0,
    plan: async () => ({ asked: plan.asked ?? null, read: [{ table: 'a.b', snapshotId: plan.snapshotId ?? null }] }),
    run: async ({ workspace }: Parameters<Step['run']>[0]) => {
      step.ran++
      await workspace.objects.put('out/count.txt', String(step.ran))
      return { summary: [`ran ${step.ran}`], wrote: { files: ['out/count.txt'] }, output: { ran: step.ran } }
    },
  }
  return step
}

describe('executeStep', () => {
  it('uses the result of an earlier execution again when nothing it was asked or reads has changed', async () => {
    const step = countingStep()
    const one = await home.step(step, 'training', run)
    const other = await home.step(step, 'training', run)
    expect([one.reused, other.reused, step.ran]).toEqual([false, true, 1])
    expect(other.result).toEqual(one.result)
    expect(one.result).toMatchObject({ project: 'tiny', workflow: 'training', runId: 'run', step: 'count' })
    expect(one.result.runDate).toBe('2024-07-01T00:00:00.000Z')
  })

  it.each([
    ['what it was asked', { asked: { depth: 4 } }, {}],
    ['the snapshot of a table it reads', { snapshotId: '2' }, {}],
    ['the run date', {}, { runDate: '2024-07-02' }],
    ['the run id', {}, { runId: 'other' }],
  ])('runs again when %s differs', async (_, plan, changed) => {
    await home.step(countingStep(), 'training', run)
    const step = countingStep(plan)
    expect(await home.step(step, 'training', { ...run, ...changed })).toMatchObject({ reused: false })
    expect(step.ran).toBe(1)
  })

  it('runs again in another workflow, and when a file it wrote is gone', async () => {
    const step = countingStep()
    await home.step(step, 'training', run)
    expect(await home.step(step, 'inference', run)).toMatchObject({ reused: false })
    await home.workspace.objects.delete('out/count.txt')
    expect(await home.step(step, 'inference', run)).toMatchObject({ reused: false, result: { output: { ran: 3 } } })
  })

  it('stores nothing when the step fails, and keeps the result of before', async () => {
    const step = countingStep()
    await home.step(step, 'training', run)
    const failing: Step = { ...countingStep({ asked: 'more' }), run: () => Promise.reject(new Error('broken')) }
    await expect(home.step(failing, 'training', run)).rejects.toThrow('broken')
    expect(await home.step(step, 'training', run)).toMatchObject({ reused: true })
  })

  it('gives a step the results of others of its run, and says which step to run when there is none', async () => {
    await home.step(countingStep(), 'training', run)
    const reading: Step = {
      name: 'read',
      description: 'reads',
      plan: async () => ({ asked: null, read: [] }),
      run: async ({ resultOf, findResult }) => ({
        summary: [],
        output: { count: (await resultOf('count')).output, absent: (await findResult('absent')) === undefined },
      }),
    }
    expect((await home.step(reading, 'training', run)).result.output).toEqual({ count: { ran: 1 }, absent: true })
    await expect(home.step(reading, 'training', { ...run, runId: 'other' })).rejects.toMatchObject({
      code: 'ESTEIRA_STEP_RESULT_MISSING',
      message: 'step count has no result in run other',
      hint: expect.stringContaining('node steps/count.js'),
    })
  })

  it('refuses a stored result that is broken, naming its file', async () => {
    for (const text of ['{ half', '{"project": 1}']) {
      await home.workspace.objects.put('runs/run/count.json', text)
      await expect(home.step(countingStep(), 'training', run)).rejects.toMatchObject({
        code: 'ESTEIRA_STEP_RESULT_MISSING',
        message: expect.stringContaining('count.json is no step result'),
      })
    }
  })
})
