import { createHash } from 'node:crypto'
import type { Alert, AlertChannel, Logger, ObjectStore } from '@esteira/core'
import {
  AlertManager,
  alertId,
  type DriftPolicy,
  detectDrift,
  driftAlerts,
  fileAlertChannel,
  printAlertChannel,
} from '@esteira/monitoring'
import { buildReferenceProfile } from '@esteira/statistics'
import { describe, expect, it } from 'vitest'
import { doubles, frameOf, normals, uniform } from './random-columns.js'

const wave = normals(uniform(3), 500)
const columns = { a: doubles(wave), b: doubles(wave), c: doubles(wave), d: doubles(wave) }
const reference = buildReferenceProfile(frameOf(columns), {
  probability: wave.map((value) => 1 / (1 + Math.exp(-value))),
})

function alertsOf(shift: number, policy: Partial<DriftPolicy> = {}): Alert[] {
  const current = frameOf({ ...columns, b: doubles(wave.map((value) => value + shift)) })
  return driftAlerts(detectDrift({ reference, current, policy }), 'churn')
}

describe('alerts of a report', () => {
  it('are none without drift', () => {
    expect(alertsOf(0)).toEqual([])
  })

  it('name the column and what moved', () => {
    expect(alertsOf(0.4)).toMatchObject([
      { name: 'ColumnDrift', severity: 'warning', model: 'churn', column: 'b', kind: 'distribution' },
    ])
  })

  it('are critical, with one for the batch first, when the column is important', () => {
    expect(alertsOf(0.4, { important: ['b'] })).toMatchObject([
      { name: 'DatasetDrift', severity: 'critical', kind: 'dataset' },
      { name: 'ColumnDrift', severity: 'critical', column: 'b' },
    ])
  })

  it('keep their identity from run to run, and are sha256 of what they are about', () => {
    const [first] = alertsOf(0.4)
    const [second] = alertsOf(0.6, { important: ['b'] }).filter(({ name }) => name === 'ColumnDrift')
    expect(second?.id).toBe(first?.id)
    expect(second?.summary).not.toBe(first?.summary)
    expect(first?.id).toBe(createHash('sha256').update('churn|ColumnDrift|b|distribution').digest('hex'))
    expect(alertId({ model: 'm', name: 'DatasetDrift', kind: 'dataset' })).toBe(
      createHash('sha256').update('m|DatasetDrift||dataset').digest('hex'),
    )
  })

  it('tell of columns that cannot be compared and of the model’s output', () => {
    const { b: _, ...rest } = columns
    const report = detectDrift({ reference, current: frameOf(rest), probability: new Float64Array(500).fill(0.9) })
    const names = driftAlerts(report, 'churn').map(({ name, column }) => `${name} ${column}`)
    expect(names).toContain('ColumnUnusable b')
    expect(names).toContain('PredictionDrift probability')
  })
})

/** Keeps what was put, as a store does. */
function memoryStore(): { readonly store: Pick<ObjectStore, 'put'>; readonly objects: Map<string, string> } {
  const objects = new Map<string, string>()
  return { objects, store: { put: async (key, body) => objects.set(key, String(body)).has(key) } }
}

describe('AlertManager', () => {
  it('prints each alert at the level of its severity', async () => {
    const lines: string[] = []
    const at = (level: string) => (message: string) => void lines.push(`${level} ${message}`)
    const logger: Logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), progress() {} }
    const deliveries = await new AlertManager({ channels: [printAlertChannel(logger)] }).send(
      alertsOf(0.4, { important: ['b'] }),
    )
    expect(deliveries).toEqual([{ channel: 'print', delivered: true }])
    expect(lines).toHaveLength(2)
    expect(lines[1]).toMatch(/^error ColumnDrift: b: values moved/)
  })

  it('writes alerts.json, replacing an earlier attempt', async () => {
    const { store, objects } = memoryStore()
    const manager = new AlertManager({ channels: [fileAlertChannel(store, 'runs/r1/alerts.json')] })
    await manager.send(alertsOf(0.4, { important: ['b'] }))
    const alerts = alertsOf(0.5)
    await manager.send([...alerts, ...alerts])
    expect([...objects.keys()]).toEqual(['runs/r1/alerts.json'])
    expect(JSON.parse(objects.get('runs/r1/alerts.json') ?? '')).toEqual({ format: 'esteira-alerts/1', alerts })
  })

  it('reports a channel that fails and still uses the others', async () => {
    const { store, objects } = memoryStore()
    const failing: AlertChannel = {
      name: 'slack',
      send: async () => {
        throw new Error('429 slow down')
      },
    }
    const manager = new AlertManager({ channels: [failing, fileAlertChannel(store, 'alerts.json')] })
    expect(await manager.send(alertsOf(0.4))).toEqual([
      { channel: 'slack', delivered: false, error: '429 slow down' },
      { channel: 'file', delivered: true },
    ])
    expect(objects.size).toBe(1)
  })

  it('sends nothing when there is nothing to say', async () => {
    const { store, objects } = memoryStore()
    expect(await new AlertManager({ channels: [fileAlertChannel(store, 'alerts.json')] }).send([])).toEqual([])
    expect(objects.size).toBe(0)
  })
})
