import { EsteiraError, nearest } from '../errors.js'
import type { Feature } from './feature.js'
import { validName } from './source.js'
import { checkFeatureNames, type FeatureView } from './view.js'
import { wholeDays } from './whole-days.js'

/** What is predicted: whether an entity stops having events. */
export interface ChurnLabel {
  readonly kind: 'churn'
  readonly name: string
  /** 1 when there is no event in `[D, D + horizonDays)`; only entities seen in the horizon before D are at risk. */
  readonly horizonDays: number
}

/** Churn at D: no event in the `inactiveDays` days from D on. Population: entities with an event in as many days before. */
export function churnLabel(name: string, { inactiveDays }: { readonly inactiveDays: number }): ChurnLabel {
  return {
    kind: 'churn',
    name: validName('label', name),
    horizonDays: wholeDays(`label ${name}: inactiveDays`, inactiveDays),
  }
}

/** Hyperparameters keep their library's names; they are checked when training starts. */
export type Hyperparameters = Readonly<Record<string, number | string | boolean | readonly number[]>>

export interface ModelChoice {
  readonly type: string
  readonly hyperparameters: Hyperparameters
}

/** The algorithms, by the names of their libraries' parameters. */
export const model = {
  xgboost: (hyperparameters: Hyperparameters = {}): ModelChoice => ({ type: 'xgboost', hyperparameters }),
  randomForest: (hyperparameters: Hyperparameters = {}): ModelChoice => ({ type: 'random_forest', hyperparameters }),
  neuralNetwork: (hyperparameters: Hyperparameters = {}): ModelChoice => ({ type: 'neural_network', hyperparameters }),
  logisticRegression: (hyperparameters: Hyperparameters = {}): ModelChoice => ({
    type: 'logistic_regression',
    hyperparameters,
  }),
} as const

/** Metrics of a binary classifier, named as in MLflow. */
export const METRICS = [
  'accuracy',
  'precision',
  'recall',
  'f1',
  'roc_auc',
  'pr_auc',
  'log_loss',
  'brier_score',
] as const
export type Metric = (typeof METRICS)[number]

/** `majority_class` says the commoner class for all; `recency` knows only the days since the last event; `logistic_regression` knows all features. */
export const BASELINES = ['majority_class', 'recency', 'logistic_regression'] as const
export type Baseline = (typeof BASELINES)[number]

export type Gate =
  | { readonly kind: 'above'; readonly metric: Metric; readonly threshold: number }
  | { readonly kind: 'beats'; readonly baseline: Baseline; readonly metric: Metric }
  | { readonly kind: 'notWorseThanLive'; readonly metric: Metric; readonly tolerance: number }

/**
 * Conditions a challenger must meet to be promoted; each gives a verdict with its reason. A name that does not exist is refused
 * when the project is loaded (ESTEIRA_PROJECT).
 */
export const gate = {
  /** The test metric is at least the threshold. */
  above: (metric: Metric, threshold: number): Gate => ({
    kind: 'above',
    metric: known('metric', metric, METRICS),
    threshold,
  }),
  /** Better than the baseline on the same test rows; by default on accuracy against the majority class, else ROC AUC. */
  beats: (baseline: Baseline, metric?: Metric): Gate => ({
    kind: 'beats',
    baseline: known('baseline', baseline, BASELINES),
    metric: known('metric', metric ?? (baseline === 'majority_class' ? 'accuracy' : 'roc_auc'), METRICS),
  }),
  /**
   * At most `tolerance` worse than the live model on the same rows. Passes when none is live, or the live one reads other
   * features; fails when the live one learnt from later dates than the challenger is judged on.
   */
  notWorseThanLive: (metric: Metric = 'roc_auc', { tolerance = 0 }: { readonly tolerance?: number } = {}): Gate => ({
    kind: 'notWorseThanLive',
    metric: known('metric', metric, METRICS),
    tolerance,
  }),
}

function known<Name extends string>(what: string, name: Name, names: readonly Name[]): Name {
  if (names.includes(name)) return name
  const near = nearest(name, names)
  throw new EsteiraError(
    'ESTEIRA_PROJECT',
    `gates: there is no ${what} ${JSON.stringify(name)}; there are ${names.join(', ')}`,
    {
      ...(near === undefined ? {} : { hint: `Did you mean "${near}"?` }),
    },
  )
}

export interface Monitoring<FeatureName extends string = string> {
  /** Features whose drift alone is critical. */
  readonly important?: readonly FeatureName[]
  readonly minRows?: number
  readonly numericThreshold?: number
  readonly categoricalThreshold?: number
  /** Largest adjusted p-value that counts as drift. */
  readonly pValue?: number
  /** Share of drifted columns from which drift is critical. */
  readonly share?: number
}

/** Makes sample data of a project: CSV text in pieces, header first; the same options give the same bytes. */
export type SampleGenerator = (options: {
  readonly rows: number
  readonly seed: number
  readonly until: string
}) => Iterable<string>

export interface ProjectOptions<Features extends Record<string, Feature>> {
  /** Feature views; training uses the first. */
  readonly views: readonly [FeatureView<Features>]
  readonly label: ChurnLabel
  readonly model: ModelChoice
  /** Name in the registry and of the table `predictions.<modelName>`. Default: the project's name. */
  readonly modelName?: string
  readonly gates?: readonly Gate[]
  readonly monitoring?: Monitoring<keyof Features & string>
  /** How many feature dates (first days of months) a training uses. Default 12. */
  readonly trainingMonths?: number
  readonly seed?: number
  readonly generator?: SampleGenerator
}

/** A project as the pipelines read it. */
export interface ProjectDefinition<Features extends Record<string, Feature> = Record<string, Feature>> {
  readonly view: FeatureView<Features>
  readonly label: ChurnLabel
  readonly model: ModelChoice
  readonly modelName?: string
  readonly gates: readonly Gate[]
  readonly monitoring: Monitoring
  readonly trainingMonths: number
  readonly seed: number
  readonly generator?: SampleGenerator
}

/**
 * One machine-learning project: the default export of `project.ts`. A misspelt feature in `monitoring` does not compile.
 *
 * @throws EsteiraError ESTEIRA_PROJECT when a part contradicts another
 */
export function defineProject<const Features extends Record<string, Feature>>(
  options: ProjectOptions<Features>,
): ProjectDefinition<Features> {
  const [view] = options.views
  const taken = options.label.name
  if (Object.hasOwn(view.features, taken)) {
    throw new EsteiraError('ESTEIRA_PROJECT', `label "${taken}": a feature of view ${view.name} has the same name`, {
      hint: 'Rename one of them: a label among the features would be learnt instead of predicted.',
    })
  }
  checkFeatureNames('monitoring.important', Object.keys(view.features), options.monitoring?.important ?? [])
  return {
    view,
    label: options.label,
    model: options.model,
    ...(options.modelName === undefined ? {} : { modelName: options.modelName }),
    gates: options.gates ?? [gate.beats('majority_class')],
    monitoring: options.monitoring ?? {},
    trainingMonths: wholeDays('trainingMonths', options.trainingMonths ?? 12),
    seed: options.seed ?? 7,
    ...(options.generator === undefined ? {} : { generator: options.generator }),
  }
}
