import { resolve } from 'node:path'
import type { MlflowStore } from '../mlflow-store.js'
import { openDatabase } from './database.js'
import { ensureSchema } from './ensure-schema.js'
import { FileRegistry } from './file-registry.js'
import { FileTracking } from './file-tracking.js'

export interface MlflowFileOptions {
  /** The SQLite file, `mlflow.db`; made, with its folder, when it is not there. */
  readonly file: string
  /** Folder of the artifacts of new experiments. */
  readonly artifactsFolder: string
  readonly now: () => Date
  /** A new unique id, a UUID. */
  readonly newId: () => string
  /** Who runs; becomes the tag `mlflow.user` of new runs. */
  readonly user?: string
  /** How long to wait for another program's lock; default 30,000. */
  readonly busyTimeoutMs?: number
}

/**
 * Tracking and registry on MLflow's own SQLite file: what is written here shows in
 * `mlflow ui --backend-store-uri sqlite:///<file>`, and the file may be shared with MLflow and other processes
 * at the same time. A new file gets the schema of MLflow 3.0, which newer MLflow upgrades when it opens it.
 *
 * @throws ESTEIRA_CATALOG_BUSY when another program holds the file too long; ESTEIRA_CATALOG_CORRUPT when it is no
 * SQLite database; ESTEIRA_MLFLOW when it lacks tables or columns or cannot be opened.
 * @example
 * const { tracking, close } = await openMlflowFile({
 *   file: '.esteira/mlflow.db', artifactsFolder: '.esteira/mlartifacts', now: context.now, newId: context.newId,
 * })
 */
export async function openMlflowFile(options: MlflowFileOptions): Promise<MlflowStore> {
  const file = resolve(options.file)
  const artifactsFolder = resolve(options.artifactsFolder)
  const database = await openDatabase(file, options.busyTimeoutMs ?? 30_000)
  try {
    ensureSchema(database, artifactsFolder, options.now().getTime())
  } catch (error) {
    database.close()
    throw error
  }
  const { now, newId, user = '' } = options
  return {
    tracking: new FileTracking(database, { artifactsFolder, now, newId, user }),
    registry: new FileRegistry(database, now),
    close: async () => database.close(),
  }
}
