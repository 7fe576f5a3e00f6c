import { type Baseline, type Frame, takeRows } from '@esteira/core'
import { FeatureTransformer, train } from '@esteira/models'
import { type BinaryEvaluation, evaluateBinary } from '@esteira/statistics'
import { selectColumns } from './build-training-set.js'
import { pick } from './train-model.js'
import type { TrainingSet } from './training-set.js'

/**
 * What a model must be better than, fitted on the same rows and judged on the same test rows: the majority class, recency alone
 * (a logistic regression on the days since the last event, where the rows have them), and a logistic regression on everything.
 */
export async function evaluateBaselines(
  set: TrainingSet,
  options: { readonly seed: number; readonly signal?: AbortSignal },
): Promise<Partial<Record<Baseline, BinaryEvaluation>>> {
  const names = [...set.features.columns.keys()]
  const recency = set.recency !== undefined && names.includes(set.recency) ? set.recency : undefined
  return {
    majority_class: evaluateMajority(set),
    ...(recency !== undefined && { recency: await evaluateLogistic(set, [recency], options) }),
    logistic_regression: await evaluateLogistic(set, names, options),
  }
}

/** The share of positives among the fitted rows as everybody's probability. */
function evaluateMajority(set: TrainingSet): BinaryEvaluation {
  const labels = pick(set.labels, set.parts.finalFit)
  const share = labels.reduce((total, label) => total + label, 0) / labels.length
  return evaluateBinary(pick(set.labels, set.parts.test), new Float64Array(set.parts.test.length).fill(share))
}

async function evaluateLogistic(
  set: TrainingSet,
  names: readonly string[],
  options: { readonly seed: number; readonly signal?: AbortSignal },
): Promise<BinaryEvaluation> {
  const features = selectColumns(set.features, names)
  const rows = (part: Int32Array): Frame => takeRows(features, part)
  const transformer = FeatureTransformer.forModel('logistic_regression').fit(rows(set.parts.train))
  const { classifier } = await train({
    modelType: 'logistic_regression',
    seed: options.seed,
    training: { matrix: transformer.transform(rows(set.parts.finalFit)), labels: pick(set.labels, set.parts.finalFit) },
    ...(options.signal && { signal: options.signal }),
  })
  const probability = classifier.predictProbability(transformer.transform(rows(set.parts.test)))
  classifier.close()
  return evaluateBinary(pick(set.labels, set.parts.test), probability)
}
