import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ObjectStore } from '@esteira/core'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { openS3ObjectStore } from '../../packages/lakehouse/src/object-store/s3-object-store.js'
import type { S3ObjectStoreOptions } from '../../packages/lakehouse/src/object-store/s3-options.js'
import { MOTO_CREDENTIALS, MOTO_REGION, type MotoServer, startMotoServer } from '../services/moto-server.js'
import { type S3Faults, startS3Faults } from '../services/s3-faults.js'

export const MIB = 1024 * 1024

export interface FaultyS3 {
  readonly moto: MotoServer
  /** Between the store that {@link FaultyS3.open} gives and moto. */
  readonly faults: S3Faults
  /** The same bucket, past the proxy. */
  readonly other: ObjectStore
  /** New for each test, as is `scratch`, a local folder. */
  readonly bucket: string
  readonly scratch: string
  /** What the store wanted to wait between attempts; it does not wait. */
  readonly waits: number[]
  open(options?: Partial<S3ObjectStoreOptions>): ObjectStore
}

/** Gives a file of tests a moto server behind a proxy that fails as told. */
export function useFaultyS3(): FaultyS3 {
  let moto: MotoServer
  let faults: S3Faults
  let bucket = ''
  let scratch = ''
  const waits: number[] = []
  const open = (options: Partial<S3ObjectStoreOptions> = {}) =>
    openS3ObjectStore({
      bucket,
      region: MOTO_REGION,
      endpoint: faults.uri,
      newId: randomUUID,
      scratchFolder: async () => join(scratch, 'copies'),
      random: () => 0.5,
      sleep: async (ms) => {
        waits.push(ms)
      },
      partSizeBytes: 5 * MIB,
      ...options,
    })

  beforeAll(async () => {
    process.env['AWS_ACCESS_KEY_ID'] = MOTO_CREDENTIALS.accessKeyId
    process.env['AWS_SECRET_ACCESS_KEY'] = MOTO_CREDENTIALS.secretAccessKey
    moto = await startMotoServer()
    faults = await startS3Faults(moto.uri)
  })
  afterAll(async () => {
    await faults.stop()
    await moto.stop()
  })
  beforeEach(async () => {
    faults.forget()
    waits.splice(0)
    bucket = `faults-${randomUUID()}`
    await moto.makeBucket(bucket)
    scratch = await mkdtemp(join(tmpdir(), 'esteira-faults-'))
  })
  afterEach(() => rm(scratch, { recursive: true, force: true }))

  return {
    get moto() {
      return moto
    },
    get faults() {
      return faults
    },
    get other() {
      return open({ endpoint: moto.uri })
    },
    get bucket() {
      return bucket
    },
    get scratch() {
      return scratch
    },
    waits,
    open,
  }
}
