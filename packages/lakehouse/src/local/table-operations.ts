import type { Lakehouse } from '@esteira/core'
import { compactTable } from './maintain/compact-files.js'
import { evolveTable } from './maintain/evolve.js'
import { expireSnapshots } from './maintain/expire-snapshots.js'
import { relocateTable } from './maintain/relocate-table.js'
import { removeOrphans } from './maintain/remove-orphans.js'
import { rollbackTable } from './maintain/rollback.js'
import { createRef, dropRef, listRefs } from './maintain/table-refs.js'
import { tableState } from './table-state.js'
import type { Tables } from './tables.js'
import { appendRows } from './write/append.js'
import { deleteRows, replaceRows } from './write/replace.js'
import { upsertRows } from './write/upsert.js'

export type TableOperations = Pick<
  Lakehouse,
  | 'append'
  | 'replace'
  | 'upsert'
  | 'delete'
  | 'evolve'
  | 'rollback'
  | 'tag'
  | 'branch'
  | 'dropRef'
  | 'refs'
  | 'expire'
  | 'compact'
  | 'removeOrphans'
  | 'relocate'
>

/** Everything that changes tables. */
export function tableOperations(tables: Tables): TableOperations {
  return {
    append: (name, rows, commit) => appendRows(tables, name, rows, commit),
    replace: (name, slice, rows, commit) => replaceRows(tables, name, slice, rows, commit),
    upsert: (name, key, rows, commit) => upsertRows(tables, name, key, rows, commit),
    delete: (name, slice, commit) => deleteRows(tables, name, slice, commit),
    evolve: async (name, changes) => tableState(tables, await evolveTable(tables, name, changes)),
    rollback: (name, snapshotId, commit, { force = false } = {}) =>
      rollbackTable(tables, name, snapshotId, commit, force),
    tag: (name, tag, options = {}) => createRef(tables, name, 'tag', tag, options),
    branch: (name, branch, options = {}) => createRef(tables, name, 'branch', branch, options),
    dropRef: (name, ref) => dropRef(tables, name, ref),
    refs: (name) => listRefs(tables, name),
    expire: (name, options = {}) => expireSnapshots(tables, name, options),
    compact: (name, options, commit) => compactTable(tables, name, options, commit),
    removeOrphans: (name, options = {}) => removeOrphans(tables, name, options),
    relocate: (name, location, { keepOld = false } = {}) => relocateTable(tables, name, location, keepOld),
  }
}
