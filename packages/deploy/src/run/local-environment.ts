import type { ProjectConfig } from '@esteira/core'

/** Names that say where tables, models and credentials are: in `config.yaml` they mean the deployment. */
const DEPLOYMENT = /^(AWS|MLFLOW|ESTEIRA)_|^ENV$/

/**
 * Environment of the steps on this machine: `env_vars` of config.yaml below what the user has set, without the names that
 * choose the stores. A laptop works on its own stores unless the user's environment says otherwise.
 */
export function localEnvironment(
  config: ProjectConfig,
  environment: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string | undefined>> {
  const declared = Object.entries(config.runtime.environment).filter(([name]) => !DEPLOYMENT.test(name))
  return { ...Object.fromEntries(declared), ...environment }
}
