import { type Commit, EsteiraError, exampleValues, nearest, quoteName, type UpsertResult } from '@esteira/core'
import { columnTypeOf } from '../../iceberg/column-types.js'
import { type DataFile, rowsIn } from '../../iceberg/data-file.js'
import type { LiveFile } from '../../iceberg/live-files.js'
import { decodeSingleValue } from '../../iceberg/single-value.js'
import { currentSchema, type SchemaField } from '../../iceberg/table-metadata.js'
import { compareValues } from '../../iceberg/values.js'
import { findCommit, type KnownCommit } from '../commit/commit-history.js'
import { loadTable } from '../load-table.js'
import { selectLiveRows } from '../read/read-files.js'
import type { LoadedTable, Tables } from '../tables.js'
import { writeRows } from './append.js'
import { changeRows } from './copy-on-write.js'
import { type AffectedFiles, countLive, countRows, type TableFiles } from './find-affected.js'

/**
 * Writes rows by key in one commit, copy-on-write: rows of the table with the key of a given row go, the given rows come.
 * Files whose bounds of the key lie outside of the given keys are not opened.
 */
export async function upsertRows(
  tables: Tables,
  name: string,
  key: readonly string[],
  rows: string,
  commit: Commit,
): Promise<UpsertResult> {
  const table = await loadTable(tables, name)
  const known = findCommit(table.metadata, commit.commitId)
  if (known !== undefined) return upsertResult(known)
  const keyIds = keyFields(table, key).map(({ id }) => id)
  const files = await writeRows(tables, table, rows, commit.signal)
  const upsert = new Upsert(tables, keyIds, files, commit.signal)
  try {
    await upsert.checkKeys(table)
  } catch (cause) {
    await tables.storage.remove(files.map(({ path }) => path))
    throw cause
  }
  const result = await changeRows(tables, name, {
    commit,
    added: { specId: table.metadata['default-spec-id'], files },
    find: (state, all) => upsert.find(state, all),
    stay: (state, affected) => upsert.stay(state, affected),
    facts: () => ({ 'rows-updated': upsert.rowsUpdated }),
  })
  if (result.committed || result.snapshotId === undefined) return withCounts(result, upsert.rowsUpdated)
  // Somebody else made the same commit in the meantime: its counts stand in the table.
  const other = findCommit((await loadTable(tables, name)).metadata, commit.commitId)
  return other === undefined ? withCounts(result, 0) : upsertResult(other)
}

function upsertResult({ result, fact }: KnownCommit): UpsertResult {
  return withCounts(result, fact('rows-updated'))
}

function withCounts(result: Omit<UpsertResult, 'rowsInserted' | 'rowsUpdated'>, rowsUpdated: number): UpsertResult {
  return { ...result, rowsInserted: result.rowsAdded - rowsUpdated, rowsUpdated }
}

/** One upsert: its new files hold the keys. */
class Upsert {
  readonly #tables: Tables
  readonly #keyIds: readonly number[]
  readonly #files: readonly LiveFile[]
  readonly #signal: AbortSignal | undefined
  /** Keys that the table had, in the state that was looked at last. */
  rowsUpdated = 0

  constructor(tables: Tables, keyIds: readonly number[], files: readonly DataFile[], signal: AbortSignal | undefined) {
    this.#tables = tables
    this.#keyIds = keyIds
    this.#files = files.map((file) => ({ file, specId: 0, manifestPath: '', sequenceNumber: 0, deletes: [] }))
    this.#signal = signal
  }

  /** @throws EsteiraError ESTEIRA_COLUMN_NULL, ESTEIRA_KEY_DUPLICATE */
  async checkKeys(table: LoadedTable): Promise<void> {
    const fields = this.#fields(table)
    const rowCount = rowsIn(this.#files.map(({ file }) => file))
    for (const field of fields) {
      const nulls = this.#files.reduce((sum, { file }) => sum + (file.nullCounts?.get(field.id) ?? 0), 0)
      if (nulls > 0) throw nullKeys(table.name, field.name, nulls, rowCount)
    }
    if (rowCount === 0) return
    const names = fields.map(({ name }) => quoteName(name)).join(', ')
    const found = await this.#read(
      `SELECT ${names}, count(*) AS found FROM (${await this.#keys(table)}) GROUP BY ALL HAVING count(*) > 1 ORDER BY ${names} LIMIT 6`,
    )
    if (found.length === 0) return
    const keys = found.map((row) => fields.map(({ name }) => String(row[name])).join(', '))
    throw duplicateKeys(table.name, fields, keys)
  }

