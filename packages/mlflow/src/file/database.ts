import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { EsteiraError } from '@esteira/core'
import type { z } from 'zod'

type SqlValue = string | number | null

/** The part of libsql that is used. All values go as one array: a single null as an argument would crash it. */
interface Connection {
  prepare(sql: string): {
    all(...values: unknown[]): unknown[]
    run(...values: unknown[]): { readonly changes: number }
  }
  exec(sql: string): unknown
  close(): unknown
  readonly inTransaction: boolean
}

/**
 * One connection to a SQLite file. Rows are always read to their end: a statement of libsql that is left half read
 * keeps its lock, and another program (MLflow upgrading the file) would wait for it in vain.
 */
export class Database {
  readonly file: string
  readonly #connection: Connection
  #open = true

  constructor(connection: Connection, file: string) {
    this.#connection = connection
    this.file = file
  }

  all<T>(row: z.ZodType<T>, sql: string, values: readonly SqlValue[] = []): T[] {
    const rows = this.#try(() => this.#connection.prepare(sql).all([...values]))
    return rows.map((found) => {
      const parsed = row.safeParse(found)
      if (parsed.success) return parsed.data
      throw new EsteiraError('ESTEIRA_MLFLOW', `the MLflow file ${this.file} holds an unexpected row`, {
        details: { file: this.file, sql, issues: parsed.error.issues.map((issue) => issue.message) },
        cause: parsed.error,
      })
    })
  }

  first<T>(row: z.ZodType<T>, sql: string, values: readonly SqlValue[] = []): T | undefined {
    return this.all(row, sql, values)[0]
  }

  /** Number of rows changed. */
  run(sql: string, values: readonly SqlValue[] = []): number {
    return this.#try(() => this.#connection.prepare(sql).run([...values]).changes)
  }

  /** One statement for many rows, prepared once. */
  runMany(sql: string, rows: Iterable<readonly SqlValue[]>): void {
    this.#try(() => {
      const statement = this.#connection.prepare(sql)
      for (const values of rows) statement.run([...values])
    })
  }

  execute(sql: string): void {
    this.#try(() => this.#connection.exec(sql))
  }

  /**
   * Runs `work` in one write transaction; commits when it returns. The lock is taken at the start, so that a
   * version number or a param that was read stays true until the commit.
   */
  transaction<T>(work: () => T): T {
    this.execute('BEGIN IMMEDIATE')
    try {
      const result = work()
      this.execute('COMMIT') // commit point: before it no other connection sees anything
      return result
    } catch (error) {
      if (this.#connection.inTransaction) this.#connection.exec('ROLLBACK')
      throw error
    }
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    this.#connection.close()
  }

  #try<T>(work: () => T): T {
    if (!this.#open) {
      throw new EsteiraError('ESTEIRA_INTERNAL', `the MLflow file ${this.file} was used after it was closed`)
    }
    try {
      return work()
    } catch (error) {
      throw databaseError(error, this.file)
    }
  }
}

/** Opens (or makes, with its folder) a SQLite file; other processes' locks are waited for up to `busyTimeoutMs`. */
export async function openDatabase(file: string, busyTimeoutMs: number): Promise<Database> {
  const { default: Libsql } = await import('libsql')
  try {
    await mkdir(dirname(file), { recursive: true })
    return new Database(new Libsql(file, { timeout: busyTimeoutMs }), file)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new EsteiraError('ESTEIRA_MLFLOW', `the MLflow file ${file} cannot be opened or made: ${reason}`, {
      hint: 'Check that its folder is a folder and that you may write there; ESTEIRA_HOME says where it is.',
      details: { file },
      cause,
    })
  }
}

function databaseError(error: unknown, file: string): unknown {
  if (!(error instanceof Error) || error instanceof EsteiraError) return error
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  const details = { file, sqlite: code, reason: error.message }
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return new EsteiraError('ESTEIRA_CATALOG_BUSY', `the MLflow file ${file} is locked by another program`, {
      hint: 'Try again when the other program (a training, `mlflow ui`, `mlflow db upgrade`) has finished its write.',
      details,
      cause: error,
    })
  }
  if (code === 'SQLITE_NOTADB' || code.startsWith('SQLITE_CORRUPT')) {
    return new EsteiraError('ESTEIRA_CATALOG_CORRUPT', `the MLflow file ${file} is damaged: ${error.message}`, {
      hint: 'Restore it from a backup, or move it away: a new one is made at the next start.',
      details,
      cause: error,
    })
  }
  if (code === 'SQLITE_FULL') {
    return new EsteiraError('ESTEIRA_DISK_FULL', `no space left while writing the MLflow file ${file}`, {
      hint: 'Free some disk space and run the same command again; nothing was half written.',
      details,
      cause: error,
    })
  }
  const missing = /no such (?:table|column)|has no column/.test(error.message)
  return new EsteiraError('ESTEIRA_MLFLOW', `the MLflow file ${file} refused a statement: ${error.message}`, {
    ...(missing ? { hint: upgradeHint(file) } : {}),
    details,
    cause: error,
  })
}

/** What to do with a file whose tables are of another MLflow version. */
export function upgradeHint(file: string): string {
  return `Bring the file to the newest schema with MLflow's own tool: mlflow db upgrade "sqlite:///${file}"`
}
