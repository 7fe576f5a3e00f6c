import { setImmediate } from 'node:timers/promises'
import type { LabelledMatrix, RoundMetrics, TrainingOutcome, TrainingProgress } from '../classifier.js'
import type { Hyperparameters } from '../hyperparameters.js'
import { interruptIfAborted } from '../interrupt.js'
import { DEFAULT_THRESHOLD, type ModelDescription } from '../model-description.js'
import { Booster } from './booster.js'
import { findXgboost } from './find-xgboost.js'
import { loadXgboost, type XgboostLibrary } from './library.js'
import { TrainingMatrix } from './training-matrix.js'
import { TreeClassifier, type XgboostOptions } from './tree-classifier.js'

export interface TreeTraining extends TrainingProgress, XgboostOptions {
  readonly training: LabelledMatrix
  readonly validation?: LabelledMatrix
  readonly seed: number
}

/** What differs between boosting and a forest. */
interface Plan {
  readonly modelType: 'xgboost' | 'random_forest'
  readonly hyperparameters: ModelDescription['hyperparameters']
  readonly parameters: Readonly<Record<string, string | number>>
  readonly rounds: number
  readonly patience: number | null
  readonly metric: 'logloss' | 'auc'
}

/** Gradient boosting with the histogram method; early stopping where there are validation rows. */
export function trainBoosting(
  options: TreeTraining,
  hyperparameters: Hyperparameters<'xgboost'>,
): Promise<TrainingOutcome> {
  const { n_estimators, early_stopping_rounds, eval_metric, ...parameters } = hyperparameters
  return trainTrees(options, {
    modelType: 'xgboost',
    hyperparameters: given(hyperparameters),
    parameters: given(parameters),
    rounds: n_estimators,
    patience: early_stopping_rounds,
    metric: eval_metric,
  })
}

/** XGBoost's random forest: one round of parallel trees on row and column samples, no shrinkage. */
export function trainForest(
  options: TreeTraining,
  hyperparameters: Hyperparameters<'random_forest'>,
): Promise<TrainingOutcome> {
  const { n_estimators, ...parameters } = hyperparameters
  return trainTrees(options, {
    modelType: 'random_forest',
    hyperparameters: given(hyperparameters),
    parameters: { ...given(parameters), learning_rate: 1, num_parallel_tree: n_estimators },
    rounds: 1,
    patience: null,
    metric: 'logloss',
  })
}

/** Without the parameters that are left to the library. */
function given<T>(parameters: Readonly<Record<string, T | undefined>>): Record<string, T> {
  const all: Record<string, T> = {}
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) all[name] = value
  return all
}

async function trainTrees(options: TreeTraining, plan: Plan): Promise<TrainingOutcome> {
  const library = await loadXgboost(
    findXgboost(options.xgboostLibrary === undefined ? {} : { override: options.xgboostLibrary }),
  )
  const open: { close(): void }[] = []
  const opened = <T extends { close(): void }>(resource: T): T => {
    open.push(resource)
    return resource
  }
  try {
    const threads = options.threads ?? 0
    const training = opened(new TrainingMatrix(library, options.training, threads))
    const watched = new Map([['train', training]])
    if (options.validation !== undefined) {
      watched.set('val', opened(new TrainingMatrix(library, options.validation, threads)))
    }
    const booster = opened(Booster.create(library, [...watched.values()], parametersOf(options, plan)))
    const { history, bestIteration, rounds } = await boost(booster, training, watched, options, plan)
    // A copy of the wanted rounds: the trained booster keeps caches of every training row.
    const kept = booster.slice(rounds)
    kept.nameFeatures(options.training.matrix.names)
    if (options.threads !== undefined) kept.setParameter('nthread', String(options.threads))
    return {
      classifier: new TreeClassifier(kept, describeTrees(library, options, plan, rounds)),
      history,
      ...(bestIteration === undefined ? {} : { bestIteration }),
      rounds,
      featureImportance: importanceOf(kept, options.training.matrix.names),
    }
  } finally {
    for (const resource of open.reverse()) resource.close()
  }
}

function parametersOf({ seed, threads }: TreeTraining, { parameters, metric }: Plan): [string, string][] {
  const all = {
    objective: 'binary:logistic',
    tree_method: 'hist',
    verbosity: 0,
    seed,
    ...(threads === undefined ? {} : { nthread: threads }),
    ...parameters,
  }
  const pairs = Object.entries(all).map(([name, value]): [string, string] => [name, String(value)])
  const metrics = metric === 'auc' ? ['logloss', 'auc'] : ['logloss']
  return [...pairs, ...metrics.map((name): [string, string] => ['eval_metric', name])]
}

interface Boosted {
  readonly history: Record<string, number[]>
  readonly bestIteration?: number
  readonly rounds: number
}

async function boost(
  booster: Booster,
  training: TrainingMatrix,
  watched: ReadonlyMap<string, TrainingMatrix>,
  options: TreeTraining,
  plan: Plan,
): Promise<Boosted> {
  const history: Record<string, number[]> = {}
  let best = { iteration: 0, score: Number.NEGATIVE_INFINITY }
  for (let iteration = 0; iteration < plan.rounds; iteration++) {
    // Gives signals and timers their turn: one round is the longest that anything else waits.
    await setImmediate()
    interruptIfAborted(options.signal, `training, after ${iteration} of ${plan.rounds} rounds`)
    booster.update(iteration, training)
    const metrics = watched.has('val') ? measure(booster, iteration, watched) : {}
    for (const [name, value] of Object.entries(metrics)) {
      history[name] ??= []
      history[name].push(value)
    }
    options.onProgress?.(iteration + 1, plan.rounds, metrics)
    if (!watched.has('val') || plan.patience === null) continue
    const score = plan.metric === 'auc' ? (metrics['val_roc_auc'] ?? 0) : -(metrics['val_log_loss'] ?? 0)
    if (score > best.score) best = { iteration, score }
    if (iteration - best.iteration >= plan.patience) break
  }
  if (!watched.has('val') || plan.patience === null) return { history, rounds: plan.rounds }
  return { history, bestIteration: best.iteration, rounds: best.iteration + 1 }
}

const METRIC_NAMES: Readonly<Record<string, string>> = { logloss: 'log_loss', auc: 'roc_auc' }

function measure(booster: Booster, iteration: number, watched: ReadonlyMap<string, TrainingMatrix>): RoundMetrics {
  const found: [string, number][] = []
  for (const [name, value] of booster.evaluate(iteration, watched)) {
    const [part = '', metric = ''] = name.split('-')
    found.push([`${part}_${METRIC_NAMES[metric] ?? metric}`, value])
  }
  return Object.fromEntries(found)
}

function describeTrees(library: XgboostLibrary, options: TreeTraining, plan: Plan, rounds: number): ModelDescription {
  return {
    format: 'esteira.model',
    version: 1,
    model_type: plan.modelType,
    model_files: ['model.ubj'],
    library: { name: 'xgboost', version: library.version },
    features: [...options.training.matrix.names],
    rounds,
    hyperparameters: plan.hyperparameters,
    threshold: DEFAULT_THRESHOLD,
  }
}

function importanceOf(booster: Booster, names: readonly string[]): TrainingOutcome['featureImportance'] {
  const byKind = (kind: 'gain' | 'weight') => {
    const scores = booster.featureScores(kind)
    return Object.fromEntries(names.map((name) => [name, scores.get(name) ?? 0]))
  }
  return { gain: byKind('gain'), weight: byKind('weight') }
}
