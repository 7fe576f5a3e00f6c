import { MODEL_STAGES, type ModelVersion } from '@esteira/core'
import { z } from 'zod'
import type { Database } from './database.js'

const versionRow = z.object({
  name: z.string(),
  version: z.number(),
  creation_time: z.number().nullable(),
  description: z.string().nullable(),
  current_stage: z.string().nullable(),
  source: z.string().nullable(),
  run_id: z.string().nullable(),
  storage_location: z.string().nullable(),
})
export type VersionRow = z.infer<typeof versionRow>

/** The stage MLflow gives a deleted version; its number is not used again. */
const DELETED = 'Deleted_Internal'

/** Versions of a model that are not deleted, oldest first; of all, or the one of that number. */
export function selectVersions(database: Database, name: string, version?: number): VersionRow[] {
  return database.all(
    versionRow,
    `SELECT name, version, creation_time, description, current_stage, source, run_id, storage_location
     FROM model_versions
     WHERE name = ? AND current_stage <> '${DELETED}' ${version === undefined ? '' : 'AND version = ?'}
     ORDER BY version`,
    version === undefined ? [name] : [name, version],
  )
}

export function toModelVersion(database: Database, row: VersionRow): ModelVersion {
  const aliases = database.all(
    z.object({ alias: z.string() }),
    'SELECT alias FROM registered_model_aliases WHERE name = ? AND version = ? ORDER BY alias',
    [row.name, row.version],
  )
  const tags = database.all(
    z.object({ key: z.string(), value: z.string().nullable() }),
    'SELECT key, value FROM model_version_tags WHERE name = ? AND version = ?',
    [row.name, row.version],
  )
  return {
    name: row.name,
    version: row.version,
    stage: MODEL_STAGES.find((stage) => stage === row.current_stage) ?? 'None',
    aliases: aliases.map(({ alias }) => alias),
    ...(row.run_id === null ? {} : { runId: row.run_id }),
    source: row.source ?? '',
    ...(row.description === null || row.description === '' ? {} : { description: row.description }),
    tags: Object.fromEntries(tags.map(({ key, value }) => [key, value ?? ''])),
    createdAt: new Date(row.creation_time ?? 0),
  }
}

export interface VersionToInsert {
  readonly name: string
  readonly source: string
  readonly storageLocation: string
  readonly runId: string
  readonly description: string | null
  readonly tags: Readonly<Record<string, string>>
  readonly nowMs: number
}

/** Inserts the next version, to be called in a transaction; gives its number. */
export function insertVersion(database: Database, version: VersionToInsert): number {
  const next = database.first(
    z.object({ number: z.number() }),
    'SELECT coalesce(max(version), 0) + 1 AS number FROM model_versions WHERE name = ?',
    [version.name],
  )
  const number = next?.number ?? 1
  database.run(
    `INSERT INTO model_versions (name, version, creation_time, last_updated_time, description, user_id, current_stage,
       source, run_id, status, status_message, run_link, storage_location)
     VALUES (?, ?, ?, ?, ?, NULL, 'None', ?, ?, 'READY', NULL, NULL, ?)`,
    [
      version.name,
      number,
      version.nowMs,
      version.nowMs,
      version.description,
      version.source,
      version.runId,
      version.storageLocation,
    ],
  )
  upsertVersionTags(database, version.name, number, version.tags)
  return number
}

export function upsertVersionTags(
  database: Database,
  name: string,
  version: number,
  tags: Readonly<Record<string, string>>,
): void {
  database.runMany(
    `INSERT INTO model_version_tags (key, value, name, version) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET value = excluded.value`,
    Object.entries(tags).map(([key, value]) => [key, value, name, version]),
  )
}
