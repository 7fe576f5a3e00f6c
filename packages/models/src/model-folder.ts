import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Frame } from '@esteira/core'
import { z } from 'zod'
import type { Classifier } from './classifier.js'
import { checkFeatureNames } from './feature-matrix.js'
import { FeatureTransformer } from './feature-transformer.js'
import { loadClassifier } from './load-classifier.js'
import { DEFAULT_THRESHOLD, parseModelFile, writeDescription } from './model-description.js'
import { PYTHON_CODE_FOLDER, PYTHON_LOADER, PYTHON_LOADER_FILE } from './python-loader.js'
import type { XgboostOptions } from './xgboost/tree-classifier.js'

const TRANSFORMER_FILE = 'transformer.json'

export interface ModelParts {
  readonly classifier: Classifier
  /** Fitted on the rows the classifier was trained on. */
  readonly transformer: FeatureTransformer
  /** A row is positive when its probability is at least this; default 0.5. */
  readonly threshold?: number
}

/** A saved model, ready to score raw features. */
export interface ScoringModel {
  readonly classifier: Classifier
  readonly transformer: FeatureTransformer
  readonly threshold: number
  /**
   * Scores of the rows, in their order.
   *
   * @throws EsteiraError `ESTEIRA_SIGNATURE` naming the columns that are missing or of another type.
   */
  predict(frame: Frame): Predictions
  close(): void
}

export interface Predictions {
  /** 1 where the probability reaches the threshold. */
  readonly prediction: Uint8Array
  readonly probability: Float64Array
}

/**
 * Writes everything scoring needs into an existing folder: the model in its library's format, `esteira_model.json`,
 * `transformer.json` and the Python loader. The same model gives the same bytes. `MLmodel` is the caller's.
 *
 * @throws EsteiraError `ESTEIRA_SIGNATURE` when the transformer does not belong to the classifier.
 */
export async function saveModelFolder(folder: string, parts: ModelParts): Promise<void> {
  const { classifier, transformer, threshold = DEFAULT_THRESHOLD } = parts
  checkFeatureNames(classifier.features, { rows: 0, names: transformer.outputs, values: new Float32Array(0) })
  await classifier.save(folder)
  await writeDescription(folder, { ...classifier.describe(), threshold })
  await writeFile(join(folder, TRANSFORMER_FILE), `${JSON.stringify(transformer, null, 2)}\n`)
  await mkdir(join(folder, PYTHON_CODE_FOLDER), { recursive: true })
  await writeFile(join(folder, PYTHON_CODE_FOLDER, PYTHON_LOADER_FILE), PYTHON_LOADER)
}

/**
 * Reads a model folder that {@link saveModelFolder} wrote.
 *
 * @throws EsteiraError `ESTEIRA_MODEL_MISSING`, `ESTEIRA_MODEL_CORRUPT`, `ESTEIRA_NATIVE_LIBRARY`.
 * @example
 * const model = await loadModelFolder(folder)
 * const { prediction, probability } = model.predict(frame)
 */
export async function loadModelFolder(folder: string, options: XgboostOptions = {}): Promise<ScoringModel> {
  const transformer = FeatureTransformer.fromJSON(await parseModelFile(folder, TRANSFORMER_FILE, z.unknown()))
  const classifier = await loadClassifier(folder, options)
  const { threshold } = classifier.describe()
  return {
    classifier,
    transformer,
    threshold,
    predict(frame) {
      const probability = classifier.predictProbability(transformer.transform(frame))
      return { probability, prediction: Uint8Array.from(probability, (value) => (value >= threshold ? 1 : 0)) }
    },
    close: () => classifier.close(),
  }
}
