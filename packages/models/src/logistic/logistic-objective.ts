import type { LabelledMatrix } from '../classifier.js'
import { sigmoid, softplus } from '../log-loss.js'
import { type LinearWeights, logOdds } from './linear-classifier.js'

/** Value, slope and curvature of the loss at some weights; the intercept comes last. */
export interface Expansion {
  readonly gradient: Float64Array
  /** Upper triangle, row-major. */
  readonly hessian: Float64Array
}

/**
 * `|w|^2 / 2 + C * sum(weight * log(1 + exp(-y z)))`, the loss that scikit-learn's `LogisticRegression` minimizes:
 * the intercept is not penalized. https://scikit-learn.org/stable/modules/linear_model.html#logistic-regression
 */
export class LogisticObjective {
  readonly #rows: LabelledMatrix
  readonly #strength: number
  readonly #fitIntercept: boolean
  /** Weight of a row of class 0 and of class 1. */
  readonly #classWeights: readonly [number, number]

  constructor(rows: LabelledMatrix, options: { C: number; fit_intercept: boolean; class_weight: 'balanced' | null }) {
    this.#rows = rows
    this.#strength = options.C
    this.#fitIntercept = options.fit_intercept
    this.#classWeights = options.class_weight === 'balanced' ? balancedWeights(rows.labels) : [1, 1]
  }

  value(weights: LinearWeights): number {
    const z = logOdds(weights, this.#rows.matrix)
    let sum = 0
    for (let row = 0; row < z.length; row++) {
      const odds = z[row] ?? 0
      sum += this.#weightOf(row) * (softplus(odds) - this.#labelOf(row) * odds)
    }
    return this.#strength * sum + weights.coefficients.reduce((total, w) => total + w * w, 0) / 2
  }

  expand(weights: LinearWeights): Expansion {
    const { matrix } = this.#rows
    const width = matrix.names.length
    const size = width + (this.#fitIntercept ? 1 : 0)
    const gradient = new Float64Array(size)
    const hessian = new Float64Array(size * size)
    const z = logOdds(weights, matrix)
    // One-hot rows are mostly zeros: only the others take part in a row's outer product.
    const used = new Int32Array(size)
    const values = new Float64Array(size)
    for (let row = 0; row < matrix.rows; row++) {
      const probability = sigmoid(z[row] ?? 0)
      const weight = this.#strength * this.#weightOf(row)
      const slope = weight * (probability - this.#labelOf(row))
      const curvature = weight * probability * (1 - probability)
      let count = 0
      for (let column = 0; column < width; column++) {
        const value = matrix.values[row * width + column] ?? 0
        if (value === 0) continue
        used[count] = column
        values[count++] = value
      }
      if (this.#fitIntercept) {
        used[count] = width
        values[count++] = 1
      }
      for (let i = 0; i < count; i++) {
        const column = used[i] ?? 0
        const value = values[i] ?? 0
        gradient[column] = (gradient[column] ?? 0) + slope * value
        const scaled = curvature * value
        const start = column * size
        for (let j = i; j < count; j++) {
          const at = start + (used[j] ?? 0)
          hessian[at] = (hessian[at] ?? 0) + scaled * (values[j] ?? 0)
        }
      }
    }
    for (let column = 0; column < width; column++) {
      gradient[column] = (gradient[column] ?? 0) + (weights.coefficients[column] ?? 0)
      hessian[column * size + column] = (hessian[column * size + column] ?? 0) + 1
    }
    return { gradient, hessian }
  }

  /** The factor that makes a slope one of the mean loss of a row. */
  get slopeScale(): number {
    return 1 / (this.#strength * this.#rows.matrix.rows)
  }

  #labelOf(row: number): number {
    return this.#rows.labels[row] ?? 0
  }

  #weightOf(row: number): number {
    return this.#classWeights[this.#labelOf(row) === 1 ? 1 : 0]
  }
}

/** As many effective rows of each class: `rows / (2 * rows of the class)`. */
function balancedWeights(labels: LabelledMatrix['labels']): [number, number] {
  let positives = 0
  for (const label of labels) positives += label
  return [labels.length / (2 * (labels.length - positives)), labels.length / (2 * positives)]
}
