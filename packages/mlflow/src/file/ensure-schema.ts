import { EsteiraError } from '@esteira/core'
import { z } from 'zod'
import { toFileUri } from '../artifact-uri.js'
import { type Database, upgradeHint } from './database.js'
import { NEEDED_COLUMNS, SCHEMA_REVISION, SCHEMA_SQL } from './schema.js'

const nameRow = z.object({ name: z.string() })

/**
 * Makes the schema in a new (or empty) file, or checks that an existing one has what is needed.
 * Of several processes that start at once, one makes the schema and the others find it made.
 */
export function ensureSchema(database: Database, artifactsFolder: string, nowMs: number): void {
  useWriteAheadLog(database)
  if (!hasTables(database)) {
    database.transaction(() => {
      if (hasTables(database)) return
      database.execute(SCHEMA_SQL)
      database.run('INSERT INTO alembic_version (version_num) VALUES (?)', [SCHEMA_REVISION])
      // MLflow's own clients expect the experiment 0 in a file they did not make.
      database.run(
        `INSERT INTO experiments (experiment_id, name, artifact_location, lifecycle_stage, creation_time, last_update_time)
         VALUES (0, 'Default', ?, 'active', ?, ?)`,
        [toFileUri(`${artifactsFolder}/0`), nowMs, nowMs],
      )
    })
  }
  checkColumns(database)
}

function hasTables(database: Database): boolean {
  return database.first(nameRow, `SELECT name FROM sqlite_master WHERE type = 'table' LIMIT 1`) !== undefined
}

/** Readers and the writer do not wait for each other in this mode; the file remembers it, so it is set once. */
function useWriteAheadLog(database: Database): void {
  const mode = database.first(z.object({ journal_mode: z.string() }), 'PRAGMA journal_mode')
  if (mode?.journal_mode === 'wal') return
  try {
    database.all(z.unknown(), 'PRAGMA journal_mode = WAL')
  } catch (error) {
    // Another connection is open at this moment. Everything works in the old mode too; a later start sets it.
    if (!(error instanceof EsteiraError && error.code === 'ESTEIRA_CATALOG_BUSY')) throw error
  }
}

function checkColumns(database: Database): void {
  const missing: string[] = []
  for (const [table, columns] of Object.entries(NEEDED_COLUMNS)) {
    const found = new Set(
      database.all(nameRow, `SELECT name FROM pragma_table_info('${table}')`).map((row) => row.name),
    )
    missing.push(...columns.filter((column) => !found.has(column)).map((column) => `${table}.${column}`))
  }
  if (missing.length === 0) return
  const shown = missing.slice(0, 5).join(', ') + (missing.length > 5 ? `, … (${missing.length} in all)` : '')
  throw new EsteiraError('ESTEIRA_MLFLOW', `the MLflow file ${database.file} lacks columns: ${shown}`, {
    hint: upgradeHint(database.file),
    details: { file: database.file, missing },
  })
}
