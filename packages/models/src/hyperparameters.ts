import { EsteiraError, exampleValues, nearest } from '@esteira/core'
import { z } from 'zod'
import type { ModelType } from './model-type.js'

const count = (most: number) => z.int().min(1).max(most)
const share = z.number().gt(0).max(1)
const notNegative = z.number().min(0)

const treeOptions = {
  /** Depth of a tree; 0 is no limit. */
  max_depth: z.int().min(0).max(64).default(6),
  min_child_weight: notNegative.default(1),
  /** Least loss reduction of a split. */
  gamma: notNegative.default(0),
  colsample_bytree: share.default(1),
  colsample_bylevel: share.default(1),
  reg_alpha: notNegative.default(0),
  max_bin: z.int().min(2).max(4096).default(256),
  scale_pos_weight: z.number().gt(0).default(1),
  /** First guess of the probability; estimated from the labels when left out. */
  base_score: z.number().gt(0).lt(1).optional(),
}

/** Schemas by model type. Parameters and defaults are those of each library; a default of ours is marked. */
const SCHEMAS = {
  xgboost: z.strictObject({
    ...treeOptions,
    /** Rounds at most. */
    n_estimators: count(100_000).default(100),
    learning_rate: z.number().gt(0).max(1).default(0.3),
    subsample: share.default(1),
    colsample_bynode: share.default(1),
    reg_lambda: notNegative.default(1),
    max_leaves: z.int().min(0).default(0),
    max_delta_step: notNegative.default(0),
    grow_policy: z.enum(['depthwise', 'lossguide']).default('depthwise'),
    /** Rounds without a better validation metric before training ends; ours is 20, null never stops. */
    early_stopping_rounds: count(100_000).nullable().default(20),
    /** Metric that early stopping watches. */
    eval_metric: z.enum(['logloss', 'auc']).default('logloss'),
  }),
  random_forest: z.strictObject({
    ...treeOptions,
    /** Trees of the forest. */
    n_estimators: count(100_000).default(100),
    subsample: share.default(0.8),
    colsample_bynode: share.default(0.8),
    reg_lambda: notNegative.default(1e-5),
  }),
  neural_network: z.strictObject({
    /** Units of each hidden layer; ours is [64, 32]. */
    hidden_units: z.array(count(4096)).min(1).max(8).default([64, 32]),
    activation: z.enum(['relu', 'tanh']).default('relu'),
    learning_rate: z.number().gt(0).max(1).default(0.001),
    batch_size: count(1_000_000).default(256),
    /** Passes over the rows at most. */
    epochs: count(10_000).default(30),
    /** Weight of the squared size of the layers' weights in the loss. */
    l2: notNegative.default(1e-4),
    /** Epochs without a lower validation loss before training ends; null never stops. */
    patience: count(10_000).nullable().default(5),
  }),
  logistic_regression: z.strictObject({
    /** Inverse of the strength of the L2 penalty. */
    C: z.number().gt(0).default(1),
    fit_intercept: z.boolean().default(true),
    class_weight: z.enum(['balanced']).nullable().default(null),
    max_iter: count(10_000).default(100),
    /** Largest slope at which the fit counts as done; ours is 1e-8, per row. */
    tol: z.number().gt(0).default(1e-8),
  }),
  ml_random_forest: z.strictObject({
    nEstimators: count(1000).default(50),
    /** Share of the columns (or, from 1, their number) that a tree sees. */
    maxFeatures: z.number().gt(0).default(1),
    replacement: z.boolean().default(true),
    maxDepth: count(64).default(10),
    minNumSamples: count(1_000_000).default(3),
  }),
} as const satisfies Record<ModelType, z.ZodType>

/** Checked hyperparameters of a model type, defaults filled in. */
export type Hyperparameters<T extends ModelType = ModelType> = Readonly<z.output<(typeof SCHEMAS)[T]>>

/**
 * Checks hyperparameters and fills in the defaults. All faults are told at once.
 *
 * @throws EsteiraError `ESTEIRA_HYPERPARAMETER` with key, value, expectation and, for an unknown key, the nearest one.
 */
export function parseHyperparameters<T extends ModelType>(modelType: T, value: unknown = {}): Hyperparameters<T> {
  const schema: z.ZodObject = SCHEMAS[modelType]
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data as Hyperparameters<T>
  const keys = Object.keys(schema.shape)
  const faults = parsed.error.issues.flatMap((issue) => describeIssue(issue, value, keys))
  throw new EsteiraError('ESTEIRA_HYPERPARAMETER', `hyperparameters of ${modelType}: ${faults.join('; ')}`, {
    hint: `The hyperparameters of ${modelType} are ${keys.join(', ')}.`,
    details: { modelType, faults, expected: keys },
  })
}

/** Names of the hyperparameters of a model type. */
export function hyperparameterNames(modelType: ModelType): readonly string[] {
  return Object.keys(SCHEMAS[modelType].shape)
}

function describeIssue(issue: z.core.$ZodIssue, value: unknown, keys: readonly string[]): string[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const near = nearest(key, keys)
      return `${key} does not exist${near === undefined ? '' : `, did you mean ${near}?`}`
    })
  }
  if (issue.path.length === 0) return [`expected an object, found ${exampleValues([value])}`]
  const found = issue.path.reduce<unknown>((at, key) => (isRecord(at) ? at[String(key)] : undefined), value)
  return [`${issue.path.join('.')}: ${lowerFirst(issue.message)}, found ${exampleValues([found])}`]
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
