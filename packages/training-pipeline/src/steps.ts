import { join } from 'node:path'
import {
  EsteiraError,
  featureDateOf,
  METRICS,
  type Project,
  type Step,
  type StepScope,
  type TableInRun,
  tableInRun,
  tableNames,
} from '@esteira/core'
import { parseHyperparameters, parseModelType } from '@esteira/models'
import { z } from 'zod'
import { buildTrainingSet, readTrainingSet } from './build-training-set.js'
import { checkFreshness } from './check-freshness.js'
import { downloadFolder, uploadFolder } from './folder-objects.js'
import { metricsTable } from './metrics-table.js'
import { promote, promotionTarget } from './promote.js'
import { evaluateAndLog, registerVersion, type TrainingJob, trainAndLog } from './training-run.js'

const count = (rows: number) => rows.toLocaleString('en-US')
const modelNameOf = (project: Project) => project.definition.modelName ?? project.name

/** Step `check_readiness`: is there silver data, and is it fresh enough that silence means churn and not a late file? */
export const checkReadinessStep: Step = {
  name: 'check_readiness',
  description: 'refuses a source without rows, or whose newest row is older than the project allows',
  async plan(scope) {
    const { table, snapshotId = null } = await silverOf(scope)
    const { freshWithinDays } = scope.workspace.project.definition.view.from
    return { asked: { freshWithinDays, runDay: featureDateOf(scope.context) }, read: [{ table, snapshotId }] }
  },
  async run(scope) {
    const { workspace, context } = scope
    const { table, snapshotId } = await silverOf(scope)
    const { rows, newest } = await checkFreshness({
      lakehouse: await workspace.lakehouse(),
      silverTable: table,
      ...(snapshotId !== undefined && { silverSnapshotId: snapshotId }),
      runDay: featureDateOf(context),
      freshWithinDays: workspace.project.definition.view.from.freshWithinDays,
    })
    return {
      summary: [`${count(rows)} rows, newest ${newest}`],
      counts: { rows },
      decision: 'ready',
      output: { newest },
    }
  },
}

function silverOf(scope: StepScope): Promise<TableInRun> {
  const { project } = scope.workspace
  return tableInRun(scope, tableNames.silver(project.name, project.definition.view.from), 'process_silver')
}

/** What `validate_features` (and `extract_features` before it) leave for training. */
const published = z.object({
  featureVersion: z.number(),
  featureDates: z.array(z.string()),
  silverTable: z.string(),
  silverSnapshotId: z.string(),
  featureTable: z.string(),
  featureSnapshotId: z.string(),
})

/** Step `prepare_training_data`: features joined to labels at fixed snapshots, kept under their digest. */
export const prepareTrainingDataStep: Step = {
  name: 'prepare_training_data',
  description: 'joins the published features to mature labels and stores the training set under its digest',
  async plan({ workspace, context, resultOf }) {
    const { output } = await resultOf('validate_features')
    return {
      asked: { published: output, label: workspace.project.definition.label, runDay: featureDateOf(context) },
      read: [],
    }
  },
  async run({ workspace, context, resultOf }) {
    const from = published.parse((await resultOf('validate_features')).output)
    const { view, label } = workspace.project.definition
    const lakehouse = await workspace.lakehouse()
    const manifest = await buildTrainingSet({
      ...from,
      lakehouse,
      objects: workspace.objects,
      view,
      label,
      runDay: featureDateOf(context),
      scratchKey: `staging/${context.runId}/training-set.parquet`,
      signal: context.signal,
    })
    const set = await readTrainingSet(lakehouse, workspace.objects, manifest.digest)
    const { train, validation, test, finalFit } = set.parts
    const split = `train ${count(train.length)} · validation ${count(validation.length)} · test ${count(test.length)} · purged by ${label.horizonDays} days`
    return {
      summary: [split, ...set.notes],
      wrote: { files: [manifest.dataKey] },
      counts: {
        rows: manifest.rowCount,
        train: train.length,
        validation: validation.length,
        test: test.length,
        finalFit: finalFit.length,
      },
      output: { digest: manifest.digest, featureVersion: String(from.featureVersion), testDate: manifest.split.test },
    }
  },
}

