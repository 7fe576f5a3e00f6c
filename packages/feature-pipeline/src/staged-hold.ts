import { EsteiraError, type ObjectStore } from '@esteira/core'

/** Where staged batches lie: `staging/<run id>/<view>.parquet`. */
export const STAGING_PREFIX = 'staging/'

/**
 * Says that a staged batch is about to be checked: from now on it counts as touched, so that no sweep takes it away meanwhile, and
 * a refused batch is kept as long as a new one.
 *
 * @throws EsteiraError ESTEIRA_NO_DATA when the batch is not there any more
 */
export async function holdStaged(objects: ObjectStore, stagingKey: string): Promise<void> {
  await objects.put(`${stagingKey}.checked`, '')
  if ((await objects.list(stagingKey)).some(({ key }) => key === stagingKey)) return
  await objects.delete(`${stagingKey}.checked`)
  throw new EsteiraError('ESTEIRA_NO_DATA', `there is no staged batch at ${objects.locate(stagingKey)}`, {
    hint: 'Run extract_features again; staged batches are removed some days after they were last touched.',
    details: { stagingKey },
  })
}
