import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import {
  entity,
  type FeatureView,
  type ObjectStore,
  quoteText,
  source,
  tableNames,
  unavailable,
  view,
} from '@esteira/core'
import {
  ensureFeatureVersion,
  type FeatureStore,
  type FeatureStoreOptions,
  featureTableDefinition,
  openFeatureStore,
  openLocalObjectStore,
} from '@esteira/lakehouse'
import { openTestLakehouse, type TestLakehouse } from './test-lakehouse.js'

const shop = source('orders', {
  format: 'csv',
  path: 'none',
  entity: entity('customer_id'),
  key: 'order_id',
  time: 'ordered_at',
  timezone: 'America/Sao_Paulo',
  columns: { order_id: 'string', customer_id: 'string', ordered_at: 'timestamp' },
})

const stock = source('stock', {
  format: 'csv',
  path: 'none',
  entity: entity('product_id', 'long'),
  key: 'order_id',
  time: 'ordered_at',
  columns: { order_id: 'string', product_id: 'long', ordered_at: 'timestamp' },
})

/** Views whose rows the tests write themselves. */
export const customers = view('customers', {
  from: shop,
  features: { spent: unavailable('double'), orders: unavailable('bigint'), segment: unavailable('varchar') },
})
export const products = view('products', { from: stock, features: { price: unavailable('double') }, ttlDays: 10 })

export interface FeatureHome extends TestLakehouse {
  readonly objects: ObjectStore
  readonly features: FeatureStore
  /** Adds rows of a view in one commit: texts of a VALUES list without version, hash and time. */
  publish(
    view: FeatureView,
    rows: readonly string[],
    options?: { readonly at?: string; readonly commitId?: string },
  ): Promise<string>
  /** Replaces the rows of one date. */
  correct(view: FeatureView, day: string, rows: readonly string[]): Promise<string>
}

/** A feature store over empty tables in a new folder. */
export async function openFeatureHome(
  options: Partial<FeatureStoreOptions> & { readonly threads?: number } = {},
): Promise<FeatureHome> {
  let now = Date.parse('2024-06-01T00:00:00Z')
  // A clock of its own: commits are a minute apart.
  const tick = () => {
    now += 60_000
    return new Date(now)
  }
  const home = await openTestLakehouse({ now: tick })
  const { lakehouse } = home
  const objects = openLocalObjectStore(join(home.home, 'objects'))
  const rowsOf = async (of: FeatureView, rows: readonly string[], at: string) => {
    const { version, hash } = await ensureFeatureVersion(objects, of, new Date(0))
    await lakehouse.ensureTable(tableNames.features(of), featureTableDefinition(of))
    const names = [of.from.entity.column, 'feature_date', ...Object.keys(of.features)].map((name) => `"${name}"`)
    return `SELECT *, ${version} AS "_feature_version", ${quoteText(hash)} AS "_feature_hash", TIMESTAMP ${quoteText(at)} AS "_created_at" FROM (VALUES ${rows.join(', ')}) AS v(${names.join(', ')})`
  }
  return {
    ...home,
    objects,
    features: openFeatureStore({
      lakehouse,
      objects,
      newId: randomUUID,
      now: () => new Date('2024-06-30T00:00:00Z'),
      ...options,
    }),
    async publish(of, rows, { at = '2024-06-01 00:00:00', commitId = randomUUID() } = {}) {
      const select = await rowsOf(of, rows, at)
      const { snapshotId = '' } = await lakehouse.append(tableNames.features(of), select, { commitId, runId: 'test' })
      return snapshotId
    },
    async correct(of, day, rows) {
      const select = await rowsOf(of, rows, '2024-06-02 00:00:00')
      const slice = [{ column: 'feature_date', op: '=', value: day }] as const
      const commit = { commitId: randomUUID(), runId: 'test' }
      const { snapshotId = '' } = await lakehouse.replace(tableNames.features(of), slice, select, commit)
      return snapshotId
    },
  }
}
