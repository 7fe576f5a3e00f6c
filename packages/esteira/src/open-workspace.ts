import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  EsteiraError,
  type Lakehouse,
  type Logger,
  type ObjectStore,
  type Project,
  silentLogger,
  type Workspace,
} from '@esteira/core'
import { type Environment, gitCommitOf, readEnvironment } from './environment.js'
import { loadProject } from './load-project.js'

type Mlflow = Awaited<ReturnType<Workspace['mlflow']>> & { close(): Promise<void> }

/**
 * Opens the drivers that the environment chooses for a project: the one place that knows which ones there are. Nothing is
 * loaded before its first use.
 */
export async function openDrivers(
  folder: string,
  options: { readonly environment?: Environment; readonly logger?: Logger; readonly project?: Project } = {},
): Promise<Workspace> {
  const environment = options.environment ?? readEnvironment()
  const logger = options.logger ?? silentLogger
  // Side by side: the start of a step is waited for by people.
  const scratch = once(() => mkdtemp(join(tmpdir(), 'esteira-')))
  const [project, commit, objects] = await Promise.all([
    options.project ?? loadProject(folder),
    gitCommitOf(folder),
    openObjects(environment, scratch.get),
  ])
  if (environment.s3 === undefined) await makeHome(environment.home)
  const lakehouse = once(() => openLakehouse(environment, logger))
  const mlflow = once(() => openMlflow(environment))
  return {
    project,
    objects,
    lakehouse: lakehouse.get,
    mlflow: mlflow.get,
    scratchFolder: scratch.get,
    environment: { ...environment, ...(commit !== undefined && { gitCommit: commit }) },
    async close() {
      const open = await lakehouse.opened()
      await open?.close()
      await open?.engine.close()
      await (await mlflow.opened())?.close()
      const folder = await scratch.opened()
      if (folder !== undefined) await rm(folder, { recursive: true, force: true })
    },
  }
}

async function makeHome(home: string): Promise<void> {
  try {
    await mkdir(home, { recursive: true })
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
    if (reason !== 'EEXIST' && reason !== 'ENOTDIR') throw cause
    throw new EsteiraError('ESTEIRA_USAGE', `ESTEIRA_HOME: expected a folder at ${home}, found a file`, {
      hint: 'Point ESTEIRA_HOME to a folder, or to a place where one can be made.',
      details: { home },
      cause,
    })
  }
}

/** The files of this environment; `scratchFolder` is asked for when a copy from S3 is needed. */
export async function openObjects(
  { home, s3 }: Environment,
  scratchFolder: () => Promise<string>,
): Promise<ObjectStore> {
  const { openLocalObjectStore, openS3ObjectStore } = await import('@esteira/lakehouse')
  if (s3 === undefined) return openLocalObjectStore(join(home, 'objects'))
  // The SDK would warn of this version of Node on standard error, where a step writes lines of JSON.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true'
  const { prefix, kmsKeyId, ...place } = s3
  return openS3ObjectStore({
    ...place,
    prefix: prefix === '' ? 'objects' : `${prefix}/objects`,
    ...(kmsKeyId !== undefined && { encryption: { type: 'aws:kms', keyId: kmsKeyId } }),
    newId: randomUUID,
    scratchFolder,
  })
}

/**
 * The tables of this environment, without a project: for queries and look-ups.
 * @throws EsteiraError ESTEIRA_UNSUPPORTED for a home on S3
 */
export async function openLakehouse(environment: Environment, logger: Logger = silentLogger): Promise<Lakehouse> {
  if (environment.s3 !== undefined) {
    throw new EsteiraError(
      'ESTEIRA_UNSUPPORTED',
      `ESTEIRA_HOME=${environment.home}: tables on S3 are not part of this version`,
      { hint: 'Point ESTEIRA_HOME to a local folder for everything that reads or writes tables.' },
    )
  }
  const { openDuckDb, openLocalLakehouse } = await import('@esteira/lakehouse')
  const engine = await openDuckDb({ tempFolder: join(environment.home, 'tmp') })
  return openLocalLakehouse({ home: environment.home, engine, newId: randomUUID, now: () => new Date(), logger })
}

/**
 * The tracking and registry of this environment.
 * @throws EsteiraError ESTEIRA_USAGE for a home on S3 without a server
 */
export async function openMlflow(environment: Environment): Promise<Mlflow> {
  const { openMlflowFile, openMlflowServer } = await import('@esteira/mlflow')
  const common = {
    now: () => new Date(),
    newId: randomUUID,
    ...(environment.user !== undefined && { user: environment.user }),
  }
  if (environment.mlflowServer !== undefined) return openMlflowServer({ ...common, ...environment.mlflowServer })
  if (environment.s3 !== undefined) {
    throw new EsteiraError('ESTEIRA_USAGE', `ESTEIRA_HOME=${environment.home}: S3 cannot hold MLflow's local file`, {
      hint: 'Set MLFLOW_TRACKING_URI to the address of an MLflow server.',
    })
  }
  return openMlflowFile({
    ...common,
    file: join(environment.home, 'mlflow.db'),
    artifactsFolder: join(environment.home, 'mlartifacts'),
  })
}

function once<T>(open: () => Promise<T>): { get: () => Promise<T>; opened: () => Promise<T | undefined> } {
  let opening: Promise<T> | undefined
  return {
    get: () => {
      opening ??= open()
      return opening
    },
    opened: async () => opening?.catch(() => undefined),
  }
}
