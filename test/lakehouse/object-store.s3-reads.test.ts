import { randomBytes } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { EsteiraError } from '@esteira/core'
import { describe, expect, it } from 'vitest'
import { openS3ObjectStore } from '../../packages/lakehouse/src/object-store/s3-object-store.js'
import { MIB, useFaultyS3 } from './object-store-faulty-s3.js'

const UNAVAILABLE = { code: 'ESTEIRA_STORE_UNAVAILABLE', retryable: true }
const s3 = useFaultyS3()
const { open } = s3

const same = (found: Uint8Array | undefined, expected: Uint8Array) =>
  found !== undefined && Buffer.compare(found, expected) === 0
const copies = () => readdir(join(s3.scratch, 'copies')).catch(() => [])

async function failure(work: Promise<unknown>): Promise<EsteiraError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof EsteiraError) return error
  throw new Error(`no EsteiraError came, but ${String(error)}`)
}

describe('an answer that breaks off', () => {
  const bytes = randomBytes(300_000)

  it.each(['drop', 'lose', 'cut', 'hang', 'truncate', 'garble'] as const)('is asked for again (%s)', async (kind) => {
    await s3.other.put('k', bytes)
    s3.faults.fail('GET /', kind, 2)
    expect(same(await open({ timeoutMs: 1_000 }).get('k'), bytes)).toBe(true)
    expect(s3.faults.seen('GET /')).toBeGreaterThanOrEqual(3)
  })

  it.each(['cut', 'truncate', 'garble'] as const)('is an error when it always does (%s)', async (kind) => {
    await s3.other.put('k', bytes)
    s3.faults.fail('GET /', kind, 100)
    await expect(open({ attempts: 3 }).get('k')).rejects.toMatchObject(UNAVAILABLE)
    await expect(open({ attempts: 3 }).localPath('k')).rejects.toMatchObject(UNAVAILABLE)
    expect(await copies()).toEqual([])
  })

  it.each(['drop', 'cut', 'hang', 'truncate'] as const)('is asked for again in parts (%s)', async (kind) => {
    const large = randomBytes(12 * MIB)
    await s3.other.put('large', large)
    for (let times = 0; times < 2; times++) s3.faults.fail('GET /', kind)
    const path = await open({ timeoutMs: 2_000 }).localPath('large')
    expect(same(await readFile(path), large)).toBe(true)
    expect(await copies()).toHaveLength(1)
  })

  it('is an error for a range that comes back short', async () => {
    await s3.other.put('k', bytes)
    s3.faults.fail('GET /', 'truncate', 100)
    const range = { offset: 1000, length: 5000 }
    const { code } = await failure(open({ attempts: 2 }).getRange('k', range))
    expect(code).toBe('ESTEIRA_STORE_UNAVAILABLE')
  })
})

describe('a local copy', () => {
  it('is made once for calls that come together, and again only when the object has changed', async () => {
    const store = open()
    await s3.other.put('k', 'one')
    await Promise.all(Array.from({ length: 10 }, () => store.localPath('k')))
    expect(s3.faults.seen('GET /')).toBe(1)
    await store.localPath('k')
    expect(s3.faults.seen('GET /')).toBe(2)
    expect(await copies()).toHaveLength(1)
    await s3.other.put('k', 'two')
    expect(await readFile(await store.localPath('k'), 'utf8')).toBe('two')
  })

  it('is made again when somebody damaged it', async () => {
    const store = open()
    await s3.other.put('k', 'whole')
    await writeFile(await store.localPath('k'), 'half')
    expect(await readFile(await store.localPath('k'), 'utf8')).toBe('whole')
  })

  it('is never of two objects when one is replaced meanwhile', async () => {
    const [old, next] = [randomBytes(12 * MIB), randomBytes(12 * MIB)]
    await s3.other.put('large', old)
    // The first part goes through; the object is another one before the next is answered.
    s3.faults.before('GET /', async () => undefined)
    s3.faults.before('GET /', () => s3.other.put('large', next))
    expect(same(await readFile(await open().localPath('large')), next)).toBe(true)
    expect(await copies()).toHaveLength(1)
  })

  it.each([1, 100])('is not of damaged bytes, and begun again (%i times)', async (times) => {
    const bytes = randomBytes(9 * MIB)
    await s3.other.put('k', bytes)
    // The first part goes through, those after it do not: alone they have no checksum.
    s3.faults.before('GET /', async () => {
      await Promise.resolve()
      s3.faults.fail('GET /', 'garble', times)
    })
    const copying = open({ attempts: 2 }).localPath('k')
    if (times === 1) expect(same(await readFile(await copying), bytes)).toBe(true)
    else await expect(copying).rejects.toMatchObject(UNAVAILABLE)
    expect(await copies()).toHaveLength(times === 1 ? 1 : 0)
  })

  it('gives up when the object never stands still', async () => {
    await s3.other.put('large', randomBytes(11 * MIB))
    for (let times = 0; times < 40; times++)
      s3.faults.before('GET /', () => s3.other.put('large', randomBytes(11 * MIB)))
    await expect(open().localPath('large')).rejects.toMatchObject(UNAVAILABLE)
    expect(await copies()).toEqual([])
  })

  it('comes to the others when one of those who wait stops', async () => {
    const store = open()
    await s3.other.put('k', 'there')
    let go: () => void = () => {}
    s3.faults.before('GET /', () => new Promise<void>((resolve) => (go = resolve)))
    const stop = new AbortController()
    const stopped = store.localPath('k', { signal: stop.signal })
    const waiting = store.localPath('k')
    await s3.faults.comes('GET /')
    stop.abort()
    await expect(stopped).rejects.toMatchObject({ code: 'ESTEIRA_INTERRUPTED' })
    go()
    expect(await readFile(await waiting, 'utf8')).toBe('there')
  })

  it('is dropped when all who wait stop, and made by the next who asks', async () => {
    const store = open()
    await s3.other.put('k', 'there')
    s3.faults.fail('GET /', 'stall')
    const stop = new AbortController()
    const both = [store.localPath('k', { signal: stop.signal }), store.localPath('k', { signal: stop.signal })]
    await s3.faults.comes('GET /')
    stop.abort()
    for (const each of both) await expect(each).rejects.toMatchObject({ code: 'ESTEIRA_INTERRUPTED' })
    expect(await readFile(await store.localPath('k'), 'utf8')).toBe('there')
  })
})

