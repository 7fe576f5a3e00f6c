import { EsteiraError } from '@esteira/core'

/** Numbers only, as the algorithms take them: one row after the other. */
export interface FeatureMatrix {
  readonly rows: number
  /** Name of each column, in order. */
  readonly names: readonly string[]
  /** `rows * names.length` numbers, row-major; NaN is a missing value, infinity never occurs. */
  readonly values: Float32Array
}

/**
 * Checks that a matrix has the columns a model was trained on, in their order.
 *
 * @throws EsteiraError `ESTEIRA_SIGNATURE` naming the first column that differs.
 */
export function checkFeatureNames(expected: readonly string[], matrix: FeatureMatrix): void {
  const at = expected.findIndex((name, index) => matrix.names[index] !== name)
  if (at === -1 && expected.length === matrix.names.length) return
  const position = at === -1 ? expected.length : at
  const wanted = expected[position] ?? 'no further column'
  const found = matrix.names[position] ?? 'none'
  throw new EsteiraError(
    'ESTEIRA_SIGNATURE',
    `the model expects ${expected.length} columns with "${wanted}" at position ${position}; found ${matrix.names.length} with "${found}" there`,
    {
      hint: 'Transform the rows with the transformer that was saved with this model.',
      details: { position, expected: wanted, found },
    },
  )
}
