import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import {
  EsteiraError,
  featureDateOf,
  type Hyperparameters,
  type Logger,
  METRICS,
  matureMonths,
  tableNames,
} from '@esteira/core'
import { defaultRunId } from '@esteira/deploy'
import { ensureFeatureVersion } from '@esteira/lakehouse'
import {
  buildTrainingSet,
  metricsTable,
  readTrainingSet,
  TrainingPipeline,
  type TrainingReport,
} from '@esteira/training-pipeline'
import { z } from 'zod'
import { readEnvironment } from '../environment.js'
import { openDrivers } from '../open-workspace.js'
import { formatRunDate, parseRunDate, today } from '../run-date.js'
import { printDocument } from '../terminal/json-document.js'
import { print, style } from '../terminal/style.js'

export interface TrainCommand {
  readonly project: string
  readonly featuresPath?: string
  readonly target?: string
  readonly positive?: string
  readonly modelType?: string
  /** JSON file with the keys of the flags; flags win. */
  readonly config?: string
  readonly hyperparams?: string
  readonly experimentName?: string
  readonly register?: boolean
  readonly runDate?: string
  readonly json: boolean
  readonly logger: Logger
  readonly signal: AbortSignal
}

const hyperparameters = z.record(z.string(), z.union([z.number(), z.string(), z.boolean(), z.array(z.number())]))
const configFile = z.strictObject({
  features_path: z.string().optional(),
  target: z.string().optional(),
  positive: z.string().optional(),
  model_type: z.string().optional(),
  hyperparams: hyperparameters.optional(),
  experiment_name: z.string().optional(),
  register: z.boolean().optional(),
})

/** `esteira train`: from the feature store, or from a file of any ready table. */
export async function trainCommand(command: TrainCommand): Promise<void> {
  const settings = await readSettings(command)
  const workspace = await openDrivers(command.project, { environment: readEnvironment(), logger: command.logger })
  try {
    const { project } = workspace
    const runDate = parseRunDate(command.runDate ?? today(new Date()))
    const context = {
      // Every call of a person is a training of its own.
      runId: `${defaultRunId(project.name, 'train', formatRunDate(runDate))}-${randomUUID().slice(0, 8)}`,
      runDate,
      seed: project.definition.seed,
      logger: command.logger,
      signal: command.signal,
      now: () => new Date(),
      newId: randomUUID,
    }
    const fromStore = settings.featuresPath === undefined ? await trainingSetFromStore(workspace, context) : undefined
    const pipeline = new TrainingPipeline({
      workspace,
      context,
      ...(settings.experimentName !== undefined && { experimentName: settings.experimentName }),
    })
    const report = await pipeline.run({
      ...settings,
      registerModel: settings.register,
      ...(fromStore !== undefined && fromStore),
    })
    if (command.json) printDocument(jsonReport(report))
    else show(report, workspace.environment.stage)
  } finally {
    await workspace.close()
  }
}

type Settings = {
  readonly featuresPath?: string
  readonly target?: string
  readonly positive?: string
  readonly modelType?: string
  readonly hyperparameters?: Hyperparameters
  readonly experimentName?: string
  readonly register: boolean
}

async function readSettings(command: TrainCommand): Promise<Settings> {
  const file = command.config === undefined ? {} : await readConfigFile(command.config)
  const given = command.hyperparams === undefined ? undefined : parseHyperparams(command.hyperparams)
  const all = {
    featuresPath: command.featuresPath ?? file.features_path,
    target: command.target ?? file.target,
    positive: command.positive ?? file.positive,
    modelType: command.modelType ?? file.model_type,
    hyperparameters:
      given === undefined && file.hyperparams === undefined ? undefined : { ...file.hyperparams, ...given },
    experimentName: command.experimentName ?? file.experiment_name,
  }
  const present = Object.entries(all).filter(([, value]) => value !== undefined)
  return {
    ...(Object.fromEntries(present) as Omit<Settings, 'register'>),
    register: command.register ?? file.register ?? false,
  }
}