describe('a refusal of S3', () => {
  const answer = (code: string, message: string, more = '') =>
    `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${message}</Message>${more}</Error>`

  it.each([
    [403, 'AccessDenied', 'ESTEIRA_ACCESS_DENIED', 's3:GetObject'],
    [403, 'KMS.DisabledException', 'ESTEIRA_ACCESS_DENIED', 'kms:Decrypt'],
    [400, 'ExpiredToken', 'ESTEIRA_ACCESS_DENIED', 'Renew'],
    [403, 'RequestExpired', 'ESTEIRA_ACCESS_DENIED', 'Renew'],
    [403, 'InvalidAccessKeyId', 'ESTEIRA_ACCESS_DENIED', 'AWS_PROFILE'],
    [403, 'SignatureDoesNotMatch', 'ESTEIRA_ACCESS_DENIED', 'AWS_SECRET_ACCESS_KEY'],
    [404, 'NoSuchBucket', 'ESTEIRA_USAGE', 'aws s3 mb'],
    [400, 'AuthorizationHeaderMalformed', 'ESTEIRA_USAGE', 'AWS_REGION=eu-west-1'],
    [405, 'MethodNotAllowed', 'ESTEIRA_UNSUPPORTED', 'request id'],
  ])('is not tried again (%i %s), says what to do and keeps secrets', async (status, s3Code, code, hint) => {
    // S3 sends the request back to the client that signed it, token and all.
    const secret = 'IQoJb3JpZ2luX2VjEXAMPLETOKENwithmanycharacters0123456789'
    const more = `<CanonicalRequest>x-amz-security-token:${secret}</CanonicalRequest><Token-0>${secret}</Token-0><Region>eu-west-1</Region>`
    s3.faults.fail('GET /', { status, body: answer(s3Code, `It was refused: ${secret}`, more) }, 10)
    const error = await failure(open().get('k'))
    expect(error.code).toBe(code)
    expect(error.message).toContain(`s3://${s3.bucket}/k`)
    expect(error.hint).toContain(hint)
    expect(s3.faults.seen('GET /')).toBe(1)
    expect(`${inspect(error, { depth: 10, showHidden: true })} ${error.stack}`).not.toContain(secret)
  })

  it('names the region of the bucket when the answer is a redirect', async () => {
    const headers = { 'x-amz-bucket-region': 'sa-east-1' }
    s3.faults.fail('PUT /', { status: 301, headers, body: answer('PermanentRedirect', 'Use the right endpoint.') })
    expect(await failure(open().put('k', ''))).toMatchObject({
      code: 'ESTEIRA_USAGE',
      message: expect.stringContaining('is in sa-east-1, not in us-east-1'),
      hint: 'Set AWS_REGION=sa-east-1.',
    })
  })

  it.each(['get', 'localPath', 'delete', 'list'] as const)('names a bucket that is not there (%s)', async (call) => {
    const error = await failure(open({ bucket: 'no-such-bucket' })[call]('k'))
    expect(error).toMatchObject({ code: 'ESTEIRA_USAGE', hint: expect.stringContaining('aws s3 mb') })
  })

  it.each(['Ab', 'a', 'has_underscore', 'slash/name', '', 'a..', '-a-'])('names no bucket %j', (bucket) => {
    const options = { newId: () => 'id', scratchFolder: async () => s3.scratch }
    expect(() => openS3ObjectStore({ ...options, bucket })).toThrow(expect.objectContaining({ code: 'ESTEIRA_USAGE' }))
  })
})

describe('encryption', () => {
  it('is asked for as told, for small objects and large ones', async () => {
    const { HeadObjectCommand } = await import('@aws-sdk/client-s3')
    const encryption = { type: 'aws:kms', keyId: 'arn:aws:kms:us-east-1:123456789012:key/one' } as const
    const store = open({ encryption })
    await store.put('small', 'x')
    await store.put('large', randomBytes(11 * MIB))
    for (const Key of ['small', 'large']) {
      const head = await s3.moto.client.send(new HeadObjectCommand({ Bucket: s3.bucket, Key }))
      expect(head).toMatchObject({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: encryption.keyId })
    }
    expect(await readFile(await store.localPath('small'), 'utf8')).toBe('x')
    await open({ encryption: { type: 'AES256' } }).put('small', 'y')
    const head = await s3.moto.client.send(new HeadObjectCommand({ Bucket: s3.bucket, Key: 'small' }))
    expect(head.ServerSideEncryption).toBe('AES256')
  })
})
