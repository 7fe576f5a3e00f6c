import { type Lakehouse, type TableRead, toRows } from '@esteira/core'
import { keepUnderDigest } from './keep-under-digest.js'
import { pointInTimeSelect } from './point-in-time-select.js'
import { joinInDuckDb, ScratchTables } from './point-in-time-tables.js'
import { type JoinScope, type PreparedJoin, prepareJoin } from './prepare-join.js'
import { columnsOf, versionedName } from './resolve-spine.js'
import { type StoredTrainingSet, type ViewCounts, writeTrainingSetManifest } from './stored-training-set.js'
import type { TrainingSetRequest } from './training-set-request.js'

/** See `FeatureStore.getTrainingSet`. */
export async function getTrainingSet(
  request: TrainingSetRequest,
  scope: JoinScope & { readonly newId: () => string },
): Promise<StoredTrainingSet> {
  const { lakehouse, objects } = scope
  const id = scope.newId()
  const scratchKey = `staging/training-sets/${id}`
  const signal = request.signal && { signal: request.signal }
  const join = { engine: lakehouse.engine, scratch: `training set ${id}`, ...signal }
  const tables = new ScratchTables(join)
  try {
    const prepared = await prepareJoin(request, scope, { tables, scratchKey })
    const key = `${scratchKey}/data.parquet`
    const { rowCount, counts } = await joinInDuckDb(prepared.plan, join, async (joined) => ({
      ...(await lakehouse.writeParquet(key, joined.select, signal)),
      counts: await countsOf(lakehouse, prepared, joined.counts),
    }))
    const columns = await columnsOf(lakehouse, await lakehouse.parquet(key))
    const reads = uniqueReads([...prepared.spine.tables, ...prepared.views.map(({ read }) => read)])
    const { digest, dataKey } = await keepUnderDigest(objects, { key, rowCount })
    if (request.pin === true) await pin(lakehouse, reads, digest)
    const set: StoredTrainingSet = {
      digest,
      dataKey,
      name: request.name ?? prepared.views.map(({ definition }) => definition.name).join(' + '),
      rowCount,
      rowsDropped: counts.spineRows - rowCount,
      columns,
      ...counts,
      tables: reads,
      spine: prepared.spine.about,
      asOf: request.asOf ?? null,
      knownAt: request.knownAt?.toISOString() ?? null,
      recomputed: request.recompute === true,
      missing: request.missing ?? 'keep',
      query: queryText(prepared),
    }
    await writeTrainingSetManifest(objects, set)
    return set
  } finally {
    await tables.dropAll()
    for (const { key } of await objects.list(`${scratchKey}/`)) await objects.delete(key)
  }
}

/** How each view met the rows of the spine: those that were left out count too. */
async function countsOf(
  { engine }: Lakehouse,
  { views }: PreparedJoin,
  counts: string,
): Promise<Pick<StoredTrainingSet, 'spineRows' | 'views'>> {
  const [row] = toRows(await engine.query(counts))
  const count = (name: string) => Number(row?.[name] ?? 0)
  const spineRows = count('rows')
  const met = views.map((view, index): ViewCounts => {
    const found = count(`found${index}`)
    const matched = count(`usable${index}`)
    return {
      view: view.definition.name,
      version: view.version,
      ...view.read,
      ttlDays: view.ttlDays ?? null,
      features: view.features.map(({ as }) => as),
      matched,
      expired: found - matched,
      unmatched: spineRows - found,
    }
  })
  return { spineRows, views: met }
}

/** Tags the snapshots, named for the set: `expire` keeps what a tag names. */
async function pin(lakehouse: Lakehouse, reads: readonly TableRead[], digest: string): Promise<void> {
  for (const { table, snapshotId } of reads) {
    if (snapshotId !== null) await lakehouse.tag(table, `training-set-${digest.slice(0, 16)}`, { snapshotId })
  }
}

/** The join in Athena's dialect, with the snapshots in it. */
function queryText({ plan, spine, views }: PreparedJoin): string {
  return pointInTimeSelect({
    ...plan,
    spine: spine.text,
    views: plan.views.map((view, index) => ({ ...view, relation: textOf(views[index]?.read) })),
  })
}

function textOf(read: TableRead | undefined): string {
  return read === undefined ? '' : versionedName(read)
}

function uniqueReads(reads: readonly TableRead[]): TableRead[] {
  return [...new Map(reads.map((read) => [JSON.stringify([read.table, read.snapshotId]), read])).values()]
}
