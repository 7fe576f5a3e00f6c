import { EsteiraError, nearest } from '@esteira/core'

/**
 * The algorithms. `random_forest` is XGBoost's random-forest mode; `ml_random_forest` is the package
 * `ml-random-forest`, for small data only.
 */
export const MODEL_TYPES = [
  'xgboost',
  'random_forest',
  'neural_network',
  'logistic_regression',
  'ml_random_forest',
] as const

export type ModelType = (typeof MODEL_TYPES)[number]

/**
 * The model type of that name.
 *
 * @throws EsteiraError `ESTEIRA_MODEL_TYPE` naming the types there are and the nearest one.
 */
export function parseModelType(name: string): ModelType {
  const found = MODEL_TYPES.find((type) => type === name)
  if (found !== undefined) return found
  const near = nearest(name, MODEL_TYPES)
  throw new EsteiraError('ESTEIRA_MODEL_TYPE', `model type "${name}" does not exist`, {
    hint: `${near === undefined ? '' : `Did you mean ${near}? `}The model types are ${MODEL_TYPES.join(', ')}.`,
    details: { modelType: name, expected: MODEL_TYPES, nearest: near },
  })
}
