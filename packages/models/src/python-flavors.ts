import type { ModelType } from './model-type.js'
import { PYTHON_CODE_FOLDER, PYTHON_LOADER_FILE } from './python-loader.js'
import { XGBOOST_VERSION } from './xgboost/find-xgboost.js'

export interface PythonFlavorVersions {
  /** Version of Python that `MLmodel` names, e.g. `3.11.7`; a reader with another one is warned. */
  readonly pythonVersion: string
  /** Version of the library that saved the trees; default {@link XGBOOST_VERSION}. */
  readonly xgboostVersion?: string
}

/**
 * The `flavors` of the `MLmodel` file of a model folder: raw features in for `python_function`, and the bare booster
 * for `xgboost` where the model is one.
 */
export function pythonFlavors(
  modelType: ModelType,
  versions: PythonFlavorVersions,
): Readonly<Record<string, Readonly<Record<string, string>>>> {
  const python_function = {
    loader_module: PYTHON_LOADER_FILE.replace(/\.py$/, ''),
    code: PYTHON_CODE_FOLDER,
    data: '.',
    python_version: versions.pythonVersion,
  }
  if (!isTreeModel(modelType)) return { python_function }
  const xgboost = {
    data: 'model.ubj',
    model_class: 'xgboost.core.Booster',
    model_format: 'ubj',
    xgb_version: versions.xgboostVersion ?? XGBOOST_VERSION,
  }
  return { python_function, xgboost }
}

/** What pip installs for the Python side of a model, besides mlflow itself. */
export function pythonRequirements(
  modelType: ModelType,
  versions: Partial<PythonFlavorVersions> = {},
): readonly string[] {
  const always = ['numpy', 'pandas']
  return isTreeModel(modelType) ? [...always, `xgboost>=${versions.xgboostVersion ?? XGBOOST_VERSION}`] : always
}

function isTreeModel(modelType: ModelType): boolean {
  return modelType === 'xgboost' || modelType === 'random_forest'
}
