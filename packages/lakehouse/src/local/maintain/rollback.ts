import { type Commit, EsteiraError, type RollbackResult } from '@esteira/core'
import { laterOf } from '../../iceberg/table-changes.js'
import { ancestorsOf, currentSnapshot, type TableMetadata, type TableSnapshot } from '../../iceberg/table-metadata.js'
import { commitsUpTo, EXPIRED_COMMITS } from '../commit/commit-history.js'
import { commitTable, type Proposal } from '../commit/commit-loop.js'
import { snapshotInTable } from '../commit/table-snapshot.js'
import type { LoadedTable, Tables } from '../tables.js'

// No snapshot is made, so the commit ids stand in a property: a rollback that is repeated must not undo later commits.
const ROLLBACKS = 'esteira.rollbacks'
const KEPT_ROLLBACKS = 100

/** Lets the main branch point to an earlier snapshot; the snapshot log records it as one more state of the table. */
export async function rollbackTable(
  tables: Tables,
  name: string,
  snapshotId: string,
  { commitId, signal }: Commit,
  force: boolean,
): Promise<RollbackResult> {
  return commitTable(tables, name, signal, async ({ table }): Promise<Proposal<RollbackResult>> => {
    const { metadata } = table
    const made = rollbacksOf(metadata)
    if (made.includes(commitId)) return { settled: { snapshotId, committed: false } }
    const target = snapshotInTable(table, snapshotId)
    if (target === currentSnapshot(metadata)) return { settled: { snapshotId, committed: false } }
    if (!force) refuseOutsider(table, target)
    const property = JSON.stringify([...made, commitId].slice(-KEPT_ROLLBACKS))
    // A commit that this state was made without is no longer made: done again, it counts.
    const expired = commitsUpTo(metadata.properties[EXPIRED_COMMITS] ?? '', target['sequence-number'])
    const { [EXPIRED_COMMITS]: _, ...others } = metadata.properties
    const properties = { ...others, [ROLLBACKS]: property, ...(expired === '' ? {} : { [EXPIRED_COMMITS]: expired }) }
    const next = pointingTo({ ...metadata, properties }, target, tables.now().getTime())
    return { metadata: next, result: { snapshotId, committed: true } }
  })
}

function pointingTo(metadata: TableMetadata, target: TableSnapshot, nowMs: number): TableMetadata {
  const id = target['snapshot-id']
  return {
    ...metadata,
    'current-snapshot-id': id,
    refs: { ...metadata.refs, main: { ...metadata.refs['main'], 'snapshot-id': id, type: 'branch' } },
    'snapshot-log': [...metadata['snapshot-log'], { 'timestamp-ms': laterOf(metadata, nowMs), 'snapshot-id': id }],
  }
}

function rollbacksOf(metadata: TableMetadata): readonly string[] {
  try {
    const made: unknown = JSON.parse(metadata.properties[ROLLBACKS] ?? '[]')
    return Array.isArray(made) ? made.filter((each) => typeof each === 'string') : []
  } catch {
    return []
  }
}

function refuseOutsider({ name, metadata }: LoadedTable, target: TableSnapshot): void {
  for (const ancestor of ancestorsOf(metadata)) if (ancestor === target) return
  const id = String(target['snapshot-id'])
  throw new EsteiraError(
    'ESTEIRA_USAGE',
    `table ${name} cannot be rolled back to snapshot ${id}: the current state was not made from it`,
    {
      hint: 'Choose one of its ancestors, or say force (--force) to make that state the current one all the same.',
      details: { table: name, snapshotId: id },
    },
  )
}
