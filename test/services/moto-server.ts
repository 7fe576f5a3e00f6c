import { spawn } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { CreateBucketCommand, ListMultipartUploadsCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { freePort } from './mlflow-server.js'
import { pythonPath } from './python.js'

export interface MotoServer {
  readonly uri: string
  /** A new empty bucket. */
  makeBucket(name: string): Promise<void>
  /** Writes an object as somebody else's program would. */
  putText(bucket: string, key: string, text: string): Promise<void>
  /** Keys of uploads in parts that were neither finished nor given back. */
  unfinishedUploads(bucket: string): Promise<readonly string[]>
  /** A client for what the object store does not do. */
  readonly client: S3Client
  stop(): Promise<void>
}

/** Any credentials do. */
export const MOTO_CREDENTIALS = { accessKeyId: 'testing', secretAccessKey: 'testing' } as const
export const MOTO_REGION = 'us-east-1'

const START_LIMIT_MS = 120_000

/** Starts the real moto server (S3 in memory) of the pinned Python environment on a free loopback port; stop it when done. */
export async function startMotoServer(): Promise<MotoServer> {
  const folder = mkdtempSync(join(tmpdir(), 'esteira-moto-'))
  const port = await freePort()
  const child = spawn(pythonPath(), ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)], {
    cwd: folder,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let log = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      log = (log + text).slice(-10_000)
    })
  }
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()))
  const uri = `http://127.0.0.1:${port}`
  const client = new S3Client({
    endpoint: uri,
    region: MOTO_REGION,
    forcePathStyle: true,
    credentials: MOTO_CREDENTIALS,
  })
  const stop = async () => {
    client.destroy()
    killGroup(child.pid)
    await ended
    await rm(folder, { recursive: true, force: true })
  }
  const deadline = Date.now() + START_LIMIT_MS
  while (!(await answers(uri))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop()
      throw new Error(`the moto server did not start:\n${log}`)
    }
    await setTimeout(100)
  }
  return {
    uri,
    client,
    makeBucket: async (Bucket) => {
      await client.send(new CreateBucketCommand({ Bucket }))
    },
    putText: async (Bucket, Key, Body) => {
      await client.send(new PutObjectCommand({ Bucket, Key, Body }))
    },
    unfinishedUploads: async (Bucket) => {
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }))
      return Uploads.map(({ Key = '' }) => Key)
    },
    stop,
  }
}

async function answers(uri: string): Promise<boolean> {
  return fetch(`${uri}/moto-api/data.json`).then(
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
