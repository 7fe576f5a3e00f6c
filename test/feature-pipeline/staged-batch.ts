import { join } from 'node:path'
import { EsteiraError, type FeatureView, type Lakehouse, type ObjectStore } from '@esteira/core'
import {
  type FeatureCheck,
  type PublishResult,
  type ValidateOptions,
  type ValidationReport,
  validateFeatures,
} from '@esteira/feature-pipeline'
import { openLocalObjectStore } from '@esteira/lakehouse'
import { openTestLakehouse, type Row } from '../lakehouse/test-lakehouse.js'

export const DAY = '2024-03-01'
const REPORT_KEY = 'reports/run-1/validation.json'
const STAGING_KEY = 'staging/run-1/batch.parquet'

/** A place where a batch of rows, given as SQL, can be staged and checked. */
export interface StagedBatch {
  readonly lakehouse: Lakehouse
  readonly objects: ObjectStore
  readonly rows: (sql: string) => Promise<Row[]>
  /** Stages a SELECT of the entity, `feature_date` and the features. */
  readonly stage: (select: string) => Promise<void>
  readonly publish: (options?: Partial<ValidateOptions>) => Promise<PublishResult>
  /** Checks the staged batch and gives what was not as expected, whether it was refused or published. */
  readonly failures: (options?: Partial<ValidateOptions>) => Promise<readonly FeatureCheck[]>
  readonly report: () => Promise<ValidationReport>
  readonly text: () => Promise<string>
}

export async function openStagedBatch(view: FeatureView): Promise<StagedBatch> {
  const { home, lakehouse, rows } = await openTestLakehouse()
  const objects = openLocalObjectStore(join(home, 'objects'))
  const read = async (key: string) => new TextDecoder().decode(await objects.get(key))
  const report = async (): Promise<ValidationReport> => JSON.parse(await read(REPORT_KEY))
  const publish = (options: Partial<ValidateOptions> = {}) =>
    validateFeatures({
      view,
      lakehouse,
      objects,
      stagingKey: STAGING_KEY,
      featureDates: [DAY],
      featureVersion: 1,
      newestEvents: { [DAY]: '2024-02-29' },
      runId: 'run-1',
      reportKey: REPORT_KEY,
      ...options,
    })
  return {
    lakehouse,
    objects,
    rows,
    report,
    publish,
    text: () => read(REPORT_KEY.replace('.json', '.txt')),
    async stage(select) {
      await lakehouse.writeParquet(
        STAGING_KEY,
        `SELECT b.*, 1::INTEGER AS _feature_version, 'hash' AS _feature_hash, TIMESTAMP '2024-03-01 10:00:00' AS _created_at
         FROM (${select}) AS b`,
      )
    },
    async failures(options) {
      try {
        await publish(options)
      } catch (error) {
        if (!(error instanceof EsteiraError) || error.code !== 'ESTEIRA_FEATURES_REFUSED') throw error
      }
      return (await report()).checks.filter(({ passed }) => !passed)
    },
  }
}
