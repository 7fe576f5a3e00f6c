import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  type ProjectDefinition,
  type RunContext,
  readConfig,
  type Step,
  silentLogger,
  toRows,
  type Workspace,
} from '@esteira/core'
import {
  checkReadinessStep,
  detectDriftStep,
  evaluateModelStep,
  extractFeaturesStep,
  ingestRawStep,
  prepareTrainingDataStep,
  processSilverStep,
  promoteModelStep,
  scoreModelStep,
  trainModelStep,
  validateFeaturesStep,
} from 'esteira'
import { readEnvironment } from '../../packages/esteira/src/environment.js'
import { type ExecutedStep, executeStep } from '../../packages/esteira/src/execute-step.js'
import { openDrivers } from '../../packages/esteira/src/open-workspace.js'
import { generateOrders } from '../fixtures/projects/tiny/generator.js'
import tiny from '../fixtures/projects/tiny/project.js'

export const tinyFolder = fileURLToPath(new URL('../fixtures/projects/tiny', import.meta.url))
export const TRAINING_DAY = '2024-07-01'

const features = [ingestRawStep, processSilverStep, extractFeaturesStep, validateFeaturesStep]
const workflows = {
  features,
  training: [
    ingestRawStep,
    processSilverStep,
    checkReadinessStep,
    extractFeaturesStep,
    validateFeaturesStep,
    prepareTrainingDataStep,
    trainModelStep,
    evaluateModelStep,
    promoteModelStep,
  ],
  inference: [...features, scoreModelStep, detectDriftStep],
} as const satisfies Record<string, readonly Step[]>

export interface RunOptions {
  readonly runId?: string
  readonly runDate: string
  /** Flags by name, for the steps that know them. */
  readonly options?: Readonly<Record<string, string>>
  /** Takes the place of the project of the workspace. */
  readonly definition?: ProjectDefinition
  readonly stage?: 'staging' | 'production'
}

/** A home in a temporary folder with the orders of the tiny project, and its steps in this process. */
export interface TinyHome {
  readonly folder: string
  readonly workspace: Workspace
  context(run: RunOptions): RunContext
  step(step: Step, workflow: keyof typeof workflows, run: RunOptions): Promise<ExecutedStep>
  /** All steps of a workflow, by name. */
  run(workflow: keyof typeof workflows, run: RunOptions): Promise<Record<string, ExecutedStep>>
  /** Rows of a SELECT in which `{name}` stands for a table. */
  rows(sql: string): Promise<Record<string, string | number | boolean | null>[]>
  /** What a run that changes nothing leaves as it was. */
  inventory(): Promise<Record<string, unknown>>
  close(): Promise<void>
}

export async function openTinyHome(options: { readonly customers?: number; readonly shiftedFrom?: string } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'esteira-tiny-'))
  const source = join(folder, 'orders.csv')
  const { customers = 500, ...rest } = options
  await writeFile(source, [...generateOrders({ rows: customers, seed: 3, until: '2024-08-01', ...rest })].join(''))
  const library = process.env['ESTEIRA_XGBOOST_LIB']
  const environment = readEnvironment({
    ESTEIRA_HOME: join(folder, 'home'),
    ESTEIRA_SOURCE: source,
    ...(library !== undefined && { ESTEIRA_XGBOOST_LIB: library }),
  })
  const config = await readConfig(tinyFolder)
  const project = { name: config.projectName, folder: tinyFolder, config, definition: tiny }
  const workspace = await openDrivers(tinyFolder, { environment, project })
  return tinyHome(folder, workspace)
}

function tinyHome(folder: string, workspace: Workspace): TinyHome {
  const context = ({ runId, runDate }: RunOptions): RunContext => ({
    runId: runId ?? `tiny-${runDate.slice(0, 10)}`,
    runDate: new Date(runDate.length === 10 ? `${runDate}T00:00:00Z` : runDate),
    seed: 7,
    logger: silentLogger,
    signal: new AbortController().signal,
    now: () => new Date(),
    newId: randomUUID,
  })
  const home: TinyHome = {
    folder,
    workspace,
    context,
    step: (step, workflow, run) =>
      executeStep({
        step,
        workflow,
        context: context(run),
        options: { 'feature-dates': workflow === 'training' ? 'training' : 'run-date', ...run.options },
        workspace: {
          ...workspace,
          project: { ...workspace.project, ...(run.definition && { definition: run.definition }) },
          environment: { ...workspace.environment, ...(run.stage && { stage: run.stage }) },
        },
      }),
    async run(workflow, run) {
      const done: Record<string, ExecutedStep> = {}
      for (const step of workflows[workflow]) done[step.name] = await home.step(step, workflow, run)
      return done
    },
    async rows(sql) {
      const lakehouse = await workspace.lakehouse()
      let text = sql
      for (const [mark, name] of sql.matchAll(/\{([\w.]+)\}/g))
        text = text.replace(mark, await lakehouse.relation(name ?? ''))
      return toRows(await lakehouse.engine.query(text))
    },
    inventory: () => inventoryOf(workspace),
    async close() {
      await workspace.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
  return home
}

async function inventoryOf(workspace: Workspace): Promise<Record<string, unknown>> {
  const lakehouse = await workspace.lakehouse()
  const { tracking, registry } = await workspace.mlflow()
  const tables = await lakehouse.tables()
  const snapshots = await Promise.all(
    tables.map(async ({ name }) => [name, (await lakehouse.snapshots(name)).map(({ snapshotId }) => snapshotId)]),
  )
  const experiment = await tracking.ensureExperiment(workspace.project.name)
  const models = await Promise.all((await registry.modelNames()).map((name) => registry.versions(name)))
  return {
    snapshots: Object.fromEntries(snapshots),
    runs: (await tracking.findRuns(experiment, {})).map(({ runId, status }) => [runId, status]),
    versions: models.flat().map(({ name, version, stage, aliases, tags }) => ({ name, version, stage, aliases, tags })),
  }
}
