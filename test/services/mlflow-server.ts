import { spawn } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { pythonPath } from './python.js'

export interface MlflowServer {
  readonly uri: string
  stop(): Promise<void>
}

export interface MlflowServerSettings {
  /** SQLite file of the server; default a new one. */
  readonly file?: string
  /** Folder that the artifact proxy writes to; default a new one. */
  readonly artifactsFolder?: string
}

const START_LIMIT_MS = 120_000

/** Starts the real MLflow server of the pinned Python environment on a free loopback port; stop it when done. */
export async function startMlflowServer(settings: MlflowServerSettings = {}): Promise<MlflowServer> {
  const folder = mkdtempSync(join(tmpdir(), 'esteira-mlflow-'))
  const port = await freePort()
  const { file = join(folder, 'mlflow.db'), artifactsFolder = join(folder, 'artifacts') } = settings
  const args = [
    ...['-m', 'mlflow', 'server', '--host', '127.0.0.1', '--port', String(port), '--workers', '1'],
    ...['--backend-store-uri', `sqlite:///${file}`, '--artifacts-destination', artifactsFolder],
  ]
  const child = spawn(pythonPath(), args, {
    cwd: folder,
    // Its own process group: the server starts workers that must end with it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'false' },
  })
  let log = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      log = (log + text).slice(-10_000)
    })
  }
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()))
  const stop = async () => {
    killGroup(child.pid)
    await ended
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
  const uri = `http://127.0.0.1:${port}`
  const deadline = Date.now() + START_LIMIT_MS
  while (!(await isHealthy(uri))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop()
      throw new Error(`the MLflow server did not start:\n${log}`)
    }
    await setTimeout(100)
  }
  return { uri, stop }
}

async function isHealthy(uri: string): Promise<boolean> {
  return fetch(`${uri}/health`).then(
    (response) => response.ok,
    () => false,
  )
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It had ended by itself.
  }
}

/** A loopback port that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('the system gave no port')
  return address.port
}
