import type { Classifier } from './classifier.js'
import { loadLinearClassifier } from './logistic/linear-classifier.js'
import { readDescription } from './model-description.js'
import { loadDenseNetwork } from './neural/dense-network.js'
import { loadSmallForest } from './small-forest/small-forest.js'
import { loadTreeClassifier, type XgboostOptions } from './xgboost/tree-classifier.js'

/**
 * Reads a classifier that {@link Classifier.save} wrote.
 *
 * @throws EsteiraError `ESTEIRA_MODEL_MISSING`, `ESTEIRA_MODEL_CORRUPT`; `ESTEIRA_NATIVE_LIBRARY` when libxgboost is
 * missing or older than the one that saved the model.
 */
export async function loadClassifier(folder: string, options: XgboostOptions = {}): Promise<Classifier> {
  const description = await readDescription(folder)
  switch (description.model_type) {
    case 'xgboost':
    case 'random_forest':
      return loadTreeClassifier(folder, description, options)
    case 'neural_network':
      return loadDenseNetwork(folder, description)
    case 'logistic_regression':
      return loadLinearClassifier(folder, description)
    case 'ml_random_forest':
      return loadSmallForest(folder, description)
  }
}
