import { execFile } from 'node:child_process'
import { userInfo } from 'node:os'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { EsteiraError, type StepEnvironment } from '@esteira/core'
import { readS3Environment, type S3Environment } from './s3-environment.js'

/** Everything the environment decides, read here and nowhere else. */
export interface Environment extends StepEnvironment {
  /** Folder of all state: a local path, or `s3://bucket/prefix`. */
  readonly home: string
  /** Set when the home is on S3. */
  readonly s3?: S3Environment
  readonly engine: 'duckdb'
  /** MLflow server, when `MLFLOW_TRACKING_URI` names one; else the local file. */
  readonly mlflowServer?: {
    readonly uri: string
    readonly auth?: { readonly username: string; readonly password: string } | { readonly token: string }
  }
}

type Variables = Readonly<Record<string, string | undefined>>

/**
 * Reads `ESTEIRA_*`, `MLFLOW_*`, `ENV` and what of `AWS_*` chooses the place of objects.
 *
 * @throws EsteiraError ESTEIRA_UNSUPPORTED for an engine this version does not have yet, ESTEIRA_USAGE for others
 */
export function readEnvironment(variables: Variables = process.env): Environment {
  const engine = variables['ESTEIRA_ENGINE'] ?? 'duckdb'
  if (engine === 'athena') {
    throw new EsteiraError(
      'ESTEIRA_UNSUPPORTED',
      'ESTEIRA_ENGINE=athena: the Athena engine is not part of this version',
      {
        hint: 'Run with ESTEIRA_ENGINE=duckdb (the default); CHANGELOG.md says when Athena comes.',
      },
    )
  }
  if (engine !== 'duckdb') {
    throw new EsteiraError(
      'ESTEIRA_USAGE',
      `ESTEIRA_ENGINE: expected duckdb or athena, found ${JSON.stringify(engine)}`,
    )
  }
  const home = variables['ESTEIRA_HOME'] ?? '.esteira'
  const s3 = readS3Environment(home, variables)
  const source = variables['ESTEIRA_SOURCE']
  const library = variables['ESTEIRA_XGBOOST_LIB']
  const server = mlflowServer(variables)
  return {
    home: s3 === undefined ? resolve(home) : home.replace(/\/+$/, ''),
    ...(s3 !== undefined && { s3 }),
    engine,
    stage: stageOf(variables),
    ...(isGiven(source) && { source }),
    ...(isGiven(library) && { xgboostLibrary: library }),
    ...(server !== undefined && { mlflowServer: server }),
    user: variables['MLFLOW_USER'] ?? currentUser(),
  }
}

/** @throws EsteiraError ESTEIRA_USAGE: a misspelt `dev` must not move production */
function stageOf(variables: Variables): StepEnvironment['stage'] {
  const name = variables['ENV']
  if (!isGiven(name) || name === 'prd') return 'production'
  if (name === 'dev') return 'staging'
  throw new EsteiraError('ESTEIRA_USAGE', `ENV: expected dev or prd, found ${JSON.stringify(name)}`, {
    hint: 'ENV=dev promotes to staging, ENV=prd and no ENV to production.',
  })
}

function isGiven(value: string | undefined): value is string {
  return value !== undefined && value !== ''
}

function mlflowServer(variables: Variables): Environment['mlflowServer'] {
  const uri = variables['MLFLOW_TRACKING_URI']
  if (!isGiven(uri) || uri.startsWith('sqlite:')) return undefined
  if (!/^https?:\/\//.test(uri)) {
    throw new EsteiraError('ESTEIRA_USAGE', 'MLFLOW_TRACKING_URI: expected an address with http:// or https://', {
      hint: 'Leave it unset to use the local file mlflow.db in ESTEIRA_HOME.',
    })
  }
  const username = variables['MLFLOW_TRACKING_USERNAME']
  const password = variables['MLFLOW_TRACKING_PASSWORD']
  const token = variables['MLFLOW_TRACKING_TOKEN']
  if (isGiven(username) && password !== undefined) return { uri, auth: { username, password } }
  return isGiven(token) ? { uri, auth: { token } } : { uri }
}

function currentUser(): string {
  try {
    return userInfo().username
  } catch {
    // A container may run under a number that has no name.
    return 'unknown'
  }
}

/** Commit of the checkout that holds the folder, when it is in one. */
export async function gitCommitOf(folder: string): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)('git', ['rev-parse', 'HEAD'], { cwd: folder })
    return stdout.trim()
  } catch {
    return undefined
  }
}