const prepared = z.object({ digest: z.string(), featureVersion: z.string(), testDate: z.string() })
const trainedOutput = z.object({
  mlflowRunId: z.string(),
  modelPrefix: z.string(),
  modelType: z.string(),
  gain: z.record(z.string(), z.number()),
})

async function jobOf({ workspace, context, resultOf, options }: StepScope): Promise<TrainingJob> {
  const { digest, featureVersion } = prepared.parse((await resultOf('prepare_training_data')).output)
  const { project } = workspace
  const { model } = project.definition
  const modelType = parseModelType(model.type)
  parseHyperparameters(modelType, model.hyperparameters)
  return {
    workspace,
    context,
    experiment: options['experiment-name'] ?? project.name,
    modelName: modelNameOf(project),
    modelType,
    hyperparameters: model.hyperparameters,
    set: await readTrainingSet(await workspace.lakehouse(), workspace.objects, digest),
    featureVersion,
  }
}

/** Step `train_model`: chooses on validation, fits finally, logs the training to MLflow. */
export const trainModelStep: Step = {
  name: 'train_model',
  description: "trains the project's model on the prepared training set and logs it to an MLflow run",
  async plan({ workspace, context, resultOf }) {
    const { output } = await resultOf('prepare_training_data')
    return { asked: { set: output, model: workspace.project.definition.model, seed: context.seed }, read: [] }
  },
  async run(scope) {
    const { workspace, context } = scope
    const job = await jobOf(scope)
    const { trained, mlflowRunId, folder } = await trainAndLog(job)
    trained.classifier.close()
    const modelPrefix = `runs/${context.runId}/model`
    const files = await uploadFolder(workspace.objects, folder, modelPrefix)
    const { dropped } = trained.transformer
    return {
      summary: [
        `${job.modelType}, ${trained.rounds} rounds · validation ROC AUC ${trained.validation.roc_auc?.toFixed(4) ?? 'undefined'}`,
        ...(dropped.length === 0
          ? []
          : [`left out: ${dropped.map(({ name, reason }) => `${name} (${reason})`).join(', ')}`]),
      ],
      wrote: { files },
      counts: { rounds: trained.rounds, rows: job.set.parts.finalFit.length },
      output: { mlflowRunId, modelPrefix, modelType: job.modelType, gain: trained.featureImportance['gain'] ?? {} },
    }
  },
}

const evaluated = z.object({
  mlflowRunId: z.string(),
  modelId: z.string(),
  artifactUri: z.string(),
  passed: z.boolean(),
  gates: z.array(z.object({ gate: z.string(), passed: z.boolean(), reason: z.string() })),
  metrics: z.record(z.string(), z.number().nullable()),
  /** Version that was live when the gates were judged. */
  liveVersion: z.number().nullable(),
})

/** Number of the version that is live for this environment now; null when none is. */
async function liveVersion({ workspace }: StepScope): Promise<number | null> {
  const { registry } = await workspace.mlflow()
  const { alias } = promotionTarget(workspace.environment.stage)
  return (await registry.versionByAlias(modelNameOf(workspace.project), alias))?.version ?? null
}

/** Whom the model has to beat: the live version, or the one of then when this run's contest is over. */
async function opponentOf(scope: StepScope): Promise<number | null> {
  const earlier = evaluated.safeParse((await scope.findResult('evaluate_model'))?.output)
  const isOver = earlier.success && (await scope.findResult('promote_model')) !== undefined
  return isOver ? earlier.data.liveVersion : liveVersion(scope)
}

