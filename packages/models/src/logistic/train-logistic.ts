import { setImmediate } from 'node:timers/promises'
import type { LabelledMatrix, TrainingOutcome, TrainingProgress } from '../classifier.js'
import type { Hyperparameters } from '../hyperparameters.js'
import { interruptIfAborted } from '../interrupt.js'
import { meanLogLoss } from '../log-loss.js'
import { DEFAULT_THRESHOLD, type ModelDescription } from '../model-description.js'
import { LinearClassifier, type LinearWeights, logOdds } from './linear-classifier.js'
import { LogisticObjective } from './logistic-objective.js'
import { solvePositiveDefinite } from './solve-positive-definite.js'

export interface LogisticTraining extends TrainingProgress {
  readonly training: LabelledMatrix
  readonly validation?: LabelledMatrix
}

/** Version of the files that {@link LinearClassifier} writes. */
const LINEAR_FORMAT_VERSION = '1.0.0'

/** Logistic regression with an L2 penalty, by Newton's method with step halving; no randomness in it. */
export async function trainLogistic(
  options: LogisticTraining,
  hyperparameters: Hyperparameters<'logistic_regression'>,
): Promise<TrainingOutcome> {
  const { training, validation, signal, onProgress } = options
  const objective = new LogisticObjective(training, hyperparameters)
  let weights: LinearWeights = { coefficients: training.matrix.names.map(() => 0), intercept: 0 }
  let loss = objective.value(weights)
  const history: { train_log_loss: number[]; val_log_loss?: number[] } = { train_log_loss: [] }
  if (validation !== undefined) history.val_log_loss = []
  let rounds = 0
  while (rounds < hyperparameters.max_iter) {
    await setImmediate()
    interruptIfAborted(signal, `training, after ${rounds} Newton steps`)
    const { gradient, hessian } = objective.expand(weights)
    const steepest = gradient.reduce((most, slope) => Math.max(most, Math.abs(slope)), 0)
    if (steepest * objective.slopeScale <= hyperparameters.tol) break
    const next = descend(objective, weights, loss, newtonStep(hessian, gradient))
    if (next === undefined) break
    weights = next.weights
    loss = next.loss
    rounds++
    history.train_log_loss.push(lossOver(weights, training))
    if (validation !== undefined) history.val_log_loss?.push(lossOver(weights, validation))
    onProgress?.(rounds, hyperparameters.max_iter, lastOf(history))
  }
  return {
    classifier: new LinearClassifier(weights, describe(training, hyperparameters, rounds)),
    history,
    rounds,
    featureImportance: {
      coefficient: Object.fromEntries(
        training.matrix.names.map((name, index) => [name, weights.coefficients[index] ?? 0]),
      ),
    },
  }
}

function newtonStep(hessian: Float64Array, gradient: Float64Array): Float64Array {
  const size = gradient.length
  const damped = hessian.slice()
  // Weights so large that every probability is 0 or 1 leave no curvature for the intercept; damping stands in for it.
  for (let damping = 1e-10; ; damping *= 100) {
    const step = solvePositiveDefinite(damped, gradient)
    if (step !== undefined) return step
    for (let i = 0; i < size; i++) damped[i * size + i] = (damped[i * size + i] ?? 0) + damping
  }
}

/** The whole step, or the largest half of halves of it that lowers the loss; undefined when none does any more. */
function descend(
  objective: LogisticObjective,
  from: LinearWeights,
  loss: number,
  step: Float64Array,
): { weights: LinearWeights; loss: number } | undefined {
  for (let share = 1; share > 1e-9; share /= 2) {
    const weights = {
      coefficients: from.coefficients.map((w, index) => w - share * (step[index] ?? 0)),
      intercept: from.intercept - share * (step[from.coefficients.length] ?? 0),
    }
    const found = objective.value(weights)
    if (found < loss) return { weights, loss: found }
  }
  return undefined
}

function lossOver(weights: LinearWeights, { matrix, labels }: LabelledMatrix): number {
  return meanLogLoss(logOdds(weights, matrix), labels)
}

function lastOf(history: Readonly<Record<string, readonly number[]>>): Record<string, number> {
  return Object.fromEntries(Object.entries(history).map(([name, values]) => [name, values.at(-1) ?? Number.NaN]))
}

function describe(
  { matrix }: LabelledMatrix,
  hyperparameters: Hyperparameters<'logistic_regression'>,
  rounds: number,
): ModelDescription {
  return {
    format: 'esteira.model',
    version: 1,
    model_type: 'logistic_regression',
    model_files: ['model.json'],
    library: { name: 'esteira', version: LINEAR_FORMAT_VERSION },
    features: [...matrix.names],
    rounds,
    hyperparameters: { ...hyperparameters },
    threshold: DEFAULT_THRESHOLD,
  }
}
