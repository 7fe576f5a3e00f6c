import { toRows } from '@esteira/core'
import { describe, expect, it } from 'vitest'
import { customers, type FeatureHome, openFeatureHome, products } from './feature-store-home.js'

const spent = async (home: FeatureHome, entities: readonly string[], more: object = {}) =>
  toRows(await home.features.latest({ view: customers, entities, ...more })).map((row) => [
    row['customer_id'],
    row['feature_date'],
    row['spent'],
  ])

describe('the latest features', () => {
  it('are the newest rows of each entity, in the order asked for, nulls for strangers', async () => {
    const home = await openFeatureHome()
    await home.publish(customers, ["('c1', DATE '2024-06-01', 1, 1, 'a')", "('c2', DATE '2024-06-01', 2, 1, 'a')"])
    await home.publish(customers, [
      "('c1', DATE '2024-06-29', 3, 1, 'a')",
      "('c1', DATE '2024-07-05', 9, 1, 'later than today')",
    ])
    await home.publish(customers, ["('c3', DATE '2021-02-01', 4, 1, 'long ago')"])
    expect(await spent(home, ['c2', 'nobody', 'c1', 'c3', 'c2'])).toEqual([
      ['c2', '2024-06-01', 2],
      ['nobody', null, null],
      ['c1', '2024-06-29', 3],
      ['c3', '2021-02-01', 4],
      ['c2', '2024-06-01', 2],
    ])
    expect(await spent(home, ['c1'], { asOf: '2024-06-28' })).toEqual([['c1', '2024-06-01', 1]])
    expect(await spent(home, ['c1'], { asOf: '2024-07-05' })).toEqual([['c1', '2024-07-05', 9]])
    expect(await spent(home, ['c3', 'c1'], { ttlDays: 3 })).toEqual([
      ['c3', null, null],
      ['c1', '2024-06-29', 3],
    ])
  })

  it('come from few files: those of the newest dates', async () => {
    const home = await openFeatureHome()
    for (let month = 1; month <= 6; month++) {
      await home.publish(customers, [`('c1', DATE '2024-0${month}-15', ${month}, 1, 'a')`])
    }
    const where = [
      { column: 'feature_date', op: '<=', value: '2024-06-30' },
      { column: 'feature_date', op: '>=', value: '2024-05-30' },
    ] as const
    expect(await home.lakehouse.plan('feature_store.customers', { where })).toMatchObject({
      filesRead: 1,
      filesSkipped: 5,
    })
    // Files of older months are not opened: gone, they are not missed.
    const { rm } = await import('node:fs/promises')
    const { location } = (await home.lakehouse.table('feature_store.customers')) ?? { location: '' }
    await rm(`${location.replace('file://', '')}/data/feature_date_month=2024-01`, { recursive: true })
    expect(await spent(home, ['c1'])).toEqual([['c1', '2024-06-15', 6]])
  })

  it('use the time to live of the view, numbers as keys, and refuse what cannot be a key', async () => {
    const home = await openFeatureHome()
    await home.publish(products, ["(1, DATE '2024-06-20', 5)", "(2, DATE '2024-06-19', 6)"])
    const frame = await home.features.latest({ view: 'products', entities: [2, 1n] })
    expect(toRows(frame)).toEqual([
      { product_id: 2, feature_date: null, price: null },
      { product_id: 1, feature_date: '2024-06-20', price: 5 },
    ])
    const ask = (entities: readonly (string | number)[], more: object = {}) =>
      home.features.latest({ view: products, entities, ...more })
    await expect(ask(["1' OR '1'='1"])).rejects.toMatchObject({
      code: 'ESTEIRA_USAGE',
      message: expect.stringContaining('product_id of view products is a long'),
    })
    await expect(ask([1.5])).rejects.toMatchObject({ code: 'ESTEIRA_USAGE' })
    await expect(ask([])).rejects.toMatchObject({ code: 'ESTEIRA_USAGE' })
    await expect(ask([1], { asOf: 'today' })).rejects.toMatchObject({ code: 'ESTEIRA_USAGE' })
    await expect(home.features.latest({ view: customers, entities: ['c1'] })).rejects.toMatchObject({
      code: 'ESTEIRA_NO_DATA',
    })
  })
})
