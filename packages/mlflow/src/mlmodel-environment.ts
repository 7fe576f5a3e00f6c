import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The Python packages that load a model folder. */
export interface ModelEnvironment {
  /** Lines of `requirements.txt`, such as `xgboost==3.2.0`. */
  readonly requirements: readonly string[]
  /** Default `3.11`. */
  readonly pythonVersion?: string
}

/** `requirements.txt`, `python_env.yaml` and `conda.yaml`, as `mlflow models serve` reads them. */
export async function writeEnvironmentFiles(folder: string, environment: ModelEnvironment): Promise<void> {
  const { stringify } = await import('yaml')
  const { requirements, pythonVersion = '3.11' } = environment
  const yaml = (document: unknown) => stringify(document, { version: '1.1', lineWidth: 0 })
  await writeFile(join(folder, 'requirements.txt'), requirements.map((line) => `${line}\n`).join(''))
  await writeFile(
    join(folder, 'python_env.yaml'),
    yaml({
      python: pythonVersion,
      build_dependencies: ['pip', 'setuptools', 'wheel'],
      dependencies: ['-r requirements.txt'],
    }),
  )
  await writeFile(
    join(folder, 'conda.yaml'),
    yaml({
      channels: ['conda-forge'],
      dependencies: [`python=${pythonVersion}`, 'pip', { pip: requirements }],
      name: 'mlflow-env',
    }),
  )
}