async function readConfigFile(path: string): Promise<z.output<typeof configFile>> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new EsteiraError('ESTEIRA_USAGE', `--config: no file at ${path}`, { cause })
  })
  const { parse } = await import('yaml')
  const parsed = configFile.safeParse(parse(text))
  if (parsed.success) return parsed.data
  const faults = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'file'}: ${issue.message}`)
  throw new EsteiraError('ESTEIRA_USAGE', `--config ${path}: ${faults.join('; ')}`, {
    hint: `Keys are ${Object.keys(configFile.shape).join(', ')}; YAML or JSON.`,
  })
}

function parseHyperparams(text: string): Hyperparameters {
  try {
    return hyperparameters.parse(JSON.parse(text))
  } catch (cause) {
    throw new EsteiraError(
      'ESTEIRA_HYPERPARAMETER',
      `--hyperparams: expected a JSON object of numbers, texts or booleans, found ${JSON.stringify(text.slice(0, 40))}`,
      {
        hint: `For example: --hyperparams '{"n_estimators": 200}'`,
        cause,
      },
    )
  }
}

type Scope = {
  readonly workspace: Awaited<ReturnType<typeof openDrivers>>
  readonly context: ConstructorParameters<typeof TrainingPipeline>[0]['context']
}

/** The training set of the project at the run date, from what is published now. */
async function trainingSetFromStore(workspace: Scope['workspace'], context: Scope['context']) {
  const { definition, name } = workspace.project
  const lakehouse = await workspace.lakehouse()
  const featureTable = tableNames.features(definition.view)
  const silverTable = tableNames.silver(name, definition.view.from)
  const [features, silver] = [await lakehouse.table(featureTable), await lakehouse.table(silverTable)]
  if (features?.snapshotId === undefined || silver?.snapshotId === undefined) {
    throw new EsteiraError(
      'ESTEIRA_TABLE_MISSING',
      `${features?.snapshotId === undefined ? featureTable : silverTable} holds nothing yet`,
      {
        hint: `Fill the feature store first: npx esteira run training --project ${workspace.project.folder}\nOr train from a file: --features-path F.parquet --target COLUMN`,
      },
    )
  }
  const { version } = await ensureFeatureVersion(workspace.objects, definition.view, context.now())
  const manifest = await buildTrainingSet({
    lakehouse,
    objects: workspace.objects,
    view: definition.view,
    label: definition.label,
    featureTable,
    featureSnapshotId: features.snapshotId,
    featureVersion: version,
    silverTable,
    silverSnapshotId: silver.snapshotId,
    featureDates: matureMonths(featureDateOf(context), definition.label.horizonDays, definition.trainingMonths),
    runDay: featureDateOf(context),
    scratchKey: `staging/${context.runId}/training-set.parquet`,
    signal: context.signal,
  })
  return { set: await readTrainingSet(lakehouse, workspace.objects, manifest.digest), featureVersion: String(version) }
}

function jsonReport(report: TrainingReport) {
  const { evaluation, set, trained } = report
  const metrics = (of: typeof evaluation.test) => Object.fromEntries(METRICS.map((metric) => [metric, of[metric]]))
  return {
    model: {
      name: report.modelName,
      type: report.modelType,
      version: report.version?.version ?? null,
      uri: report.modelUri,
    },
    mlflowRunId: report.mlflowRunId,
    metrics: metrics(evaluation.test),
    validation: metrics(trained.validation),
    baselines: Object.fromEntries(Object.entries(evaluation.baselines).map(([name, of]) => [name, metrics(of)])),
    gates: evaluation.gates,
    rows: Object.fromEntries(Object.entries(set.parts).map(([part, rows]) => [part, rows.length])),
    notes: set.notes,
    dropped: trained.transformer.dropped,
  }
}

function show(report: TrainingReport, stage: string): void {
  const { evaluation, set, trained } = report
  const rows = Object.entries(set.parts).map(([part, of]) => `${part} ${of.length.toLocaleString('en-US')}`)
  print(`\n${style.bold(report.modelType)}  ${trained.rounds} rounds · ${rows.join(' · ')}`)
  for (const { name, reason } of trained.transformer.dropped) print(style.dim(`  ${name} is left out: ${reason}`))
  print()
  for (const line of metricsTable(evaluation)) print(`  ${line}`)
  print()
  for (const { gate, passed, reason } of evaluation.gates)
    print(`  ${passed ? style.green('✓') : style.red('✗')} ${gate}: ${reason}`)
  print()
  print(`  MLflow run  ${report.mlflowRunId}`)
  if (report.version === undefined)
    print(`  Not registered. Give --register to make it a version of ${report.modelName}.`)
  else {
    print(`  Registered  ${report.modelName} v${report.version.version}, not promoted`)
    print(`  To make it ${stage}:  npx esteira models promote ${report.modelName} ${report.version.version}`)
  }
}
