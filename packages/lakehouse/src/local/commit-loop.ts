import { EsteiraError } from '@esteira/core'
import { interruptedError } from '../duckdb/duckdb-errors.js'
import { metadataLocation, succeeding } from '../iceberg/table-changes.js'
import { formatTableMetadata, type TableMetadata } from '../iceberg/table-metadata.js'
import { findTable, loadTable } from './load-table.js'
import type { LoadedTable, Tables } from './tables.js'

const MAX_ATTEMPTS = 60
const LONGEST_PAUSE_MS = 1000

/** What one attempt wants: a new state of the table, or nothing because all is done already. */
export type Proposal<T> = { readonly metadata: TableMetadata; readonly result: T } | { readonly settled: T }

/** One try to change a table. */
export interface Attempt {
  readonly table: LoadedTable
  /** Files that only this attempt needs, added before they are written: they go when it fails. */
  readonly files: string[]
}

/**
 * Changes a table by compare-and-swap: loads it, lets `propose` make the next state, swaps the pointer; after a lost race
 * once more from the new state. What a failed attempt wrote is removed.
 *
 * @throws EsteiraError ESTEIRA_COMMIT_CONFLICT after many lost races, ESTEIRA_INTERRUPTED before the commit point
 */
export async function commitTable<T>(
  tables: Tables,
  name: string,
  signal: AbortSignal | undefined,
  propose: (attempt: Attempt) => Promise<Proposal<T>>,
): Promise<T> {
  for (let count = 1; count <= MAX_ATTEMPTS; count++) {
    const attempt = { table: await loadTable(tables, name), files: [] }
    const outcome = await tryOnce(tables, attempt, signal, propose)
    if (outcome !== undefined) return outcome.result
    tables.logger.debug('lost the race for a commit, trying again', { table: name, attempt: count })
    await tables.sleep(tables.random() * Math.min(LONGEST_PAUSE_MS, 10 * 2 ** count))
  }
  throw new EsteiraError(
    'ESTEIRA_COMMIT_CONFLICT',
    `table ${name} was changed by others ${MAX_ATTEMPTS} times during one commit`,
    {
      hint: 'Run the same command again when fewer writers are at work; nothing was changed.',
      details: { table: name },
    },
  )
}

async function tryOnce<T>(
  tables: Tables,
  attempt: Attempt,
  signal: AbortSignal | undefined,
  propose: (attempt: Attempt) => Promise<Proposal<T>>,
): Promise<{ readonly result: T } | undefined> {
  const { table, files } = attempt
  try {
    const proposal = await propose(attempt)
    if ('settled' in proposal) return { result: proposal.settled }
    const metadata = succeeding(proposal.metadata, table.pointer, tables.now().getTime())
    const location = metadataLocation(metadata, table.pointer, tables.newId())
    files.push(location)
    await tables.storage.create(location, Buffer.from(formatTableMetadata(metadata)))
    if (signal?.aborted === true) throw interruptedError(`nothing was committed to ${table.name}`)
    if (await swapSurely(tables, table, location)) return { result: proposal.result }
  } catch (cause) {
    if (!(cause instanceof UncertainCommit)) await tables.storage.remove(files)
    throw cause
  }
  await tables.storage.remove(files)
  return undefined
}

// A swap that fails may still have happened. The catalog is asked; while it does not answer, no file is removed.
async function swapSurely(tables: Tables, table: LoadedTable, location: string): Promise<boolean> {
  try {
    return await tables.catalog.swap(table.name, table.pointer, location)
  } catch (cause) {
    const now = await findTable(tables, table.name).catch(() => undefined)
    if (now === undefined) throw new UncertainCommit(cause)
    if (now.pointer === location) return true
    if (now.metadata['metadata-log'].some((entry) => entry['metadata-file'] === location)) return true
    if (now.pointer !== table.pointer) return false
    throw cause
  }
}

/** The swap failed and the catalog does not say whether it happened: files must stay. */
class UncertainCommit extends Error {
  override readonly name = 'UncertainCommit'

  constructor(cause: unknown) {
    super('the state of a commit is not known', { cause })
  }
}

/**
 * Ends a write that failed: its data files go, unless the commit may have happened. Then the error asks to try again,
 * and the same commit id finds out.
 */
export async function abandonWrite(cause: unknown, removeFiles: () => Promise<void>): Promise<never> {
  if (cause instanceof UncertainCommit) throw cause.cause
  await removeFiles()
  throw cause
}
