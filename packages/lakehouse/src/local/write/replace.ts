import type { Commit, CommitResult, SliceCondition } from '@esteira/core'
import { bindSlice, sliceSql } from '../../iceberg/slice.js'
import { currentSchema } from '../../iceberg/table-metadata.js'
import { findCommit } from '../commit/commit-history.js'
import type { NewFiles } from '../commit/next-manifests.js'
import { loadTable } from '../load-table.js'
import { selectLiveRows } from '../read/read-files.js'
import type { Tables } from '../tables.js'
import { writeRows } from './append.js'
import { changeRows, type RowChange } from './copy-on-write.js'
import { findAffectedFiles } from './find-affected.js'

/**
 * Replaces the rows of a slice in one commit, copy-on-write: files that cannot hold such rows stay, files wholly inside go,
 * the others are rewritten without the rows. After a lost race the slice is looked for again in the new state.
 */
export async function replaceRows(
  tables: Tables,
  name: string,
  slice: readonly SliceCondition[],
  rows: string,
  commit: Commit,
): Promise<CommitResult> {
  const table = await loadTable(tables, name)
  const known = findCommit(table.metadata, commit.commitId)
  if (known !== undefined) return known.result
  bindSlice(name, currentSchema(table.metadata), slice)
  const files = await writeRows(tables, table, rows, commit.signal)
  return changeRows(
    tables,
    name,
    changeOfSlice(tables, slice, { specId: table.metadata['default-spec-id'], files }, commit),
  )
}

/** Removes the rows of a slice in one commit, by the same rules. */
export async function deleteRows(
  tables: Tables,
  name: string,
  slice: readonly SliceCondition[],
  commit: Commit,
): Promise<CommitResult> {
  return changeRows(tables, name, changeOfSlice(tables, slice, { specId: 0, files: [] }, commit))
}

function changeOfSlice(tables: Tables, slice: readonly SliceCondition[], added: NewFiles, commit: Commit): RowChange {
  const { signal } = commit
  return {
    commit,
    added,
    find: (table, files) => findAffectedFiles(tables, table, slice, signal, files),
    async stay(table, files) {
      const schema = currentSchema(table.metadata)
      const rows = await selectLiveRows(tables, { table, schema, files, signal })
      return `SELECT * FROM (${rows}) WHERE NOT ${sliceSql(bindSlice(table.name, schema, slice))}`
    },
  }
}
