import { EsteiraError, type ExpireOptions, type ExpireResult } from '@esteira/core'
import { currentSnapshot, snapshotById, type TableMetadata, type TableSnapshot } from '../../iceberg/table-metadata.js'
import { EXPIRED_COMMITS, rememberCommits } from '../commit/commit-history.js'
import { commitTable, isOutdated, type Proposal } from '../commit/commit-loop.js'
import { positive } from '../commit/next-manifests.js'
import { loadTable } from '../load-table.js'
import type { Tables } from '../tables.js'
import { filesIn, manifestsOf, statisticsFiles } from './reachable-files.js'
import { numberIn } from './table-refs.js'

const DAY_MS = 86_400_000
const DEFAULT_AGE_MS = 5 * DAY_MS
/** Properties of this form keep the snapshots that they name: training sets pin what they were made from. */
const PIN = 'esteira.pin.'

interface Expiry {
  readonly before: TableMetadata
  readonly after: TableMetadata
  readonly removed: readonly TableSnapshot[]
}

/**
 * Forgets old snapshots in one commit, then removes the files that only they needed. A crash between the two leaves
 * orphans, never a table that misses a file.
 */
export async function expireSnapshots(tables: Tables, name: string, options: ExpireOptions): Promise<ExpireResult> {
  checkOptions(options)
  const { dryRun = false } = options
  const nowMs = tables.now().getTime()
  const expiry = await commitTable(tables, name, undefined, async ({ table }): Promise<Proposal<Expiry>> => {
    const { metadata } = table
    if (!dryRun) refuseSharedFiles(name, metadata)
    const kept = keptSnapshots(metadata, options, nowMs)
    const removed = metadata.snapshots.filter((each) => !kept.has(each['snapshot-id']))
    const after = withoutSnapshots(metadata, removed, nowMs)
    const result = { before: metadata, after, removed }
    const nothing = removed.length === 0 && Object.keys(after.refs).length === Object.keys(metadata.refs).length
    return dryRun || nothing ? { settled: result } : { metadata: after, result }
  })
  const files = await unneededFiles(tables, name, expiry, dryRun)
  if (!dryRun) await tables.storage.remove([...files.data.keys(), ...files.metadata.keys()])
  const bytes = [...files.data.values(), ...files.metadata.values()]
  return {
    snapshots: expiry.removed.map((each) => String(each['snapshot-id'])),
    dataFiles: files.data.size,
    metadataFiles: files.metadata.size,
    sizeBytes: bytes.reduce((sum, size) => sum + size, 0),
    dryRun,
  }
}

/** Ids of the snapshots that stay: what a reference or a pin needs, and the newest of every branch. */
function keptSnapshots(metadata: TableMetadata, options: ExpireOptions, nowMs: number): ReadonlySet<bigint> {
  const kept = new Set<bigint>()
  const refs = Object.entries(livingRefs(metadata, nowMs))
  for (const [name, ref] of refs) {
    kept.add(ref['snapshot-id'])
    if (ref.type !== 'branch' && name !== 'main') continue
    const { count, beforeMs } = branchRules(metadata, ref, options, nowMs)
    let position = 0
    for (const each of lineFrom(metadata, ref['snapshot-id'])) {
      if (position < count || each['timestamp-ms'] >= beforeMs) kept.add(each['snapshot-id'])
      position += 1
    }
  }
  const current = currentSnapshot(metadata)
  if (current !== undefined) kept.add(current['snapshot-id'])
  for (const [key, value] of Object.entries(metadata.properties)) {
    if (key.startsWith(PIN)) for (const id of value.match(/\d+/g) ?? []) kept.add(BigInt(id))
  }
  // What no branch leads to (states that were rolled back) goes by age alone.
  const branches = refs.filter(([name, ref]) => ref.type === 'branch' || name === 'main')
  const inBranch = new Set(
    branches.flatMap(([, ref]) => [...lineFrom(metadata, ref['snapshot-id'])].map((each) => each['snapshot-id'])),
  )
  const { beforeMs } = branchRules(metadata, undefined, options, nowMs)
  for (const each of metadata.snapshots)
    if (!inBranch.has(each['snapshot-id']) && each['timestamp-ms'] >= beforeMs) kept.add(each['snapshot-id'])
  return kept
}

// What the caller says wins; then what the branch says of itself; then the table's properties; then Iceberg's defaults.
function branchRules(
  { properties }: TableMetadata,
  ref: TableMetadata['refs'][string] | undefined,
  { keepLast, olderThan }: ExpireOptions,
  nowMs: number,
): { readonly count: number; readonly beforeMs: number } {
  const count =
    keepLast ??
    (ref === undefined ? undefined : numberIn(ref, 'min-snapshots-to-keep')) ??
    positive(properties['history.expire.min-snapshots-to-keep']) ??
    1
  if (olderThan !== undefined) return { count, beforeMs: olderThan.getTime() }
  if (keepLast !== undefined) return { count, beforeMs: Number.POSITIVE_INFINITY }
  const ageMs =
    (ref === undefined ? undefined : numberIn(ref, 'max-snapshot-age-ms')) ??
    positive(properties['history.expire.max-snapshot-age-ms']) ??
    DEFAULT_AGE_MS
  return { count, beforeMs: nowMs - ageMs }
}

function livingRefs(metadata: TableMetadata, nowMs: number): TableMetadata['refs'] {
  const living = Object.entries(metadata.refs).filter(([name, ref]) => {
    const maxAgeMs = numberIn(ref, 'max-ref-age-ms')
    const snapshot = snapshotById(metadata, ref['snapshot-id'])
    return name === 'main' || maxAgeMs === undefined || (snapshot?.['timestamp-ms'] ?? 0) >= nowMs - maxAgeMs
  })
  return Object.fromEntries(living)
}

