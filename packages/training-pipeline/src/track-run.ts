import { type Logger, METRICS, type Run, type RunMetric, type Tracking } from '@esteira/core'
import type { BinaryEvaluation } from '@esteira/statistics'
import type { Evaluation } from './evaluate-model.js'
import type { TrainedModel } from './train-model.js'
import type { TrainingSet } from './training-set.js'

/** Tag that says which run of Esteira an MLflow run belongs to. */
const RUN_TAG = 'esteira.run_id'

export interface StartRunOptions {
  readonly tracking: Tracking
  readonly experiment: string
  readonly runId: string
  readonly project: string
  readonly modelType: string
  readonly dataVersion: string
  readonly featureVersion?: string
  readonly gitCommit?: string
  readonly user?: string
  readonly runDate: string
  readonly now: Date
  readonly logger: Logger
}

/** Starts the MLflow run of a training. A run that an interrupted attempt left running is marked killed first. */
export async function startRun(options: StartRunOptions): Promise<Run> {
  const { tracking } = options
  const experimentId = await tracking.ensureExperiment(options.experiment)
  for (const earlier of await tracking.findRuns(experimentId, { [RUN_TAG]: options.runId })) {
    if (earlier.status !== 'RUNNING') continue
    options.logger.warn(`MLflow run ${earlier.runId} of an interrupted attempt is marked killed`)
    await tracking.finishRun(earlier.runId, 'KILLED')
  }
  return tracking.createRun({
    experimentId,
    name: options.runId,
    startedAt: options.now,
    tags: {
      [RUN_TAG]: options.runId,
      'esteira.run_date': options.runDate,
      'esteira.project': options.project,
      model_type: options.modelType,
      data_version: options.dataVersion,
      'mlflow.source.name': 'train_model',
      'mlflow.source.type': 'JOB',
      ...(options.featureVersion !== undefined && { feature_version: options.featureVersion }),
      ...(options.gitCommit !== undefined && { 'mlflow.source.git.commit': options.gitCommit }),
      ...(options.user !== undefined && { 'mlflow.user': options.user }),
    },
  })
}

export interface TrainingFacts {
  readonly set: TrainingSet
  readonly trained: TrainedModel
  readonly modelType: string
  readonly hyperparameters: Readonly<Record<string, unknown>>
  readonly seed: number
  readonly now: Date
}

/** Logs what was learnt from and how: params, dataset input, metrics per round, training and validation metrics. */
export async function logTraining(tracking: Tracking, runId: string, facts: TrainingFacts): Promise<void> {
  const { set, trained } = facts
  const hyperparameters = Object.entries(facts.hyperparameters).map(([key, value]) => [key, show(value)])
  await tracking.logBatch(runId, {
    params: {
      model_type: facts.modelType,
      seed: String(facts.seed),
      rounds: String(trained.rounds),
      training_rows: String(set.parts.finalFit.length),
      validation_rows: String(set.parts.validation.length),
      test_rows: String(set.parts.test.length),
      ...Object.fromEntries(hyperparameters),
    },
    metrics: [
      ...Object.entries(trained.history).flatMap(([key, values]) =>
        values.map((value, step) => ({ key: `round_${key}`, value, step, timestamp: facts.now })),
      ),
      ...metricsOf('train_', trained.training, facts.now),
      ...metricsOf('val_', trained.validation, facts.now),
    ],
  })
  const columns = [...set.features.columns].map(([name, column]) => ({ name, type: column.type, required: false }))
  const dataset = {
    name: set.name,
    digest: set.digest.slice(0, 36),
    sourceType: 'esteira',
    source: JSON.stringify({ digest: set.digest, ...set.origin }),
    schema: JSON.stringify({ mlflow_colspec: columns }),
    profile: JSON.stringify({ num_rows: set.labels.length, num_elements: set.labels.length * columns.length }),
  }
  await tracking.logDatasets(runId, [{ ...dataset, context: 'training' }])
}

/** Logs the test metrics (plain names), those of the baselines (`baseline_<name>_`) and what the gates said. */
export async function logEvaluation(
  tracking: Tracking,
  runId: string,
  evaluation: Evaluation,
  now: Date,
): Promise<void> {
  const baselines = Object.entries(evaluation.baselines).flatMap(([name, of]) =>
    metricsOf(`baseline_${name}_`, of, now),
  )
  const live = evaluation.live.kind === 'compared' ? metricsOf('live_', evaluation.live.metrics, now) : []
  await tracking.logBatch(runId, {
    metrics: [...metricsOf('', evaluation.test, now), ...baselines, ...live],
    tags: { 'esteira.gates': evaluation.passed ? 'passed' : 'failed' },
  })
}

function metricsOf(prefix: string, of: BinaryEvaluation, timestamp: Date): RunMetric[] {
  return METRICS.flatMap((metric) => {
    const value = of[metric]
    return value === null ? [] : [{ key: `${prefix}${metric}`, value, timestamp }]
  })
}

function show(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
