import { createHash } from 'node:crypto'
import type { CommitResult } from '@esteira/core'
import { ancestorsOf, type TableMetadata, type TableSnapshot } from '../../iceberg/table-metadata.js'

export const COMMIT_ID = 'esteira.commit-id'
/** Property with the commits whose snapshots have expired, so that a commit made twice stays one commit after that. */
export const EXPIRED_COMMITS = 'esteira.expired-commits'

const KEPT_EXPIRED_COMMITS = 5000
const COUNTS = ['rows-added', 'rows-removed', 'rows-updated'] as const

/** A commit that the table's history holds. */
export interface KnownCommit {
  readonly result: CommitResult
  /** A count that the commit recorded; 0 when it did not. */
  readonly fact: (name: string) => number
}

/** Key of a snapshot's summary for a count of the commit. */
export function factKey(name: string): string {
  return `esteira.${name}`
}

/** The commit of that id, when the current state was made with it. */
export function findCommit(metadata: TableMetadata, commitId: string): KnownCommit | undefined {
  for (const snapshot of ancestorsOf(metadata)) {
    if (snapshot.summary[COMMIT_ID] === commitId) {
      const fact = (name: string) => Number(snapshot.summary[factKey(name)] ?? 0)
      return known(fact, String(snapshot['snapshot-id']))
    }
  }
  return findExpired(metadata.properties[EXPIRED_COMMITS] ?? '', commitId)
}

function known(fact: (name: string) => number, snapshotId?: string): KnownCommit {
  const counts = { rowsAdded: fact('rows-added'), rowsRemoved: fact('rows-removed'), committed: false }
  return { result: { ...(snapshotId === undefined ? {} : { snapshotId }), ...counts }, fact }
}

function findExpired(expired: string, commitId: string): KnownCommit | undefined {
  const mark = ` ${digestOf(commitId)}:`
  const start = ` ${expired}`.indexOf(mark)
  if (start < 0) return undefined
  const counts = (` ${expired}`.slice(start + mark.length).split(' ')[0] ?? '').split(':')
  return known((name) => {
    const at = (COUNTS as readonly string[]).indexOf(name)
    return at < 0 ? 0 : Number(counts[at + 1] ?? 0)
  })
}

/** The property {@link EXPIRED_COMMITS} after these ancestors of the current state, oldest first, have expired. */
export function rememberCommits(expired: string | undefined, snapshots: readonly TableSnapshot[]): string | undefined {
  const added = snapshots.flatMap(({ summary, 'sequence-number': sequenceNumber }) => {
    const commitId = summary[COMMIT_ID]
    if (commitId === undefined) return []
    return [[digestOf(commitId), sequenceNumber, ...COUNTS.map((name) => summary[factKey(name)] ?? '0')].join(':')]
  })
  const all = [...entriesOf(expired), ...added].slice(-KEPT_EXPIRED_COMMITS)
  return all.length === 0 ? undefined : all.join(' ')
}

/** The property {@link EXPIRED_COMMITS} of a state that was made before the later of these commits. */
export function commitsUpTo(expired: string, sequenceNumber: number): string {
  return entriesOf(expired)
    .filter((entry) => Number(entry.split(':')[1]) <= sequenceNumber)
    .join(' ')
}

function entriesOf(expired: string | undefined): readonly string[] {
  return expired?.split(' ').filter((each) => each !== '') ?? []
}

function digestOf(commitId: string): string {
  return createHash('sha256').update(commitId).digest().subarray(0, 9).toString('base64url')
}
