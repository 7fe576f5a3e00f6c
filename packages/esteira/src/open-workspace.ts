import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EsteiraError, type Lakehouse, type Logger, type Project, silentLogger, type Workspace } from '@esteira/core'
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
  const [project, commit, { openLocalObjectStore }] = await Promise.all([
    options.project ?? loadProject(folder),
    gitCommitOf(folder),
    import('@esteira/lakehouse'),
  ])
  await makeHome(environment.home)
  const lakehouse = once(() => openLakehouse(environment, logger))
  const mlflow = once(() => openMlflow(environment))
  const scratch = once(() => mkdtemp(join(tmpdir(), 'esteira-')))
  return {
    project,
    objects: openLocalObjectStore(join(environment.home, 'objects')),
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

/** The tables of this environment, without a project: for queries and look-ups. */
export async function openLakehouse(environment: Environment, logger: Logger = silentLogger): Promise<Lakehouse> {
  const { openDuckDb, openLocalLakehouse } = await import('@esteira/lakehouse')
  const engine = await openDuckDb({ tempFolder: join(environment.home, 'tmp') })
  return openLocalLakehouse({ home: environment.home, engine, newId: randomUUID, now: () => new Date(), logger })
}

/** The tracking and registry of this environment. */
export async function openMlflow(environment: Environment): Promise<Mlflow> {
  const { openMlflowFile, openMlflowServer } = await import('@esteira/mlflow')
  const common = {
    now: () => new Date(),
    newId: randomUUID,
    ...(environment.user !== undefined && { user: environment.user }),
  }
  if (environment.mlflowServer !== undefined) return openMlflowServer({ ...common, ...environment.mlflowServer })
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
