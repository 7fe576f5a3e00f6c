import { EsteiraError, type ObjectStore } from '@esteira/core'
import { z } from 'zod'

const tableRead = z.object({ table: z.string(), snapshotId: z.string().nullable() })

/** How one view met the spine: `matched + expired + unmatched` is the number of the spine's rows. */
const viewCounts = z.object({
  view: z.string(),
  version: z.number(),
  /** The feature table, or the table that features were computed from anew. */
  ...tableRead.shape,
  ttlDays: z.number().nullable(),
  features: z.array(z.string()),
  /** Rows with features. */
  matched: z.number(),
  /** Rows whose newest feature row is older than the time to live. */
  expired: z.number(),
  /** Rows of an entity without any feature row up to their day. */
  unmatched: z.number(),
})
export type ViewCounts = z.output<typeof viewCounts>

const storedTrainingSet = z.object({
  /** sha256 of the Parquet file. */
  digest: z.string(),
  dataKey: z.string(),
  name: z.string(),
  rowCount: z.number(),
  /** Rows of the spine, and how many of them were left out for want of features. */
  spineRows: z.number(),
  rowsDropped: z.number(),
  columns: z.array(z.object({ name: z.string(), type: z.string() })),
  views: z.array(viewCounts),
  /** Every table that was read, at the snapshot that was read. */
  tables: z.array(tableRead),
  spine: z.record(z.string(), z.unknown()),
  asOf: z.string().nullable(),
  knownAt: z.string().nullable(),
  recomputed: z.boolean(),
  missing: z.enum(['keep', 'drop']),
  /** The join in Athena's dialect, with the snapshots in it. */
  query: z.string(),
})

/** A training set as it is kept: `training-sets/<digest>/data.parquet` and, beside it, this as `manifest.json`. */
export type StoredTrainingSet = z.output<typeof storedTrainingSet>

export async function writeTrainingSetManifest(objects: ObjectStore, set: StoredTrainingSet): Promise<void> {
  await objects.put(keyOf(set.digest), JSON.stringify(set, null, 2))
}

/** @throws EsteiraError ESTEIRA_NO_DATA when there is no set under the digest, ESTEIRA_CATALOG_CORRUPT */
export async function readTrainingSetManifest(objects: ObjectStore, digest: string): Promise<StoredTrainingSet> {
  const isDigest = /^[0-9a-f]{64}$/.test(digest)
  const body = isDigest ? await objects.get(keyOf(digest)) : undefined
  if (body === undefined) {
    throw new EsteiraError('ESTEIRA_NO_DATA', `there is no training set ${digest}`, {
      hint: 'A digest is 64 hexadecimal digits; the sets that are kept are folders of training-sets/ in the object store.',
    })
  }
  try {
    return storedTrainingSet.parse(JSON.parse(new TextDecoder().decode(body)))
  } catch (cause) {
    throw new EsteiraError('ESTEIRA_CATALOG_CORRUPT', `${keyOf(digest)} is no manifest of a training set`, {
      hint: 'Restore the object from a backup, or make the set again: the same request gives the same digest.',
      cause,
    })
  }
}

function keyOf(digest: string): string {
  return `training-sets/${digest}/manifest.json`
}