function* lineFrom(metadata: TableMetadata, snapshotId: bigint): Generator<TableSnapshot> {
  const byId = new Map(metadata.snapshots.map((each) => [each['snapshot-id'], each]))
  let at = byId.get(snapshotId)
  while (at !== undefined) {
    yield at
    byId.delete(at['snapshot-id'])
    const parent = at['parent-snapshot-id']
    at = parent === undefined || parent === null ? undefined : byId.get(parent)
  }
}

function withoutSnapshots(metadata: TableMetadata, removed: readonly TableSnapshot[], nowMs: number): TableMetadata {
  const gone = new Set(removed.map((each) => each['snapshot-id']))
  // The log is cut at the last removed entry, so that a time of which nothing is known any more finds nothing.
  const log = metadata['snapshot-log']
  const cut = log.findLastIndex((entry) => gone.has(entry['snapshot-id'])) + 1
  const current = metadata['current-snapshot-id']
  const line = new Set(
    typeof current === 'bigint' ? [...lineFrom(metadata, current)].map((each) => each['snapshot-id']) : [],
  )
  const made = removed.filter((each) => line.has(each['snapshot-id']))
  const commits = rememberCommits(metadata.properties[EXPIRED_COMMITS], made)
  const withoutGone = (key: 'statistics' | 'partition-statistics') => {
    const entries: unknown = metadata[key]
    if (!Array.isArray(entries)) return {}
    return {
      [key]: entries.filter((each: { 'snapshot-id'?: number | bigint }) => !gone.has(BigInt(each['snapshot-id'] ?? 0))),
    }
  }
  return {
    ...metadata,
    snapshots: metadata.snapshots.filter((each) => !gone.has(each['snapshot-id'])),
    'snapshot-log': log.slice(cut),
    refs: livingRefs(metadata, nowMs),
    properties: commits === undefined ? metadata.properties : { ...metadata.properties, [EXPIRED_COMMITS]: commits },
    ...withoutGone('statistics'),
    ...withoutGone('partition-statistics'),
  }
}

interface UnneededFiles {
  /** Sizes by path: data files and delete files. */
  readonly data: ReadonlyMap<string, number>
  /** Manifest lists, manifests, statistics. */
  readonly metadata: ReadonlyMap<string, number>
}

const NOTHING: UnneededFiles = { data: new Map(), metadata: new Map() }

/** What the removed snapshots reach and the table, as it stands by now, does not. */
async function unneededFiles(tables: Tables, name: string, expiry: Expiry, dryRun: boolean): Promise<UnneededFiles> {
  if (expiry.removed.length === 0) return NOTHING
  if (dryRun) return filesOnlyIn(tables, expiry, expiry.after)
  for (;;) {
    const table = await loadTable(tables, name)
    try {
      return await filesOnlyIn(tables, expiry, table.metadata)
    } catch (cause) {
      if (!(await isOutdated(tables, table, cause))) throw cause
    }
  }
}

async function filesOnlyIn(tables: Tables, { before, removed }: Expiry, kept: TableMetadata): Promise<UnneededFiles> {
  const { storage } = tables
  const data = new Map<string, number>()
  const metadata = new Map<string, number>()
  const keptManifests = await manifestsOf(tables, kept.snapshots)
  const reached = [...(await manifestsOf(tables, removed, true)).values()]
  const manifests = reached.filter(({ path }) => !keptManifests.has(path) && storage.sizeOf(path) !== undefined)
  const candidates = await filesIn(tables, before, manifests, 'all')
  const needed = candidates.size === 0 ? new Map() : await filesIn(tables, kept, [...keptManifests.values()], 'live')
  for (const [path, size] of candidates) if (!needed.has(path)) data.set(path, size)
  const keptLists = new Set(kept.snapshots.map((each) => each['manifest-list']))
  const keptStatistics = new Set(statisticsFiles(kept).map(({ path }) => path))
  const lists = removed.map((each) => each['manifest-list']).filter((path) => !keptLists.has(path))
  const statistics = statisticsFiles(before).flatMap(({ path }) => (keptStatistics.has(path) ? [] : [path]))
  for (const { path, sizeBytes } of manifests) metadata.set(path, sizeBytes)
  for (const path of [...lists, ...statistics]) metadata.set(path, storage.sizeOf(path) ?? 0)
  return { data, metadata }
}

/** @throws EsteiraError ESTEIRA_UNSUPPORTED when the table's files may belong to another table too */
export function refuseSharedFiles(table: string, { properties }: TableMetadata): void {
  if (properties['gc.enabled'] !== 'false') return
  throw new EsteiraError(
    'ESTEIRA_UNSUPPORTED',
    `table ${table} says gc.enabled = false: its files must not be removed`,
    {
      hint: 'Another table may share its files. Set gc.enabled to true only when none does.',
      details: { table },
    },
  )
}

function checkOptions({ keepLast, olderThan }: ExpireOptions): void {
  if (keepLast !== undefined && (!Number.isSafeInteger(keepLast) || keepLast < 1)) {
    throw new EsteiraError('ESTEIRA_USAGE', `keepLast is a whole number of at least 1; ${keepLast} was given`, {
      hint: 'The current state of a table never expires.',
    })
  }
  if (olderThan !== undefined && Number.isNaN(olderThan.getTime()))
    throw new EsteiraError('ESTEIRA_USAGE', 'olderThan is no valid time')
}
