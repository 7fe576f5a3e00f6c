import type { Frame } from '@esteira/core'
import { getTrainingSet } from './get-training-set.js'
import { type LatestRequest, latestFeatures } from './latest-features.js'
import type { JoinScope } from './prepare-join.js'
import { readTrainingSetManifest, type StoredTrainingSet } from './stored-training-set.js'
import type { TrainingSetRequest } from './training-set-request.js'

export interface FeatureStoreOptions extends JoinScope {
  /** A new unique id, a UUID: names of what lies in between. */
  readonly newId: () => string
  /** The time now: the day of the newest features. */
  readonly now: () => Date
}

/** Features as they were known: for training at past moments, for serving now. */
export interface FeatureStore {
  /**
   * Puts to each row of (entity, time) the features of several views as they stood at that time: of each view the newest row
   * whose feature date is not after the day of the time. A row at feature date D holds only events before D, so nothing of the
   * future comes in. Every row of the spine stays, also twice the same; where a view has no row, or only one older than its
   * time to live, its features are null and the counts say so.
   *
   * Times without a zone are the wall clock of the view's source; instants are turned into it.
   *
   * The set is kept as Parquet under the sha256 of its bytes. The same request over the same snapshots gives the same digest,
   * whatever the order of rows, the number of threads or the time; the set can be read after the snapshots have expired.
   *
   * @throws EsteiraError ESTEIRA_USAGE, ESTEIRA_SQL, ESTEIRA_COLUMN_MISSING, ESTEIRA_TABLE_MISSING, ESTEIRA_NO_DATA
   * @example
   * const set = await features.getTrainingSet({
   *   spine: { query: 'SELECT customer_id, asked_at, bought FROM silver.shop_offers', time: 'asked_at' },
   *   views: [customerFeatures, { view: 'product_features', prefix: 'product_', ttlDays: 30 }],
   *   knownAt: new Date('2026-01-01T00:00:00Z'),
   * })
   */
  getTrainingSet(request: TrainingSetRequest): Promise<StoredTrainingSet>
  /** A kept set by its digest. @throws EsteiraError ESTEIRA_NO_DATA */
  trainingSet(digest: string): Promise<{ readonly set: StoredTrainingSet; readonly rows: Frame }>
  /**
   * The newest features of some entities, in the order they were asked for, one row each: nulls where there are none, or only
   * ones older than the view's time to live. Only files that can hold rows of the newest dates are read.
   *
   * @throws EsteiraError ESTEIRA_USAGE, ESTEIRA_COLUMN_MISSING, ESTEIRA_TABLE_MISSING, ESTEIRA_NO_DATA
   * @example
   * const now = await features.latest({ view: customerFeatures, entities: ['C1', 'C2'] })
   */
  latest(request: LatestRequest): Promise<Frame>
}

/**
 * Opens the feature store over tables and objects. Nothing is read before it is asked for.
 *
 * @example
 * const features = openFeatureStore({ lakehouse, objects, newId: randomUUID, now: () => new Date() })
 */
export function openFeatureStore(options: FeatureStoreOptions): FeatureStore {
  const { lakehouse, objects } = options
  return {
    getTrainingSet: (request) => getTrainingSet(request, options),
    async trainingSet(digest) {
      const set = await readTrainingSetManifest(objects, digest)
      return { set, rows: await lakehouse.engine.query(`SELECT * FROM ${await lakehouse.parquet(set.dataKey)} AS t`) }
    },
    latest: (request) => latestFeatures(request, options),
  }
}
