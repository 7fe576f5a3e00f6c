import { join } from 'node:path'
import { EsteiraError } from '@esteira/core'
import type { Classifier } from '../classifier.js'
import { checkFeatureNames, type FeatureMatrix } from '../feature-matrix.js'
import { corrupt, type ModelDescription, writeDescription } from '../model-description.js'
import type { ModelType } from '../model-type.js'
import { Booster } from './booster.js'
import { findXgboost } from './find-xgboost.js'
import { loadXgboost } from './library.js'

/** Where XGBoost is and how many threads it takes. */
export interface XgboostOptions {
  /** File of libxgboost, the value of `ESTEIRA_XGBOOST_LIB`; found below `.esteira-native` when left out. */
  readonly xgboostLibrary?: string
  /** Threads; all cores when left out. The model's bytes do not depend on it. */
  readonly threads?: number
}

/** Trees in libxgboost: boosted, or a random forest. */
export class TreeClassifier implements Classifier {
  readonly #booster: Booster
  readonly #description: ModelDescription

  constructor(booster: Booster, description: ModelDescription) {
    this.#booster = booster
    this.#description = description
  }

  get modelType(): ModelType {
    return this.#description.model_type
  }

  get features(): readonly string[] {
    return this.#description.features
  }

  predictProbability(matrix: FeatureMatrix): Float64Array {
    checkFeatureNames(this.features, matrix)
    return this.#booster.predict(matrix)
  }

  async save(folder: string): Promise<void> {
    this.#booster.save(join(folder, this.#description.model_files[0]))
    await writeDescription(folder, this.#description)
  }

  describe(): ModelDescription {
    return this.#description
  }

  close(): void {
    this.#booster.close()
  }
}

/** Reads trees that {@link TreeClassifier} saved. */
export async function loadTreeClassifier(
  folder: string,
  description: ModelDescription,
  options: XgboostOptions,
): Promise<Classifier> {
  const library = await loadXgboost(
    findXgboost(options.xgboostLibrary === undefined ? {} : { override: options.xgboostLibrary }),
  )
  const saved = description.library.version
  if (isOlder(library.version, saved)) {
    // An older library reads a newer file without a complaint and predicts other numbers.
    throw new EsteiraError(
      'ESTEIRA_NATIVE_LIBRARY',
      `the model in ${folder} was saved by XGBoost ${saved}; ${library.file} is XGBoost ${library.version}, which is older`,
      {
        hint: `Take XGBoost ${saved} or newer: npm run setup brings it; unset ESTEIRA_XGBOOST_LIB if it names another.`,
      },
    )
  }
  const file = description.model_files[0]
  try {
    const booster = Booster.load(library, join(folder, file))
    if (booster.featureCount !== description.features.length) {
      throw new Error(`it has ${booster.featureCount} features, its description ${description.features.length}`)
    }
    if (options.threads !== undefined) booster.setParameter('nthread', String(options.threads))
    return new TreeClassifier(booster, description)
  } catch (cause) {
    throw corrupt(folder, file, cause instanceof Error ? cause.message : String(cause), cause)
  }
}

/** Whether version `a` is older than version `b`, both `major.minor.patch`. */
function isOlder(a: string, b: string): boolean {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number))
  for (let part = 0; part < 3; part++) {
    const difference = (left?.[part] ?? 0) - (right?.[part] ?? 0)
    if (difference !== 0) return difference < 0
  }
  return false
}
