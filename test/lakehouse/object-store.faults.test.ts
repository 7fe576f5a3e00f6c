import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { freePort } from '../services/mlflow-server.js'
import { MOTO_CREDENTIALS, MOTO_REGION } from '../services/moto-server.js'
import { MIB, useFaultyS3 } from './object-store-faulty-s3.js'

const SLOW_DOWN = {
  status: 503,
  body: '<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>',
}
const UNAVAILABLE = { code: 'ESTEIRA_STORE_UNAVAILABLE', retryable: true }

const s3 = useFaultyS3()
const { open, waits } = s3

const text = (bytes: Uint8Array | undefined) => (bytes === undefined ? undefined : new TextDecoder().decode(bytes))
const same = (found: Uint8Array | undefined, expected: Uint8Array) =>
  found !== undefined && Buffer.compare(found, expected) === 0

describe('an S3 that asks for patience', () => {
  it('is asked again after growing waits, whatever the call', async () => {
    const store = open()
    const source = join(s3.scratch, 'file')
    await writeFile(source, 'from disk')
    for (const match of ['PUT /', 'GET /', 'DELETE /'] as const) s3.faults.fail(match, SLOW_DOWN, 3)
    await store.put('k', 'one')
    expect(waits).toEqual([275, 550, 1100])
    expect(text(await store.get('k'))).toBe('one')
    s3.faults.fail('GET /', SLOW_DOWN, 2)
    expect((await store.list('')).map(({ key }) => key)).toEqual(['k'])
    s3.faults.fail('GET /', SLOW_DOWN, 2)
    expect(await readFile(await store.localPath('k'), 'utf8')).toBe('one')
    s3.faults.fail('PUT /', SLOW_DOWN, 5)
    await store.upload('k', source)
    expect(text(await store.get('k'))).toBe('from disk')
    await store.delete('k')
    expect(await store.list('')).toEqual([])
  })

  it.each([500, 502, 503, 504, 429])(
    'is asked again after the status %i, also without a word of S3',
    async (status) => {
      await s3.other.put('k', 'there')
      s3.faults.fail('GET /', { status, headers: { 'content-type': 'text/html' }, body: '<html>gateway</html>' }, 2)
      expect(text(await open().get('k'))).toBe('there')
      expect(s3.faults.seen('GET /')).toBe(3)
    },
  )

  it('is unavailable when it never recovers, after a bounded number of attempts', async () => {
    await s3.other.put('k', 'before')
    s3.faults.fail('PUT /', SLOW_DOWN, 100)
    await expect(open({ attempts: 4 }).put('k', 'after')).rejects.toMatchObject({
      ...UNAVAILABLE,
      message: `cannot write s3://${s3.bucket}/k: the object store is not available: SlowDown: Please reduce your request rate. (4 attempts)`,
      details: { s3Code: 'SlowDown', status: 503 },
    })
    expect(s3.faults.seen('PUT /')).toBe(4)
    expect(text(await s3.other.get('k'))).toBe('before')
  })

  it('is unavailable when nobody listens', async () => {
    const endpoint = `http://user:secret@127.0.0.1:${await freePort()}`
    const failure = await open({ endpoint, attempts: 2 })
      .get('k')
      .catch((error: unknown) => error)
    expect(failure).toMatchObject({ ...UNAVAILABLE, message: expect.stringContaining('ECONNREFUSED') })
    expect(JSON.stringify(failure)).not.toContain('user:secret')
  })

  it('is unavailable when it is silent for too long', async () => {
    s3.faults.fail('GET /', 'stall', 2)
    await expect(open({ timeoutMs: 100, attempts: 2 }).get('k')).rejects.toMatchObject({
      ...UNAVAILABLE,
      message: expect.stringContaining('TimeoutError'),
    })
    expect(s3.faults.seen('GET /')).toBe(2)
  })
})

describe('a write whose answer is lost', () => {
  it('is known to have happened, and is done once', async () => {
    s3.faults.fail('PUT /', 'lose')
    expect(await open().put('lock', 'mine', { ifAbsent: true })).toBe(true)
    expect(text(await s3.other.get('lock'))).toBe('mine')
    expect(await open().put('lock', 'yours', { ifAbsent: true })).toBe(false)
    expect(s3.faults.seen('PUT /')).toBe(3)
  })

  it('is found by a last look when every answer is lost', async () => {
    s3.faults.fail('PUT /', 'lose', 3)
    expect(await open({ attempts: 3 }).put('lock', 'mine', { ifAbsent: true })).toBe(true)
    s3.faults.fail('PUT /', 'lose', 3)
    expect(await open({ attempts: 3 }).put('k', 'new')).toBe(true)
    expect(text(await s3.other.get('k'))).toBe('new')
  })

  it('is lost to a writer of the same words who came first', async () => {
    s3.faults.fail('PUT /', 'drop')
    const store = open({
      sleep: async () => {
        await s3.other.put('lock', 'same words', { ifAbsent: true })
      },
    })
    expect(await store.put('lock', 'same words', { ifAbsent: true })).toBe(false)
  })

  it('fails when it never arrived, and nothing is there', async () => {
    s3.faults.fail('PUT /', 'drop', 100)
    await expect(open({ attempts: 3 }).put('lock', 'mine', { ifAbsent: true })).rejects.toMatchObject(UNAVAILABLE)
    expect(await s3.other.list('')).toEqual([])
  })

  it('is resolved too when another client has sent it again by itself', async () => {
    const { S3Client } = await import('@aws-sdk/client-s3')
    const client = new S3Client({
      endpoint: s3.faults.uri,
      region: MOTO_REGION,
      forcePathStyle: true,
      credentials: MOTO_CREDENTIALS,
      maxAttempts: 3,
    })
    s3.faults.fail('PUT /', 'lose')
    expect(await open({ client }).put('lock', 'mine', { ifAbsent: true })).toBe(true)
    expect(waits).toEqual([])
    client.destroy()
  })

  it('is tried again when S3 saw two writers at once', async () => {
    const body = '<Error><Code>ConditionalRequestConflict</Code><Message>conflict</Message></Error>'
    s3.faults.fail('PUT /', { status: 409, body }, 2)
    expect(await open().put('lock', 'mine', { ifAbsent: true })).toBe(true)
    expect(s3.faults.seen('PUT /')).toBe(3)
  })
})

