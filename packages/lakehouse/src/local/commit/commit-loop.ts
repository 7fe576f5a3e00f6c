import { EsteiraError } from '@esteira/core'
import { interruptedError } from '../../duckdb/duckdb-errors.js'
import { metadataFile } from '../../iceberg/metadata-file.js'
import { succeeding } from '../../iceberg/table-changes.js'
import type { TableMetadata } from '../../iceberg/table-metadata.js'
import type { TableStorage } from '../../storage/table-storage.js'
import { findTable, loadTable } from '../load-table.js'
import type { LoadedTable, Tables } from '../tables.js'

const MAX_ATTEMPTS = 60
const LONGEST_PAUSE_MS = 1000

/** What one attempt wants: a new state of the table, or nothing because all is done already. */
export type Proposal<T> = { readonly metadata: TableMetadata; readonly result: T } | { readonly settled: T }

/** One try to change a table. */
export interface Attempt {
  readonly table: LoadedTable
  /** Files that only this attempt needs, added before they are written: they go when it fails. */
  readonly files: string[]
  /** Starts to write such a file. All of them are durable before the commit point; until then the work goes on. */
  readonly create: (uri: string, bytes: Uint8Array) => void
}

/** Files of an attempt that are being written. */
class PendingFiles {
  readonly #writes: Promise<void>[] = []
  readonly #storage: TableStorage

  constructor(storage: TableStorage) {
    this.#storage = storage
  }

  create(uri: string, bytes: Uint8Array): void {
    const write = this.#storage.create(uri, bytes)
    // Its failure is told by `finish`, not as one that nobody handles.
    write.catch(() => {})
    this.#writes.push(write)
  }

  async finish(): Promise<void> {
    await Promise.all(this.#writes)
  }

  async end(): Promise<void> {
    await Promise.allSettled(this.#writes)
  }
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
    const table = await loadTable(tables, name)
    const outcome = await tryOnce(tables, table, signal, propose)
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
  table: LoadedTable,
  signal: AbortSignal | undefined,
  propose: (attempt: Attempt) => Promise<Proposal<T>>,
): Promise<{ readonly result: T } | undefined> {
  const files: string[] = []
  const pending = new PendingFiles(tables.storage)
  const giveUp = async () => {
    await pending.end()
    await tables.storage.remove(files)
  }
  try {
    const proposal = await propose({ table, files, create: (uri, bytes) => pending.create(uri, bytes) })
    if ('settled' in proposal) {
      await giveUp()
      return { result: proposal.settled }
    }
    const metadata = succeeding(proposal.metadata, table.pointer, tables.now().getTime())
    const { location, bytes } = metadataFile(metadata, table.pointer, tables.newId())
    files.push(location)
    pending.create(location, bytes)
    await pending.finish()
    if (signal?.aborted === true) throw interruptedError(`nothing was committed to ${table.name}`)
    if (await swapSurely(tables, table, location)) {
      tables.metadataCache.keep(table.name, { pointer: location, bytes, metadata })
      await tables.storage.remove(outdatedLogs(proposal.metadata, metadata))
      return { result: proposal.result }
    }
  } catch (cause) {
    await pending.end()
    if (!(cause instanceof UncertainCommit)) await giveUp()
    if (!(await isOutdated(tables, table, cause))) throw cause
    return undefined
  }
  await giveUp()
  return undefined
}

/**
 * Whether a failure to read is that of a state which is no longer the current one: files of a state go when somebody else
 * commits and expires it. For a commit that is a lost race.
 */
export async function isOutdated(tables: Tables, table: LoadedTable, cause: unknown): Promise<boolean> {
  if (!(cause instanceof EsteiraError)) return false
  const isLost = cause.code === 'ESTEIRA_SQL' && /No files found|No such file/.test(cause.message)
  if (cause.code !== 'ESTEIRA_TABLE_CORRUPT' && !isLost) return false
  const pointer = await tables.catalog.pointer(table.name).catch(() => table.pointer)
  return pointer !== undefined && pointer !== table.pointer
}

// The log keeps the last metadata files (`write.metadata.previous-versions-max`); older ones have no reader.
function outdatedLogs(before: TableMetadata, after: TableMetadata): readonly string[] {
  if (after.properties['write.metadata.delete-after-commit.enabled'] === 'false') return []
  const kept = new Set(after['metadata-log'].map((entry) => entry['metadata-file']))
  const own = `${after.location}/metadata/`
  const dropped = before['metadata-log'].map((entry) => entry['metadata-file'])
  return dropped.filter((file) => !kept.has(file) && file.startsWith(own))
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
