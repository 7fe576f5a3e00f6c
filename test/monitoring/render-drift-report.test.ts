import type { Column } from '@esteira/core'
import { detectDrift, renderDriftReport } from '@esteira/monitoring'
import { buildReferenceProfile } from '@esteira/statistics'
import { describe, expect, it } from 'vitest'
import { doubles, frameOf, normals, text, uniform } from './random-columns.js'

const source = { modelName: 'churn', modelVersion: 3, runId: 'run-1', runDate: new Date('2026-01-01T06:00:00Z') }
const random = uniform(5)
const wave = normals(random, 400)

function render(before: Readonly<Record<string, Column>>, now: Readonly<Record<string, Column>>): string {
  const reference = buildReferenceProfile(frameOf(before))
  return renderDriftReport(detectDrift({ reference, current: frameOf(now) }), source)
}

function levels(prefix: string, count: number): Column {
  return text(Array.from({ length: 400 }, (_, i) => `${prefix} & a long name of level ${i % count}`))
}

describe('the drift page', () => {
  it('stays below 150 KB and 5 KB a column with 200 columns', () => {
    const columns = (shift: number) =>
      Object.fromEntries(
        Array.from({ length: 200 }, (_, i): [string, Column] => [
          `a_rather_long_feature_name_${i}`,
          i % 2 === 0 ? doubles(normals(random, 400, (shift * i) / 50)) : levels(`v${shift * (i % 4)}`, 12),
        ]),
      )
    const page = render(columns(0), columns(1))
    expect(Buffer.byteLength(page)).toBeLessThanOrEqual(150_000 + 200 * 5_000)
    expect(page.match(/<article/g)).toHaveLength(200)
    expect(page.match(/<svg/g)).toHaveLength(200)
  })

  it('needs nothing from elsewhere', () => {
    const page = render({ x: doubles(wave) }, { x: doubles(wave) })
    expect(page).not.toMatch(/https?:|src=|<script|<link|@import|url\(/)
    expect(page).toMatch(/prefers-color-scheme:dark/)
    expect(page).toMatch(/@media print/)
  })

  it('escapes names of columns, levels, models and runs', () => {
    const evil = '<img onerror="x">&\''
    const before = { [evil]: text(Array.from({ length: 400 }, (_, i) => `${evil}${i % 3}`)) }
    const now = {
      [evil]: text(Array.from({ length: 400 }, (_, i) => `${evil}${i % 2 === 0 ? 'new' : 0}`)),
      [`${evil}2`]: doubles(wave),
    }
    const reference = buildReferenceProfile(frameOf(before))
    const report = detectDrift({ reference, current: frameOf(now) })
    const page = renderDriftReport(report, { ...source, modelName: evil, runId: evil })
    expect(page).not.toContain('<img')
    expect(page).not.toContain('onerror="')
    expect(page).toContain('&lt;img onerror=&quot;x&quot;&gt;&amp;&#39;')
  })

  it('opens with the verdict and what to do', () => {
    const shifted = doubles(wave.map((value) => value + 1))
    expect(render({ x: doubles(wave) }, { x: shifted })).toMatch(/<strong>▲ Critical drift<\/strong><p>The model sees/)
    expect(render({ x: doubles(wave) }, { x: doubles(wave) })).toMatch(/<strong>✓ No drift<\/strong><p>Nothing to do/)
    expect(render({ x: doubles(wave) }, { x: doubles(wave.slice(0, 5)) })).toMatch(/<strong>… Not judged<\/strong>/)
  })

  it('shows drifted columns before steady ones, and the excluded with their reason', () => {
    const ids = text(Array.from({ length: 400 }, (_, i) => `id ${i}`))
    const before = { steady: doubles(wave), moved: doubles(wave), gone: doubles(wave), id: ids }
    const page = render(before, { steady: doubles(wave), moved: doubles(wave.map((value) => value * 4)), id: ids })
    const order = ['>moved<', '>gone<', '>steady<', '>id<'].map((name) => page.indexOf(name))
    expect(order.every((place) => place > 0)).toBe(true)
    expect(order).toEqual([...order].sort((a, b) => a - b))
    expect(page).toMatch(/identifier: 400 levels in 400 rows/)
  })

  it('is drawn without any broken number', () => {
    const odd = {
      one: doubles(Array(400).fill(3)),
      none: doubles(Array(400).fill(null)),
      huge: doubles(wave.map((v) => v * 1e250)),
    }
    for (const now of [odd, { one: doubles([]), none: doubles([]), huge: doubles([]) }]) {
      expect(render(odd, now)).not.toMatch(/NaN[^,]|Infinity|undefined|null[^s]/)
    }
  })
})
