import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ListObjectsV2Command } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { documentOf, esteira, root } from '../services/esteira-command.js'
import { MOTO_CREDENTIALS, MOTO_REGION, type MotoServer, startMotoServer } from '../services/moto-server.js'
import { expectCommandRefused } from '../services/refusal.js'

const bucket = `home-${randomUUID()}`
let moto: MotoServer
let env: Readonly<Record<string, string>>

beforeAll(async () => {
  moto = await startMotoServer()
  await moto.makeBucket(bucket)
  env = {
    ESTEIRA_HOME: `s3://${bucket}/esteira`,
    AWS_ENDPOINT_URL_S3: moto.uri,
    AWS_REGION: MOTO_REGION,
    AWS_ACCESS_KEY_ID: MOTO_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: MOTO_CREDENTIALS.secretAccessKey,
  }
})
afterAll(() => moto.stop())

async function keys(): Promise<string[]> {
  const { Contents = [] } = await moto.client.send(new ListObjectsV2Command({ Bucket: bucket }))
  return Contents.map(({ Key = '' }) => Key)
}

describe('ESTEIRA_HOME on S3', () => {
  it('locks a run there, refuses its tables with the next step, and gives the lock back', async () => {
    const args = ['run', 'training', '--project', 'projects/churn', '--run-date', '2026-01-01', '--run-id', 'one']
    const ended = await esteira([...args, '--source', 'README.md'], { env })
    expectCommandRefused(ended, {
      exit: 64,
      code: 'ESTEIRA_UNSUPPORTED',
      says: [`ESTEIRA_HOME=s3://${bucket}/esteira: tables on S3`, 'local folder'],
    })
    expect(ended.stderr).not.toContain('Warning')
    expect(await keys()).toEqual([])
    await moto.putText(bucket, 'esteira/objects/runs/one/lock.json', '{"pid":1,"host":"elsewhere","since":"noon"}')
    expectCommandRefused(await esteira(args, { env }), {
      exit: 64,
      code: 'ESTEIRA_RUN_BUSY',
      says: [`s3://${bucket}/esteira/objects/runs/one/lock.json`],
    })
  })

  it('refuses tables and the demo, and makes no folder of that name', async () => {
    const refused = { exit: 64, code: 'ESTEIRA_UNSUPPORTED', says: [`s3://${bucket}/esteira`] } as const
    expectCommandRefused(await esteira(['tables', 'list'], { env }), refused)
    expectCommandRefused(await esteira(['demo'], { env }), refused)
    expect(existsSync(join(root, 's3:'))).toBe(false)
  })

  it('lets doctor look whether the bucket can be read', async () => {
    type Document = { readonly findings: readonly { name: string; ok: boolean; found: string; mend?: string }[] }
    const homeOf = async (home: string) => {
      const ended = await esteira(['doctor', '--json'], { env: { ...env, ESTEIRA_HOME: home } })
      return documentOf<Document>(ended).findings.find(({ name }) => name === 'home')
    }
    expect(await homeOf(`s3://${bucket}/esteira`)).toEqual({
      name: 'home',
      ok: true,
      found: `s3://${bucket}/esteira/objects`,
    })
    expect(await homeOf('s3://no-such-bucket')).toMatchObject({ ok: false, mend: expect.stringContaining('aws s3 mb') })
  })
})
