import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Workspace } from '@esteira/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readEnvironment } from '../../packages/esteira/src/environment.js'
import { openDrivers } from '../../packages/esteira/src/open-workspace.js'
import { MOTO_CREDENTIALS, MOTO_REGION, type MotoServer, startMotoServer } from '../services/moto-server.js'

const project = fileURLToPath(new URL('../../projects/churn', import.meta.url))
const bucket = `home-${randomUUID()}`
let moto: MotoServer
let workspace: Workspace

const open = (home: string) =>
  openDrivers(project, {
    environment: readEnvironment({ ESTEIRA_HOME: home, AWS_ENDPOINT_URL_S3: moto.uri, AWS_REGION: MOTO_REGION }),
  })

beforeAll(async () => {
  process.env['AWS_ACCESS_KEY_ID'] = MOTO_CREDENTIALS.accessKeyId
  process.env['AWS_SECRET_ACCESS_KEY'] = MOTO_CREDENTIALS.secretAccessKey
  moto = await startMotoServer()
  await moto.makeBucket(bucket)
  workspace = await open(`s3://${bucket}/esteira`)
})
afterAll(async () => {
  await workspace.close()
  await moto.stop()
})

describe('a home on S3', () => {
  it('holds the files below objects/, for everybody who opens it', async () => {
    expect(workspace.objects.root).toBe(`s3://${bucket}/esteira/objects`)
    expect(await workspace.objects.put('runs/r1/lock.json', 'mine', { ifAbsent: true })).toBe(true)
    const second = await open(`s3://${bucket}/esteira/`)
    expect(await second.objects.put('runs/r1/lock.json', 'yours', { ifAbsent: true })).toBe(false)
    await second.close()
    const whole = await open(`s3://${bucket}`)
    expect(whole.objects.root).toBe(`s3://${bucket}/objects`)
    expect(await whole.objects.list('')).toEqual([])
    await whole.close()
    expect(existsSync('s3:')).toBe(false)
  })

  it('keeps local copies in the scratch folder, which goes away with the workspace', async () => {
    const opened = await open(`s3://${bucket}/copies`)
    await opened.objects.put('models/m.bin', 'bytes')
    const path = await opened.objects.localPath('models/m.bin')
    expect(path.startsWith(await opened.scratchFolder())).toBe(true)
    expect(await readFile(path, 'utf8')).toBe('bytes')
    await opened.close()
    expect(existsSync(path)).toBe(false)
  })

  it('refuses tables and the local MLflow file, and says what to do', async () => {
    await expect(workspace.lakehouse()).rejects.toMatchObject({
      code: 'ESTEIRA_UNSUPPORTED',
      hint: expect.stringContaining('local folder'),
    })
    await expect(workspace.mlflow()).rejects.toMatchObject({
      code: 'ESTEIRA_USAGE',
      hint: expect.stringContaining('MLFLOW_TRACKING_URI'),
    })
  })

  it('names a bucket that is not there at the first use', async () => {
    const opened = await open('s3://no-such-bucket/esteira')
    await expect(opened.objects.get('runs/r1/x.json')).rejects.toMatchObject({
      code: 'ESTEIRA_USAGE',
      message: expect.stringContaining('there is no bucket no-such-bucket'),
    })
    await opened.close()
  })
})
