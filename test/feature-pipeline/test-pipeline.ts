import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FeatureView, Lakehouse, ObjectStore } from '@esteira/core'
import {
  type ExtractResult,
  extractFeatures,
  findRawFile,
  type IngestResult,
  ingestRaw,
  type ProcessResult,
  type PublishResult,
  processSilver,
  validateFeatures,
} from '@esteira/feature-pipeline'
import { openLocalObjectStore } from '@esteira/lakehouse'
import { openTestLakehouse, type Row } from '../lakehouse/test-lakehouse.js'

export const PROJECT = 'shop'

/** The rooms from a raw file to published features, over a lakehouse in a new folder. */
export interface TestPipeline {
  readonly home: string
  readonly lakehouse: Lakehouse
  readonly objects: ObjectStore
  readonly warnings: readonly string[]
  /** Rows of a SELECT in which `{name}` stands for a table. */
  readonly rows: (sql: string) => Promise<Row[]>
  /** Snapshot ids of every table, the newest last. */
  readonly snapshots: () => Promise<Record<string, readonly string[]>>
  /** Writes a raw file and gives its path. */
  readonly write: (name: string, content: string | Uint8Array) => Promise<string>
  readonly ingest: (path: string, options?: { readonly at?: string; readonly runId?: string }) => Promise<IngestResult>
  readonly process: (runDay: string, options?: { readonly runId?: string }) => Promise<ProcessResult>
  readonly extract: (featureDates: readonly string[], options?: RunOptions) => Promise<ExtractResult>
  readonly publish: (extracted: ExtractResult, options?: RunOptions) => Promise<PublishResult>
}

export interface RunOptions {
  readonly view?: FeatureView
  readonly runId?: string
  readonly at?: string
}

export const REPORT_KEY = 'reports/run-1/validation.json'

export async function openTestPipeline(view: FeatureView, project = PROJECT): Promise<TestPipeline> {
  const { home, lakehouse, rows } = await openTestLakehouse()
  const objects = openLocalObjectStore(join(home, 'objects'))
  const source = view.from
  const warnings: string[] = []
  const stateOf = async (table: string) => {
    const state = await lakehouse.table(table)
    if (state?.snapshotId === undefined) throw new Error(`${table} holds no rows`)
    return { silverTable: table, silverSnapshotId: state.snapshotId }
  }
  return {
    home,
    lakehouse,
    objects,
    warnings,
    rows,
    async snapshots() {
      const names = (await lakehouse.tables()).map(({ name }) => name)
      const ids = names.map(async (name) => {
        const found = (await lakehouse.snapshots(name)).map(({ snapshotId }) => snapshotId)
        return [name, found] as const
      })
      return Object.fromEntries(await Promise.all(ids))
    },
    async write(name, content) {
      const path = join(home, name)
      await writeFile(path, content)
      return path
    },
    async ingest(path, { at = '2024-01-01T00:00:00Z', runId = randomUUID() } = {}) {
      const file = await findRawFile(source, { projectFolder: home, override: path })
      const ingestedAt = new Date(at)
      return ingestRaw({
        project,
        source,
        file,
        lakehouse,
        runId,
        ingestedAt,
        warn: (message) => warnings.push(message),
      })
    },
    async process(runDay, { runId = randomUUID() } = {}) {
      const bronze = await lakehouse.table(`bronze.${project}_${source.name}`)
      const bronzeSnapshotId = bronze?.snapshotId ?? ''
      return processSilver({ project, source, lakehouse, bronzeSnapshotId, runDay, runId })
    },
    async extract(featureDates, { runId = 'run-1', at = '2024-01-01T00:00:00Z', ...options } = {}) {
      const silver = await stateOf(`silver.${project}_${source.name}`)
      const stagingKey = `staging/${runId}/${view.name}.parquet`
      const createdAt = new Date(at)
      return extractFeatures({
        view: options.view ?? view,
        lakehouse,
        objects,
        ...silver,
        featureDates,
        stagingKey,
        createdAt,
      })
    },
    async publish(extracted, { runId = 'run-1', ...options } = {}) {
      return validateFeatures({
        view: options.view ?? view,
        lakehouse,
        objects,
        stagingKey: extracted.stagingKey,
        featureDates: extracted.featureDates,
        featureVersion: extracted.version.version,
        newestEvents: extracted.newestEvents,
        runId,
        reportKey: `reports/${runId}/validation.json`,
      })
    },
  }
}