/** Step `evaluate_model`: test metrics beside baselines and the live model, gates judged, the whole model logged. */
export const evaluateModelStep: Step = {
  name: 'evaluate_model',
  description:
    'judges the model on the test rows beside the baselines and the live model; --fail-on gate ends with 65 when a gate fails',
  async plan(scope) {
    const { workspace, resultOf, options } = scope
    const trained = await resultOf('train_model')
    const { gates } = workspace.project.definition
    const live = await opponentOf(scope)
    return {
      asked: { trained: trained.output, at: trained.startedAt, gates, live, failOn: options['fail-on'] },
      read: [],
    }
  },
  async run(scope) {
    const { workspace, resultOf, options } = scope
    const trained = trainedOutput.parse((await resultOf('train_model')).output)
    const folder = await downloadFolder(
      workspace.objects,
      trained.modelPrefix,
      join(await workspace.scratchFolder(), 'trained'),
    )
    const job = await jobOf(scope)
    const { evaluation, modelId, artifactUri } = await evaluateAndLog({
      ...job,
      ...trained,
      modelType: job.modelType,
      folder,
    })
    const failed = evaluation.gates.filter(({ passed }) => !passed)
    if (failed.length > 0 && options['fail-on'] === 'gate') {
      throw new EsteiraError(
        'ESTEIRA_GATE_FAILED',
        `${failed.length} gates failed: ${failed.map(({ gate, reason }) => `${gate}: ${reason}`).join('; ')}`,
        {
          hint: 'The model is logged to MLflow and not promoted. Without --fail-on gate a lost contest is a result, not a failure.',
        },
      )
    }
    return {
      summary: metricsTable(evaluation),
      counts: { testRows: evaluation.testRows },
      decision: evaluation.passed ? 'passed' : 'failed',
      output: {
        mlflowRunId: trained.mlflowRunId,
        modelId,
        artifactUri,
        passed: evaluation.passed,
        gates: evaluation.gates,
        metrics: Object.fromEntries(METRICS.map((metric) => [metric, evaluation.test[metric]])),
        baselines: Object.fromEntries(
          Object.entries(evaluation.baselines).map(([name, of]) => [
            name,
            Object.fromEntries(METRICS.map((metric) => [metric, of[metric]])),
          ]),
        ),
        live: evaluation.live.kind,
        liveVersion: evaluation.live.kind === 'none' ? null : evaluation.live.version,
      },
    }
  },
}

/** Step `promote_model`: registers the version and, when every gate passed, makes it the live one. */
export const promoteModelStep: Step = {
  name: 'promote_model',
  description:
    'registers the model as a version and promotes it when all gates passed (ENV=dev: staging, else production)',
  async plan({ workspace, resultOf }) {
    const result = await resultOf('evaluate_model')
    return { asked: { evaluated: result.output, stage: workspace.environment.stage }, read: [] }
  },
  async run(scope) {
    const { workspace, context, resultOf } = scope
    const result = evaluated.parse((await resultOf('evaluate_model')).output)
    const { digest, featureVersion, testDate } = prepared.parse((await resultOf('prepare_training_data')).output)
    const { modelType } = trainedOutput.parse((await resultOf('train_model')).output)
    const name = modelNameOf(workspace.project)
    const version = await registerVersion({
      ...result,
      workspace,
      context,
      modelName: name,
      modelType: parseModelType(modelType),
      featureVersion,
      dataVersion: digest,
      labelsEnd: testDate,
      gatesPassed: result.passed,
    })
    const gates = result.gates.map(({ gate, passed, reason }) => `${passed ? '✓' : '✗'} ${gate}: ${reason}`)
    const passedCount = result.gates.filter(({ passed }) => passed).length
    const model = { name, version: version.version, metrics: result.metrics }
    if (!result.passed) {
      return {
        summary: [
          `${passedCount} of ${result.gates.length} gates passed → ${name} v${version.version} is registered, not promoted`,
          ...gates,
        ],
        decision: 'refused',
        output: { model, mlflowRunId: result.mlflowRunId },
      }
    }
    const { registry } = await workspace.mlflow()
    const target = promotionTarget(workspace.environment.stage)
    const live = await liveVersion(scope)
    if (live !== result.liveVersion && live !== version.version) throw contestIsOld(name, live, result.liveVersion)
    const promotion = await promote(registry, { name, version: version.version, target, now: context.now() })
    const before = promotion.from === undefined ? 'none' : `v${promotion.from}`
    return {
      summary: [
        `${passedCount} of ${result.gates.length} gates passed → ${name} v${version.version} is ${target.alias} (was: ${before})`,
        ...gates,
      ],
      decision: 'promoted',
      output: { model, alias: target.alias, mlflowRunId: result.mlflowRunId },
    }
  },
}

function contestIsOld(name: string, live: number | null, then: number | null): EsteiraError {
  const show = (version: number | null) => (version === null ? 'none' : `v${version}`)
  return new EsteiraError(
    'ESTEIRA_COMMIT_CONFLICT',
    `${name}: the gates were judged against ${show(then)}, and ${show(live)} is live now; nothing was promoted`,
    { hint: 'Run the workflow again with the same run id: evaluate_model compares with the version that is live now.' },
  )
}
