import {
  DEFAULT_DRIFT_POLICY,
  detectDrift,
  monitoringDocument,
  monitoringDocumentSchema,
  serializeMonitoringDocument,
} from '@esteira/monitoring'
import { buildReferenceProfile } from '@esteira/statistics'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { doubles, frameOf, normals, text, uniform } from './random-columns.js'

const source = {
  modelName: 'churn',
  modelVersion: 3,
  runId: 'churn-inference-20260101',
  runDate: new Date('2026-01-01'),
}

/** Numbers that break careless statistics: nothing, NaN, infinities, extremes, one value, ties. */
const cell = fc.oneof(
  fc.constantFrom(
    null,
    0,
    -0,
    1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    5e-324,
    1e300,
    1.7e308,
    -1.7e308,
  ),
  fc.double(),
)
const cells = fc.array(cell, { maxLength: 30 })
const words = fc.array(fc.constantFrom('a', 'b', '', '<script>', '\u0000', 'é', '__proto__', 'constructor'), {
  maxLength: 30,
})

describe('monitoring.json', () => {
  it('is strict JSON that its schema accepts, whatever the data', () => {
    fc.assert(
      fc.property(cells, cells, words, words, fc.integer({ min: 0, max: 5 }), (before, now, old, fresh, minRows) => {
        for (const [a, b] of [
          [doubles(before), doubles(now)],
          [text(old), text(fresh)],
        ] as const) {
          const reference = buildReferenceProfile(frameOf({ x: a }))
          const report = detectDrift({ reference, current: frameOf({ x: b }), policy: { minRows } })
          const json = serializeMonitoringDocument(monitoringDocument(report, source))
          expect(monitoringDocumentSchema.parse(JSON.parse(json))).toEqual(JSON.parse(json))
        }
      }),
      { numRuns: 200 },
    )
  })

  it('holds the model, the run, the drift and its alerts, the same bytes each time', () => {
    const wave = normals(uniform(1), 500)
    const reference = buildReferenceProfile(frameOf({ x: doubles(wave), y: doubles(wave) }))
    const current = frameOf({ x: doubles(wave.map((value) => value + 0.4)), y: doubles(wave) })
    const write = () => serializeMonitoringDocument(monitoringDocument(detectDrift({ reference, current }), source))
    const document = JSON.parse(write())
    expect(document).toMatchObject({
      format: 'esteira-monitoring/1',
      model: { name: 'churn', version: 3 },
      runId: 'churn-inference-20260101',
      runDate: '2026-01-01T00:00:00.000Z',
      drift: { verdict: 'critical', policy: DEFAULT_DRIFT_POLICY },
    })
    expect(document.alerts.map(({ name }: { readonly name: string }) => name)).toEqual(['DatasetDrift', 'ColumnDrift'])
    expect(write()).toBe(write())
  })

  it('refuses another version and numbers that are none', () => {
    const reference = buildReferenceProfile(frameOf({ x: doubles([1, 2]) }))
    const document = monitoringDocument(detectDrift({ reference, current: frameOf({ x: doubles([1]) }) }), source)
    expect(monitoringDocumentSchema.safeParse({ ...document, format: 'esteira-monitoring/2' }).success).toBe(false)
    const broken = { ...document, drift: { ...document.drift, driftedShare: Number.NaN } }
    expect(() => serializeMonitoringDocument(broken)).toThrow(/driftedShare/)
  })
})
