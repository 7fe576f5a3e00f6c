import { join } from 'node:path'
import { avg, count, entity, featureHash, mode, source, sum, view } from '@esteira/core'
import {
  diffViews,
  ensureFeatureVersion,
  openLocalObjectStore,
  registeredVersions,
  registeredViews,
} from '@esteira/lakehouse'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from './test-lakehouse.js'

const orders = source('orders', {
  format: 'csv',
  path: 'none',
  entity: entity('customer_id'),
  key: 'order_id',
  time: 'ordered_at',
  columns: {
    order_id: 'string',
    customer_id: 'string',
    ordered_at: 'timestamp',
    amount: 'double',
    fee: 'double',
    category: 'string?',
  },
})
const base = {
  orders_30d: count(orders, { days: 30 }),
  spent: sum(orders.amount, { days: 90 }),
  category: mode(orders.category, { days: 90 }),
}
const first = view('shop', { from: orders, features: base, owner: 'ana' })
const second = view('shop', {
  from: orders,
  features: {
    orders_30d: count(orders, { days: 60 }),
    spent: avg(orders.fee, { days: 90 }),
    rows: count(orders, { days: 7 }),
  },
})

describe('the registry of views', () => {
  it('counts definitions, keeps the old ones readable, and finds a known one again', async () => {
    const objects = openLocalObjectStore(join(await temporaryFolder(), 'objects'))
    expect(await registeredViews(objects)).toEqual([])
    const at = (day: string) => new Date(`${day}T00:00:00Z`)
    expect(await ensureFeatureVersion(objects, first, at('2024-01-01'))).toMatchObject({ version: 1 })
    expect(await ensureFeatureVersion(objects, second, at('2024-02-01'))).toMatchObject({ version: 2 })
    expect(await ensureFeatureVersion(objects, first, at('2024-03-01'))).toMatchObject({
      version: 1,
      hash: featureHash(first),
    })
    await ensureFeatureVersion(objects, view('other', { from: orders, features: base }), at('2024-03-01'))
    expect(await registeredViews(objects)).toEqual(['other', 'shop'])
    const [one, two] = await registeredVersions(objects, 'shop')
    expect(one).toMatchObject({ version: 1, registeredAt: at('2024-01-01') })
    expect(JSON.stringify(one?.definition)).toBe(JSON.stringify(first))
    expect(two?.hash).toBe(featureHash(second))
  })

  it('shows a new owner or time to live without a new version', async () => {
    const objects = openLocalObjectStore(join(await temporaryFolder(), 'objects'))
    const registeredAt = new Date('2024-01-01T00:00:00Z')
    await ensureFeatureVersion(objects, first, registeredAt)
    const moved = view('shop', { from: orders, features: base, owner: 'rui', ttlDays: 30 })
    expect(await ensureFeatureVersion(objects, moved, new Date('2024-05-01T00:00:00Z'))).toMatchObject({ version: 1 })
    const versions = await registeredVersions(objects, 'shop')
    expect(versions).toHaveLength(1)
    expect(versions[0]).toMatchObject({ registeredAt, definition: { owner: 'rui', ttlDays: 30 } })
  })

  it('gives definitions registered at once versions of their own', async () => {
    const objects = openLocalObjectStore(join(await temporaryFolder(), 'objects'))
    const views = [1, 2, 3, 4, 5].map((days) =>
      view('shop', { from: orders, features: { n: count(orders, { days }) } }),
    )
    const versions = await Promise.all(views.map((each) => ensureFeatureVersion(objects, each, new Date(0))))
    expect(versions.map(({ version }) => version).sort()).toEqual([1, 2, 3, 4, 5])
  })

  it('refuses an object that is no definition', async () => {
    const objects = openLocalObjectStore(join(await temporaryFolder(), 'objects'))
    await objects.put('features/shop/v1.json', '{"view":"shop","version":1,"hash":"x"}')
    await expect(registeredVersions(objects, 'shop')).rejects.toMatchObject({ code: 'ESTEIRA_CATALOG_CORRUPT' })
  })
})

describe('the difference of two definitions', () => {
  it('names features added, removed and changed, and how', () => {
    expect(diffViews(first, second)).toEqual({
      added: ['rows'],
      removed: ['category'],
      changed: [
        { feature: 'orders_30d', how: ['window: 30 days → 60 days'] },
        { feature: 'spent', how: ['columns: amount → fee', 'aggregates: sum → count, sum'] },
      ],
      definition: [],
      about: [{ part: 'owner', before: 'ana', after: '' }],
    })
    const none = diffViews(first, first)
    expect(Object.values(none).flat()).toEqual([])
  })

  it('names a change of the population, the source and the time to live', () => {
    const zoned = source('orders', {
      format: 'csv',
      path: 'none',
      entity: entity('customer_id'),
      key: 'order_id',
      time: 'ordered_at',
      timezone: 'Asia/Tokyo',
      columns: {
        order_id: 'string',
        customer_id: 'string',
        ordered_at: 'timestamp',
        amount: 'double',
        fee: 'double',
        category: 'string?',
      },
    })
    const changed = view('shop', { from: zoned, features: base, owner: 'ana', activeWithinDays: 90, ttlDays: 7 })
    const { definition, about, changed: features } = diffViews(first, changed)
    expect(features).toEqual([])
    expect(definition).toEqual([
      { part: 'source.timezone', before: 'UTC', after: 'Asia/Tokyo' },
      { part: 'activeWithinDays', before: 365, after: 90 },
    ])
    expect(about).toEqual([{ part: 'ttlDays', before: null, after: 7 }])
  })
})
