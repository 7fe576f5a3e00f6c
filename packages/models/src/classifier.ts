import type { FeatureMatrix } from './feature-matrix.js'
import type { ModelDescription } from './model-description.js'
import type { ModelType } from './model-type.js'

/** A trained binary classifier. The algorithm behind it shows only in {@link Classifier.describe}. */
export interface Classifier {
  readonly modelType: ModelType
  /** Names of the matrix columns it was trained on, in order. */
  readonly features: readonly string[]
  /**
   * Probability of the positive class of each row.
   *
   * @throws EsteiraError `ESTEIRA_SIGNATURE` when the matrix has other columns than {@link Classifier.features}.
   */
  predictProbability(matrix: FeatureMatrix): Float64Array
  /** Writes the model and its description `esteira_model.json` into an existing folder; the same model, the same bytes. */
  save(folder: string): Promise<void>
  describe(): ModelDescription
  /** Frees memory held outside JavaScript; the classifier cannot be used afterwards. Safe to call twice. */
  close(): void
}

/** Rows with their labels, 1 for the positive class and 0 for the other. */
export interface LabelledMatrix {
  readonly matrix: FeatureMatrix
  readonly labels: Uint8Array | Float64Array
}

/** What one round (or epoch) of training measured, e.g. `train_log_loss`, `val_log_loss`. */
export type RoundMetrics = Readonly<Record<string, number>>

export interface TrainingProgress {
  /** Aborted: training ends between two rounds with `ESTEIRA_INTERRUPTED`. */
  readonly signal?: AbortSignal
  /** Called after each round with the rounds done, the rounds at most and what was measured. */
  readonly onProgress?: (round: number, total: number, metrics: RoundMetrics) => void
}

export interface TrainingOutcome {
  readonly classifier: Classifier
  /** One value a round, by metric name; empty when nothing was measured. */
  readonly history: Readonly<Record<string, readonly number[]>>
  /** Index of the best round on the validation rows; absent without validation rows or early stopping. */
  readonly bestIteration?: number
  /** Rounds (trees, epochs, Newton steps) the classifier keeps: `bestIteration + 1` after early stopping. */
  readonly rounds: number
  /** By kind (`gain`, `weight`, `coefficient`), then by feature; empty where the algorithm has none. */
  readonly featureImportance: Readonly<Record<string, Readonly<Record<string, number>>>>
}