describe('a large upload', () => {
  const bytes = randomBytes(23 * MIB)
  const file = async () => {
    const path = join(s3.scratch, 'large.bin')
    await writeFile(path, bytes)
    return path
  }

  it('sends parts again that were dropped or whose answers were lost, four at a time', async () => {
    for (const failure of ['drop', 'lose'] as const) s3.faults.fail('PUT /', failure, 2)
    s3.faults.fail('POST /', 'drop')
    await open().upload('large', await file())
    expect(same(await s3.other.get('large'), bytes)).toBe(true)
    expect(s3.faults.seen('PUT /')).toBe(5 + 4)
    expect(s3.faults.mostAtOnce()).toBeLessThanOrEqual(4)
    expect(await s3.moto.unfinishedUploads(s3.bucket)).toEqual([])
  })

  it.each([true, false])('is known to be finished when the last answer is lost (ifAbsent %s)', async (ifAbsent) => {
    s3.faults.fail('POST /large?uploadId', 'lose')
    expect(await open().put('large', bytes, { ifAbsent })).toBe(true)
    expect(same(await s3.other.get('large'), bytes)).toBe(true)
    expect(await s3.moto.unfinishedUploads(s3.bucket)).toEqual([])
  })

  it('leaves the object as it was and gives its parts back when a part cannot be sent', async () => {
    await s3.other.put('large', 'before')
    s3.faults.fail('PUT /large?partNumber=3', SLOW_DOWN, 100)
    await expect(open({ attempts: 3 }).upload('large', await file())).rejects.toMatchObject(UNAVAILABLE)
    expect(text(await s3.other.get('large'))).toBe('before')
    expect(await s3.moto.unfinishedUploads(s3.bucket)).toEqual([])
  })

  it('gives its parts back when somebody else was first', async () => {
    s3.faults.before('POST /large?uploadId', () => s3.other.put('large', 'theirs'))
    expect(await open().put('large', bytes, { ifAbsent: true })).toBe(false)
    expect(text(await s3.other.get('large'))).toBe('theirs')
    expect(await s3.moto.unfinishedUploads(s3.bucket)).toEqual([])
  })

  it('may be tried again when somebody ended it meanwhile', async () => {
    await s3.other.put('large', 'before')
    const body = '<Error><Code>NoSuchUpload</Code><Message>The specified upload does not exist.</Message></Error>'
    s3.faults.fail('POST /large?uploadId', { status: 404, body })
    await expect(open().put('large', bytes)).rejects.toMatchObject(UNAVAILABLE)
    expect(text(await s3.other.get('large'))).toBe('before')
  })

  it('is not known to be ours when it ended and others wrote meanwhile', async () => {
    s3.faults.fail('POST /large?uploadId', 'lose')
    s3.faults.before('POST /large?uploadId', async () => undefined)
    s3.faults.before('POST /large?uploadId', () => s3.other.put('large', 'theirs'))
    await expect(open().put('large', bytes)).rejects.toMatchObject(UNAVAILABLE)
    expect(text(await s3.other.get('large'))).toBe('theirs')
  })

  it('stops on request and gives its parts back', async () => {
    await s3.other.put('large', 'before')
    s3.faults.fail('PUT /large?partNumber=4', 'stall', 100)
    const stop = new AbortController()
    const path = await file()
    const uploading = open().upload('large', path, { signal: stop.signal })
    await s3.faults.comes('PUT /large?partNumber=4')
    stop.abort()
    await expect(uploading).rejects.toMatchObject({ code: 'ESTEIRA_INTERRUPTED' })
    expect(text(await s3.other.get('large'))).toBe('before')
    expect(await s3.moto.unfinishedUploads(s3.bucket)).toEqual([])
  })

  it('refuses a file that changes meanwhile', async () => {
    await s3.other.put('large', 'before')
    const path = await file()
    s3.faults.before('POST /large?uploads', () => writeFile(path, randomBytes(23 * MIB)))
    await expect(open().upload('large', path)).rejects.toMatchObject({ code: 'ESTEIRA_USAGE' })
    expect(text(await s3.other.get('large'))).toBe('before')
    expect(await s3.moto.unfinishedUploads(s3.bucket)).toEqual([])
  })
})
