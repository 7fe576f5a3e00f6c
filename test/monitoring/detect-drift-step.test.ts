import { detectDriftStep, handleDriftStep, notifyStep } from 'esteira'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTinyHome, type TinyHome, TRAINING_DAY } from '../esteira/tiny-home.js'

let home: TinyHome
beforeAll(async () => {
  // From the day after the training on, orders cost ten times as much and half of them are of a new kind.
  home = await openTinyHome({ customers: 1200, shiftedFrom: TRAINING_DAY })
  await home.run('training', { runDate: TRAINING_DAY, runId: 'training' })
})
afterAll(() => home?.close())

async function json(key: unknown): Promise<Record<string, unknown>> {
  const body = await home.workspace.objects.get(String(key))
  return JSON.parse(new TextDecoder().decode(body))
}

describe('detect_drift', () => {
  it('finds none in rows of the distribution that the model was judged on', async () => {
    const done = await home.run('inference', { runDate: TRAINING_DAY, runId: 'same' })
    const { decision, output, counts } = done['detect_drift']?.result ?? {}
    expect([decision, output?.['verdict']]).toEqual(['none', 'none'])
    expect(counts).toMatchObject({ driftedColumns: 0, rows: done['score_model']?.result.counts?.['rows'] })
    expect(await json(output?.['monitoringKey'])).toMatchObject({
      format: 'esteira-monitoring/1',
      model: { name: 'tiny', version: 1 },
      runId: 'same',
      alerts: [],
    })
  })

  it('finds the columns that moved, decides for drift and writes the report', async () => {
    const done = await home.run('inference', { runDate: '2024-08-01', runId: 'moved' })
    const { decision, output, wrote } = done['detect_drift']?.result ?? {}
    expect(decision).toBe('drift')
    const document = await json(output?.['monitoringKey'])
    const alerts = document['alerts'] as { readonly column?: string; readonly kind: string }[]
    const drifted = alerts.map(({ column }) => column)
    for (const column of ['value_90d', 'avg_value_30d', 'max_value_90d', 'favourite_kind'])
      expect(drifted).toContain(column)
    expect(drifted).not.toContain('orders_30d')
    const html = new TextDecoder().decode(await home.workspace.objects.get(String(output?.['reportKey'])))
    expect(html).toContain('<!doctype html>')
    expect(html).toContain('avg_value_30d')
    expect(wrote?.files).toEqual(['reports/moved/monitoring.json', 'reports/moved/report.html'])
  })

  it('ends with 65 for drift only when --fail-on drift was given', async () => {
    const run = { runDate: '2024-08-01', runId: 'moved', options: { 'fail-on': 'drift' } }
    await expect(home.step(detectDriftStep, 'inference', run)).rejects.toMatchObject({
      code: 'ESTEIRA_DRIFT_FOUND',
      exitCode: 65,
      hint: expect.stringContaining('report.html'),
    })
    const calm = { runDate: TRAINING_DAY, runId: 'same', options: { 'fail-on': 'drift' } }
    expect((await home.step(detectDriftStep, 'inference', calm)).result.decision).toBe('none')
  })

  it('refuses to run before anything was scored', async () => {
    const run = { runDate: TRAINING_DAY, runId: 'nothing' }
    await expect(home.step(detectDriftStep, 'inference', run)).rejects.toMatchObject({
      code: 'ESTEIRA_STEP_RESULT_MISSING',
      message: expect.stringContaining('score_model'),
    })
  })
})

describe('handle_drift', () => {
  it('writes the alerts of the report once', async () => {
    const run = { runDate: '2024-08-01', runId: 'moved' }
    await home.step(detectDriftStep, 'inference', run)
    const { result } = await home.step(handleDriftStep, 'inference', run)
    const told = (await json('reports/moved/alerts.json'))['alerts'] as readonly unknown[]
    const raised = (await json('reports/moved/monitoring.json'))['alerts'] as readonly unknown[]
    expect(told).toEqual(raised)
    expect(result).toMatchObject({ decision: 'alerted', counts: { alerts: told.length } })
    expect((await home.step(handleDriftStep, 'inference', run)).reused).toBe(true)
  })
})

describe('notify', () => {
  const alertsOf = async (runId: string) =>
    (await json(`reports/${runId}/notification.json`))['alerts'] as readonly Record<string, unknown>[]

  it('tells how the run ended, in one alert', async () => {
    const { result } = await home.step(notifyStep, 'training', { runDate: TRAINING_DAY, runId: 'training' })
    expect(result.counts).toEqual({ delivered: 2, failed: 0 })
    expect(await alertsOf('training')).toEqual([
      expect.objectContaining({
        model: 'tiny',
        severity: 'info',
        summary: expect.stringContaining('run training: 2 of 2 gates passed'),
      }),
    ])
  })

  it('warns of drift', async () => {
    await home.step(notifyStep, 'inference', { runDate: '2024-08-01', runId: 'moved' })
    expect(await alertsOf('moved')).toEqual([expect.objectContaining({ severity: 'warning' })])
  })
})
