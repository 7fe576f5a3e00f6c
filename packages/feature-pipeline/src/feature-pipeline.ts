import { type RunContext, tableNames, type Workspace } from '@esteira/core'
import { extractFeatures } from './extract-features.js'
import { ingestRaw } from './ingest-raw.js'
import { processSilver } from './process-silver.js'
import { findRawFile } from './raw-file.js'
import { type PublishResult, validateFeatures } from './validate-features.js'

export interface PipelineScope {
  readonly workspace: Workspace
  readonly context: RunContext
}

/** Raw source → bronze. A thin front over {@link ingestRaw}. */
export class DataIngestionPipeline {
  readonly #scope: PipelineScope
  readonly #inputPath: string | undefined

  constructor(options: PipelineScope & { readonly inputPath?: string }) {
    this.#scope = options
    this.#inputPath = options.inputPath
  }

  async run() {
    const { workspace, context } = this.#scope
    const source = workspace.project.definition.view.from
    const override = this.#inputPath ?? workspace.environment.source
    return ingestRaw({
      project: workspace.project.name,
      source,
      file: await findRawFile(source, {
        projectFolder: workspace.project.folder,
        ...(override !== undefined && { override }),
      }),
      lakehouse: await workspace.lakehouse(),
      runId: context.runId,
      ingestedAt: context.now(),
      signal: context.signal,
    })
  }
}

/** Bronze → silver. A thin front over {@link processSilver}. */
export class DataProcessingPipeline {
  readonly #scope: PipelineScope

  constructor(options: PipelineScope) {
    this.#scope = options
  }

  async run() {
    const { workspace, context } = this.#scope
    const lakehouse = await workspace.lakehouse()
    const source = workspace.project.definition.view.from
    const bronze = await lakehouse.table(tableNames.bronze(workspace.project.name, source))
    return processSilver({
      project: workspace.project.name,
      source,
      lakehouse,
      bronzeSnapshotId: bronze?.snapshotId ?? '',
      runDay: context.runDate.toISOString().slice(0, 10),
      runId: context.runId,
      signal: context.signal,
    })
  }
}

/**
 * Raw file → bronze → silver → features of a date (or several) → published. The class of the requirements; the functions
 * behind it are what the container steps call.
 *
 * @example
 * await new FeaturePipeline({ workspace, context, inputPath: 'bookings.csv', featureDate: '2025-10-01' }).run()
 */
export class FeaturePipeline {
  readonly #scope: PipelineScope
  readonly #inputPath: string | undefined
  readonly #outputPath: string | undefined
  readonly #featureDates: readonly string[]

  constructor(
    options: PipelineScope & {
      /** Raw file; the project's own when absent. */
      readonly inputPath?: string
      /** Key the features are staged under before they are published; `staging/<run id>/<view>.parquet` when absent. */
      readonly outputPath?: string
      readonly featureDate: string | readonly string[]
    },
  ) {
    this.#scope = options
    this.#inputPath = options.inputPath
    this.#outputPath = options.outputPath
    this.#featureDates = typeof options.featureDate === 'string' ? [options.featureDate] : options.featureDate
  }

  async run(): Promise<PublishResult> {
    const { workspace, context } = this.#scope
    await new DataIngestionPipeline({
      ...this.#scope,
      ...(this.#inputPath !== undefined && { inputPath: this.#inputPath }),
    }).run()
    const silver = await new DataProcessingPipeline(this.#scope).run()
    const { view } = workspace.project.definition
    const lakehouse = await workspace.lakehouse()
    const extracted = await extractFeatures({
      view,
      lakehouse,
      objects: workspace.objects,
      silverTable: silver.table,
      silverSnapshotId: silver.snapshotId ?? '',
      featureDates: this.#featureDates,
      stagingKey: this.#outputPath ?? `staging/${context.runId}/${view.name}.parquet`,
      createdAt: context.now(),
      signal: context.signal,
    })
    return validateFeatures({
      view,
      lakehouse,
      objects: workspace.objects,
      stagingKey: extracted.stagingKey,
      featureDates: extracted.featureDates,
      featureVersion: extracted.version.version,
      newestEvents: extracted.newestEvents,
      runId: context.runId,
      reportKey: `reports/${context.runId}/validation.json`,
      references: {
        project: workspace.project.name,
        snapshots: silver.snapshotId === null ? {} : { [silver.table]: silver.snapshotId },
      },
      signal: context.signal,
    })
  }
}
