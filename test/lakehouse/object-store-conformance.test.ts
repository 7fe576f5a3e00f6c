import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { openLocalObjectStore } from '../../packages/lakehouse/src/object-store/local-object-store.js'
import { openS3ObjectStore } from '../../packages/lakehouse/src/object-store/s3-object-store.js'
import { type MotoServer, startMotoServer } from '../services/moto-server.js'
import { describeObjectStore } from './object-store-conformance.js'

const folders: string[] = []
let moto: MotoServer

beforeAll(async () => {
  moto = await startMotoServer()
  await moto.makeBucket('conformance')
})
afterAll(async () => {
  await moto.stop()
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })))
})

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'esteira-store-'))
  folders.push(folder)
  return folder
}

describeObjectStore('local folder', async () => openLocalObjectStore(join(await newFolder(), 'objects')))

describeObjectStore('S3', async () => {
  const folder = await newFolder()
  return openS3ObjectStore({
    bucket: 'conformance',
    prefix: `store-${randomUUID()}/with space é+%`,
    client: moto.client,
    newId: randomUUID,
    scratchFolder: async () => folder,
    partSizeBytes: 5 * 1024 * 1024,
  })
})
