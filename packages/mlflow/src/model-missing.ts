import { EsteiraError, type ModelVersion } from '@esteira/core'

const LIST_HINT = 'See what there is: npx esteira models list'

/** Of a registered model that does not exist. */
export function modelMissing(name: string): EsteiraError {
  return new EsteiraError('ESTEIRA_MODEL_MISSING', `registered model ${name} does not exist`, {
    hint: LIST_HINT,
    details: { name },
  })
}

/** Of a version that does not exist. */
export function versionMissing(name: string, version: number): EsteiraError {
  return new EsteiraError('ESTEIRA_MODEL_MISSING', `model ${name} has no version ${version}`, {
    hint: LIST_HINT,
    details: { name, version },
  })
}

/** Of a version whose files are gone. */
export function modelFolderMissing(version: ModelVersion, folder: string): EsteiraError {
  const message = `the files of model ${version.name} version ${version.version} are not there: no MLmodel in ${folder}`
  return new EsteiraError('ESTEIRA_MODEL_MISSING', message, {
    hint: 'Restore the folder, or take another version: npx esteira models list',
    details: { name: version.name, version: version.version, folder },
  })
}