  async find(table: LoadedTable, { files }: TableFiles): Promise<AffectedFiles> {
    this.rowsUpdated = 0
    const open = this.#files.length === 0 ? [] : files.filter((each) => this.#mayHoldKeys(table, each.file))
    const condition = await this.#hasKey(table)
    const matching = await countRows(this.#tables, table, open, { condition, signal: this.#signal })
    const removed = open.filter((each) => matching.has(each))
    if (removed.length === 0) return { removed, rewritten: [], rowsRemoved: 0 }
    this.rowsUpdated = await this.#countUpdated(table, removed)
    const live = await countLive(this.#tables, table, removed, this.#signal)
    return {
      removed,
      rewritten: removed.filter((each) => (matching.get(each) ?? 0) < (live.get(each) ?? 0)),
      rowsRemoved: removed.reduce((sum, each) => sum + (matching.get(each) ?? 0), 0),
    }
  }

  async stay(table: LoadedTable, files: readonly LiveFile[]): Promise<string> {
    return `SELECT * FROM (${await this.#rowsOf(table, files)}) WHERE NOT (${await this.#hasKey(table)})`
  }

  async #countUpdated(table: LoadedTable, files: readonly LiveFile[]): Promise<number> {
    const names = this.#fields(table).map(({ name }) => quoteName(name))
    const rows = `SELECT DISTINCT ${names.join(', ')} FROM (${await this.#rowsOf(table, files)}) WHERE ${await this.#hasKey(table)}`
    const [counted] = await this.#read(`SELECT count(*) AS found FROM (${rows})`)
    return Number(counted?.['found'] ?? 0)
  }

  /** Condition over rows of the table; true for those with a given key, false for null keys. */
  async #hasKey(table: LoadedTable): Promise<string> {
    const fields = this.#fields(table).map(({ name }) => quoteName(name))
    const notNull = fields.map((name) => `${name} IS NOT NULL`).join(' AND ')
    // One column without a row around it: that is the form DuckDB hashes best.
    const tuple = fields.length === 1 ? fields[0] : `(${fields.join(', ')})`
    return `(${notNull} AND ${tuple} IN (${await this.#keys(table)}))`
  }

  async #keys(table: LoadedTable): Promise<string> {
    const fields = this.#fields(table)
    const rows = await this.#rowsOf(table, this.#files)
    return `SELECT ${fields.map(({ name }) => quoteName(name)).join(', ')} FROM (${rows})`
  }

  #rowsOf(table: LoadedTable, files: readonly LiveFile[]): Promise<string> {
    const schema = currentSchema(table.metadata)
    return selectLiveRows(this.#tables, { table, schema, files, signal: this.#signal })
  }

  #fields({ name, metadata }: LoadedTable): readonly SchemaField[] {
    const { fields } = currentSchema(metadata)
    return this.#keyIds.map((id) => {
      const field = fields.find((each) => each.id === id)
      if (field !== undefined) return field
      throw new EsteiraError('ESTEIRA_COLUMN_MISSING', `table ${name} lost a key column while rows were written to it`)
    })
  }

  // A bound that is missing or of another type proves nothing: the file is looked into.
  #mayHoldKeys(table: LoadedTable, file: DataFile): boolean {
    return this.#fields(table).every((field) => {
      const type = columnTypeOf(field, table.name)
      const bound = (from: DataFile, side: 'lowerBounds' | 'upperBounds') => {
        // Bounds leave NaN out, and a key may be one.
        const maybeNan = (type === 'float' || type === 'double') && from.nanCounts?.get(field.id) !== 0
        const bytes = maybeNan ? undefined : from[side]?.get(field.id)
        return bytes === undefined ? undefined : decodeSingleValue(type, bytes)
      }
      const [lower, upper] = [bound(file, 'lowerBounds'), bound(file, 'upperBounds')]
      return this.#files.some((mine) => {
        const [least, most] = [bound(mine.file, 'lowerBounds'), bound(mine.file, 'upperBounds')]
        const below = upper !== undefined && least !== undefined && compareValues(upper, least) < 0
        const above = lower !== undefined && most !== undefined && compareValues(lower, most) > 0
        return !below && !above
      })
    })
  }

  #read(sql: string) {
    return this.#tables.engine.readRows(sql, this.#signal === undefined ? {} : { signal: this.#signal })
  }
}

function keyFields({ name, metadata }: LoadedTable, key: readonly string[]): readonly SchemaField[] {
  const { fields } = currentSchema(metadata)
  if (key.length === 0)
    throw new EsteiraError('ESTEIRA_USAGE', `upsert into table ${name} needs at least one key column`, {
      hint: "Name the columns that tell rows apart, e.g. ['customer_id'].",
      details: { table: name },
    })
  return key.map((column) => {
    const field = fields.find((each) => each.name.toLowerCase() === column.toLowerCase())
    if (field !== undefined) return field
    const names = fields.map((each) => each.name)
    const similar = nearest(column, names)
    throw new EsteiraError('ESTEIRA_COLUMN_MISSING', `table ${name} has no column ${column} to be a key`, {
      hint: similar === undefined ? `Its columns: ${names.join(', ')}.` : `Did you mean ${similar}?`,
      details: { table: name, column },
    })
  })
}

function nullKeys(table: string, column: string, nulls: number, rowCount: number): EsteiraError {
  const message = `${nulls} of ${rowCount} rows for table ${table} have no value in the key column ${column}`
  return new EsteiraError('ESTEIRA_COLUMN_NULL', message, {
    hint: `Leave those rows out (WHERE ${column} IS NOT NULL) or give them a key; nothing was written.`,
    details: { table, column, nulls },
  })
}

function duplicateKeys(table: string, fields: readonly SchemaField[], keys: readonly string[]): EsteiraError {
  const columns = fields.map(({ name }) => name).join(', ')
  return new EsteiraError(
    'ESTEIRA_KEY_DUPLICATE',
    `rows for table ${table} hold the same key (${columns}) more than once: ${exampleValues(keys)}`,
    {
      hint: `Keep one row of each key, e.g. QUALIFY row_number() OVER (PARTITION BY ${columns} ORDER BY …) = 1; nothing was written.`,
      details: { table, key: columns },
    },
  )
}
