import { EsteiraError, type RefOptions, type TableRef } from '@esteira/core'
import { currentSnapshot, snapshotById, type TableMetadata } from '../../iceberg/table-metadata.js'
import { commitTable, type Proposal } from '../commit/commit-loop.js'
import { snapshotInTable } from '../commit/table-snapshot.js'
import { loadTable } from '../load-table.js'
import type { LoadedTable, Tables } from '../tables.js'

const MAIN = 'main'

/** Tags and branches, `main` first, then by name. */
export async function listRefs(tables: Tables, name: string): Promise<readonly TableRef[]> {
  const { metadata } = await loadTable(tables, name)
  const names = Object.keys(metadata.refs).sort((a, b) => Number(b === MAIN) - Number(a === MAIN) || (a < b ? -1 : 1))
  return names.flatMap((each) => describeRef(metadata, each) ?? [])
}

/** Makes a tag or a branch. The same again changes nothing; one of that name at another snapshot is refused. */
export async function createRef(
  tables: Tables,
  name: string,
  type: TableRef['type'],
  ref: string,
  options: RefOptions,
): Promise<TableRef> {
  if (ref.trim() === '' || ref === MAIN) {
    throw new EsteiraError('ESTEIRA_USAGE', `"${ref}" cannot be the name of a ${type}`, {
      hint: ref === MAIN ? 'main is the branch that every commit goes to; rollback moves it.' : 'Give it a name.',
    })
  }
  return commitTable(tables, name, undefined, async ({ table }): Promise<Proposal<TableRef>> => {
    const { metadata } = table
    const wanted = { name: ref, type, snapshotId: String(targetOf(table, options.snapshotId)), ...ageOf(options) }
    const found = describeRef(metadata, ref)
    if (found !== undefined) {
      if (found.type === type && found.snapshotId === wanted.snapshotId) return { settled: found }
      throw taken(table, found)
    }
    const entry = {
      'snapshot-id': BigInt(wanted.snapshotId),
      type,
      ...(options.maxRefAgeMs === undefined ? {} : { 'max-ref-age-ms': options.maxRefAgeMs }),
    }
    return { metadata: { ...metadata, refs: { ...metadata.refs, [ref]: entry } }, result: wanted }
  })
}

/** Removes a tag or a branch; false when there is none of that name. */
export async function dropRef(tables: Tables, name: string, ref: string): Promise<boolean> {
  if (ref === MAIN)
    throw new EsteiraError('ESTEIRA_USAGE', `branch main of table ${name} cannot be removed: every commit goes to it`)
  return commitTable(tables, name, undefined, async ({ table: { metadata } }): Promise<Proposal<boolean>> => {
    if (metadata.refs[ref] === undefined) return { settled: false }
    const kept = Object.entries(metadata.refs).filter(([key]) => key !== ref)
    return { metadata: { ...metadata, refs: Object.fromEntries(kept) }, result: true }
  })
}

function describeRef(metadata: TableMetadata, name: string): TableRef | undefined {
  const ref = metadata.refs[name]
  if (ref === undefined) return undefined
  const type = ref.type === 'tag' ? 'tag' : 'branch'
  const maxRefAgeMs = numberIn(ref, 'max-ref-age-ms')
  return { name, type, snapshotId: String(ref['snapshot-id']), ...(maxRefAgeMs === undefined ? {} : { maxRefAgeMs }) }
}

/** A whole number that a reference carries, such as `max-ref-age-ms`; undefined when it has none. */
export function numberIn(ref: TableMetadata['refs'][string], key: string): number | undefined {
  const value = ref[key]
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined
}

function ageOf({ maxRefAgeMs }: RefOptions): { readonly maxRefAgeMs?: number } {
  if (maxRefAgeMs === undefined) return {}
  if (Number.isSafeInteger(maxRefAgeMs) && maxRefAgeMs > 0) return { maxRefAgeMs }
  throw new EsteiraError('ESTEIRA_USAGE', `maxRefAgeMs is a number of milliseconds above 0; ${maxRefAgeMs} was given`)
}

function targetOf(table: LoadedTable, snapshotId: string | undefined): bigint {
  if (snapshotId !== undefined) return snapshotInTable(table, snapshotId)['snapshot-id']
  const current = currentSnapshot(table.metadata)
  if (current !== undefined) return current['snapshot-id']
  throw new EsteiraError('ESTEIRA_USAGE', `table ${table.name} has no snapshot yet that could be named`, {
    hint: 'Write rows to it first.',
    details: { table: table.name },
  })
}

function taken({ name, metadata }: LoadedTable, { name: ref, type, snapshotId }: TableRef): EsteiraError {
  const isThere = snapshotById(metadata, BigInt(snapshotId)) !== undefined
  return new EsteiraError('ESTEIRA_USAGE', `table ${name} has a ${type} ${ref} already, at snapshot ${snapshotId}`, {
    hint: `Remove it first, or choose another name.${isThere ? '' : ' Its snapshot is gone.'}`,
    details: { table: name, ref, snapshotId },
  })
}
