import { ENTRY_STATUS, type ManifestFile } from '../../iceberg/data-file.js'
import { groupBy } from '../maintain/pack.js'
import type { Tables } from '../tables.js'
import type { Attempt } from './commit-loop.js'
import { manifestBins, manifestTarget, positive, rewriteManifests } from './next-manifests.js'

const DEFAULT_MIN_COUNT = 100
/** A manifest from this share of the target on is large enough to stay. */
const LARGE_ENOUGH = 0.75

/**
 * The manifests of the next snapshot with small ones merged, once there are many of them (Iceberg's properties
 * `commit.manifest.min-count-to-merge`, `commit.manifest.target-size-bytes`, `commit.manifest-merge.enabled`). Those that
 * this attempt wrote stay as they are.
 */
export async function mergeWhenMany(
  tables: Tables,
  attempt: Attempt,
  snapshotId: bigint,
  manifests: readonly ManifestFile[],
): Promise<readonly ManifestFile[]> {
  const { properties } = attempt.table.metadata
  if (properties['commit.manifest-merge.enabled'] === 'false') return manifests
  const minCount = positive(properties['commit.manifest.min-count-to-merge']) ?? DEFAULT_MIN_COUNT
  return mergeManifests(tables, attempt, snapshotId, { manifests, minCount })
}

/** The manifests with the small ones merged, of each partitioning by itself, when there are at least so many. */
export async function mergeManifests(
  tables: Tables,
  attempt: Attempt,
  snapshotId: bigint,
  { manifests, minCount }: { readonly manifests: readonly ManifestFile[]; readonly minCount: number },
): Promise<readonly ManifestFile[]> {
  const limit = manifestTarget(attempt.table.metadata) * LARGE_ENOUGH
  const small = manifests.filter((each) => each.addedSnapshotId !== snapshotId && each.sizeBytes < limit)
  const many = groupBy(small, ({ specId, content }) => `${specId} ${content}`).filter(
    ({ length }) => length >= minCount,
  )
  const merged = new Map<ManifestFile, ManifestFile | undefined>()
  for (const bin of manifestBins(attempt, many.flat())) {
    const [first, ...others] = bin
    if (first === undefined || others.length === 0) continue
    const existing = { status: ENTRY_STATUS.existing }
    merged.set(first, await rewriteManifests(tables, attempt, snapshotId, bin, (entry) => ({ ...entry, ...existing })))
    for (const other of others) merged.set(other, undefined)
  }
  return manifests.flatMap((each) => (merged.has(each) ? (merged.get(each) ?? []) : [each]))
}
