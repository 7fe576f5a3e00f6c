import type { ModelRegistry, ModelStage, ModelVersion, NewModelVersion } from '@esteira/core'
import { z } from 'zod'
import { toLocalPath } from '../artifact-uri.js'
import { checkAlias, checkArchiving, checkModelName, checkTags } from '../limits.js'
import { hasMlmodel } from '../mlmodel.js'
import { modelFolderMissing, modelMissing, versionMissing } from '../model-missing.js'
import type { Database } from './database.js'
import { addModelVersionTag, findLoggedModel, requireReadyModel } from './file-logged-models.js'
import { insertVersion, selectVersions, toModelVersion, upsertVersionTags, type VersionRow } from './file-versions.js'

/** Registered models in MLflow's SQLite file; each call is one transaction. */
export class FileRegistry implements ModelRegistry {
  readonly #database: Database
  readonly #now: () => Date

  constructor(database: Database, now: () => Date) {
    this.#database = database
    this.#now = now
  }

  async ensureModel(name: string, description?: string): Promise<void> {
    checkModelName('registered', name)
    const nowMs = this.#now().getTime()
    this.#database.run(
      `INSERT INTO registered_models (name, creation_time, last_updated_time, description) VALUES (?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
      [name, nowMs, nowMs, description ?? null],
    )
  }

  async createVersion(version: NewModelVersion): Promise<ModelVersion> {
    const tags = version.tags ?? {}
    checkTags(tags)
    return this.#database.transaction(() => {
      this.#requireModel(version.name)
      const model = requireReadyModel(this.#database, version.modelId)
      const ownSource = version.source === model.artifact_location || version.source === `models:/${version.modelId}`
      const number = insertVersion(this.#database, {
        name: version.name,
        source: ownSource ? `models:/${version.modelId}` : version.source,
        storageLocation: ownSource ? model.artifact_location : version.source,
        runId: version.runId,
        description: version.description ?? null,
        tags,
        nowMs: this.#now().getTime(),
      })
      addModelVersionTag(this.#database, version.modelId, version.name, number)
      this.#touchModel(version.name)
      return toModelVersion(this.#database, this.#requireVersion(version.name, number))
    })
  }

  async getVersion(name: string, version: number): Promise<ModelVersion | undefined> {
    const row = selectVersions(this.#database, name, version)[0]
    return row === undefined ? undefined : toModelVersion(this.#database, row)
  }

  async versions(name: string): Promise<readonly ModelVersion[]> {
    return selectVersions(this.#database, name).map((row) => toModelVersion(this.#database, row))
  }

  async versionByAlias(name: string, alias: string): Promise<ModelVersion | undefined> {
    const row = this.#database.first(
      z.object({ version: z.number() }),
      'SELECT version FROM registered_model_aliases WHERE name = ? AND alias = ?',
      [name, alias],
    )
    return row === undefined ? undefined : this.getVersion(name, row.version)
  }

  async modelNames(): Promise<readonly string[]> {
    // MLflow keeps prompts in the same table.
    const rows = this.#database.all(
      z.object({ name: z.string() }),
      `SELECT name FROM registered_models m WHERE NOT EXISTS (SELECT 1 FROM registered_model_tags t
         WHERE t.name = m.name AND t.key = 'mlflow.prompt.is_prompt' AND lower(t.value) = 'true')
       ORDER BY name`,
    )
    return rows.map((row) => row.name)
  }

  async setAlias(name: string, alias: string, version: number): Promise<void> {
    checkAlias(alias)
    this.#database.transaction(() => {
      this.#requireVersion(name, version)
      this.#database.run(
        `INSERT INTO registered_model_aliases (alias, version, name) VALUES (?, ?, ?)
         ON CONFLICT DO UPDATE SET version = excluded.version`,
        [alias, version, name],
      )
    })
  }

  async deleteAlias(name: string, alias: string): Promise<void> {
    this.#database.run('DELETE FROM registered_model_aliases WHERE name = ? AND alias = ?', [name, alias])
  }

  async setStage(
    name: string,
    version: number,
    stage: ModelStage,
    options: { readonly archiveExisting?: boolean } = {},
  ): Promise<void> {
    const nowMs = this.#now().getTime()
    const archive = checkArchiving(stage, options.archiveExisting)
    this.#database.transaction(() => {
      this.#requireVersion(name, version)
      if (archive) {
        this.#database.run(
          `UPDATE model_versions SET current_stage = 'Archived', last_updated_time = ?
           WHERE name = ? AND version <> ? AND current_stage = ?`,
          [nowMs, name, version, stage],
        )
      }
      this.#database.run(
        'UPDATE model_versions SET current_stage = ?, last_updated_time = ? WHERE name = ? AND version = ?',
        [stage, nowMs, name, version],
      )
      this.#touchModel(name)
    })
  }

  async setVersionTags(name: string, version: number, tags: Readonly<Record<string, string>>): Promise<void> {
    checkTags(tags)
    this.#database.transaction(() => {
      this.#requireVersion(name, version)
      upsertVersionTags(this.#database, name, version, tags)
    })
  }

  /** The version's own folder; nothing is copied. */
  async modelFolder(version: ModelVersion): Promise<string> {
    const row = this.#requireVersion(version.name, version.version)
    const folder = toLocalPath(this.#artifactUri(row))
    if (!(await hasMlmodel(folder))) throw modelFolderMissing(version, folder)
    return folder
  }

  #artifactUri(row: VersionRow): string {
    const address = row.storage_location ?? row.source ?? ''
    const modelId = /^models:\/(m-\w+)$/.exec(address)?.[1]
    if (modelId === undefined) return address
    return findLoggedModel(this.#database, modelId)?.artifact_location ?? address
  }

  #requireModel(name: string): void {
    const sql = 'SELECT name FROM registered_models WHERE name = ?'
    if (this.#database.first(z.object({ name: z.string() }), sql, [name]) === undefined) throw modelMissing(name)
  }

  #requireVersion(name: string, version: number): VersionRow {
    const row = selectVersions(this.#database, name, version)[0]
    if (row === undefined) throw versionMissing(name, version)
    return row
  }

  #touchModel(name: string): void {
    const values = [this.#now().getTime(), name]
    this.#database.run('UPDATE registered_models SET last_updated_time = ? WHERE name = ?', values)
  }
}
