import { toRows } from '@esteira/core'
import { describe, expect, it } from 'vitest'
import { customers, type FeatureHome, openFeatureHome } from './feature-store-home.js'

const SPINE = { query: "SELECT 'c1' AS customer_id, TIMESTAMP '2024-03-01 00:00:00' AS at", time: 'at' }

async function spentKnownAt(home: FeatureHome, knownAt?: Date) {
  const set = await home.features.getTrainingSet({ spine: SPINE, views: [customers], ...(knownAt && { knownAt }) })
  const [row] = toRows((await home.features.trainingSet(set.digest)).rows)
  return { spent: row?.['spent'], digest: set.digest, snapshotId: set.views[0]?.snapshotId }
}

async function committedAt(home: FeatureHome, snapshotId: string): Promise<Date> {
  const snapshots = await home.lakehouse.snapshots('feature_store.customers')
  return snapshots.find((each) => each.snapshotId === snapshotId)?.committedAt ?? new Date(Number.NaN)
}

describe('a training set as it was known at a moment', () => {
  it('is not changed by a corrected rerun or by a backfill after the moment', async () => {
    const home = await openFeatureHome()
    const first = await home.publish(customers, ["('c1', DATE '2024-02-01', 1, 1, 'a')"])
    const moment = await committedAt(home, first)
    const before = await spentKnownAt(home, moment)
    expect(before).toMatchObject({ spent: 1, snapshotId: first })
    await home.correct(customers, '2024-02-01', ["('c1', DATE '2024-02-01', 2, 2, 'b')"])
    // A backfill of a later feature date, and its rows say that they were created long ago.
    await home.publish(customers, ["('c1', DATE '2024-02-15', 3, 3, 'c')"], { at: '2024-01-01 00:00:00' })
    expect(await spentKnownAt(home, moment)).toEqual(before)
    expect(await spentKnownAt(home)).toMatchObject({ spent: 3 })
    const between = await spentKnownAt(home, new Date(moment.getTime() + 10 * 60_000))
    expect([2, 3]).toContain(between.spent)
  })

  it('reads the rows of the spine as they were known as well', async () => {
    const home = await openFeatureHome()
    await home.publish(customers, ["('c1', DATE '2024-02-01', 1, 1, 'a')"])
    await home.lakehouse.ensureTable('silver.asked', {
      columns: [
        { name: 'customer_id', type: 'string' },
        { name: 'at', type: 'timestamp' },
      ],
    })
    const commit = (commitId: string) => ({ commitId, runId: 'test' })
    const { snapshotId = '' } = await home.lakehouse.append(
      'silver.asked',
      "SELECT 'c1' AS customer_id, TIMESTAMP '2024-03-01 00:00:00' AS at",
      commit('one'),
    )
    const knownAt = (await home.lakehouse.snapshots('silver.asked'))[0]?.committedAt ?? new Date(0)
    await home.lakehouse.append(
      'silver.asked',
      "SELECT 'c2' AS customer_id, TIMESTAMP '2024-03-01 00:00:00' AS at",
      commit('two'),
    )
    const request = { spine: { query: 'SELECT customer_id, at FROM silver.asked', time: 'at' }, views: [customers] }
    const known = await home.features.getTrainingSet({ ...request, knownAt })
    expect(known).toMatchObject({ rowCount: 1, knownAt: knownAt.toISOString() })
    expect(known.tables[0]).toEqual({ table: 'silver.asked', snapshotId })
    expect(await home.features.getTrainingSet(request)).toMatchObject({ rowCount: 2 })
  })

  it('is refused before the first snapshot, and after it has expired, with what to do', async () => {
    const home = await openFeatureHome()
    await home.publish(customers, ["('c1', DATE '2024-02-01', 1, 1, 'a')"])
    await expect(spentKnownAt(home, new Date('2024-01-01T00:00:00Z'))).rejects.toMatchObject({
      code: 'ESTEIRA_TABLE_MISSING',
      message: expect.stringContaining('feature_store.customers cannot be read as it was known at 2024-01-01'),
      hint: expect.stringContaining('recompute: true'),
    })
    const request = { spine: SPINE, views: [customers] }
    await expect(home.features.getTrainingSet({ ...request, recompute: true })).rejects.toMatchObject({
      code: 'ESTEIRA_USAGE',
    })
    await expect(
      home.features.getTrainingSet({ ...request, recompute: true, knownAt: new Date() }),
    ).rejects.toMatchObject({
      code: 'ESTEIRA_USAGE',
      message: expect.stringContaining('sourceKnownAt'),
    })
  })
})
