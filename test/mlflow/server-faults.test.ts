import { randomUUID } from 'node:crypto'
import { EsteiraError } from '@esteira/core'
import { type MlflowServerOptions, type MlflowStore, openMlflowServer } from '@esteira/mlflow'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { freePort } from '../services/mlflow-server.js'
import { type FaultyProxy, startFaultyProxy } from './faulty-proxy.js'

const json = { 'content-type': 'application/json' }
const run = { info: { run_id: 'r', experiment_id: '1', status: 'RUNNING', artifact_uri: 'mlflow-artifacts:/1/r' } }
const waits: number[] = []
let proxy: FaultyProxy

beforeAll(async () => {
  proxy = await startFaultyProxy()
})
beforeEach(() => {
  proxy.forget()
  waits.length = 0
})
afterAll(() => proxy.stop())

async function open(options: Partial<MlflowServerOptions> = {}): Promise<MlflowStore> {
  return openMlflowServer({
    uri: proxy.uri,
    now: () => new Date('2026-01-01T00:00:00Z'),
    newId: randomUUID,
    sleep: async (milliseconds) => {
      waits.push(milliseconds)
    },
    ...options,
  })
}

async function failure(work: Promise<unknown>): Promise<EsteiraError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof EsteiraError) return error
  throw new Error(`no EsteiraError came, but ${String(error)}`)
}

describe('a server that fails', () => {
  it('is unavailable when nobody listens, after growing waits', async () => {
    const store = await open({ uri: `http://127.0.0.1:${await freePort()}` })
    const error = await failure(store.tracking.getRun('r'))
    expect(error).toMatchObject({ code: 'ESTEIRA_MLFLOW_UNAVAILABLE', exitCode: 75 })
    expect(error.message).toContain('ECONNREFUSED')
    expect(waits).toEqual([750, 1500, 3000, 6000, 12_000])
    await store.close()
  })

  it.each([408, 429, 500, 502, 503, 504])('is asked again after the status %i', async (status) => {
    proxy.answer('/runs/get', { status, body: 'later' }, 2)
    proxy.answer('/runs/get', { status: 200, headers: json, body: JSON.stringify({ run }) })
    const store = await open()
    expect(await store.tracking.getRun('r')).toMatchObject({ runId: 'r', params: {}, metrics: {}, tags: {} })
    expect(waits).toEqual([750, 1500])
    await store.close()
  })

  it('is unavailable when it never recovers, with its own words', async () => {
    const body = JSON.stringify({ error_code: 'TEMPORARILY_UNAVAILABLE', message: 'the database is locked' })
    proxy.answer('/runs/get', { status: 503, headers: json, body }, 4)
    const store = await open({ retries: 3 })
    expect(await failure(store.tracking.getRun('r'))).toMatchObject({
      code: 'ESTEIRA_MLFLOW_UNAVAILABLE',
      message: expect.stringContaining('503 TEMPORARILY_UNAVAILABLE: the database is locked'),
    })
    expect(waits).toHaveLength(3)
    await store.close()
  })

  it('waits as long as Retry-After says, in seconds or until a time', async () => {
    proxy.answer('/runs/get', { status: 429, headers: { 'retry-after': '3' }, body: '' })
    proxy.answer('/runs/get', { status: 429, headers: { 'retry-after': 'Thu, 01 Jan 2026 00:00:05 GMT' }, body: '' })
    proxy.answer('/runs/get', { status: 200, headers: json, body: JSON.stringify({ run }) })
    const store = await open()
    await store.tracking.getRun('r')
    expect(waits).toEqual([3000, 5000])
    await store.close()
  })

  it.each([
    [200, 'ESTEIRA_MLFLOW'],
    [404, 'ESTEIRA_MLFLOW'],
    [502, 'ESTEIRA_MLFLOW_UNAVAILABLE'],
  ])('gives a clear error for an HTML page with status %i', async (status, code) => {
    const page = '<!doctype html><title>Sign in</title>'
    proxy.answer('/runs/get', { status, headers: { 'content-type': 'text/html' }, body: page })
    const store = await open({ retries: 0 })
    const error = await failure(store.tracking.getRun('r'))
    expect(error).toMatchObject({ code, message: expect.stringContaining('an HTML page') })
    expect(error.message).not.toContain('<')
    await store.close()
  })

  it('gives a clear error for JSON of another program', async () => {
    proxy.answer('/runs/get', { status: 200, headers: json, body: '{"hello": 1}' })
    const store = await open()
    expect(await failure(store.tracking.getRun('r'))).toMatchObject({
      code: 'ESTEIRA_MLFLOW',
      message: expect.stringContaining('unknown form'),
    })
    await store.close()
  })

  it("tells MLflow's own error code and message", async () => {
    const body = JSON.stringify({ error_code: 'INVALID_PARAMETER_VALUE', message: 'Run r must be active' })
    proxy.answer('/runs/update', { status: 400, headers: json, body })
    const store = await open()
    expect(await failure(store.tracking.finishRun('r', 'FINISHED'))).toMatchObject({
      code: 'ESTEIRA_MLFLOW',
      message: expect.stringContaining('400 INVALID_PARAMETER_VALUE: Run r must be active'),
    })
    expect(waits).toEqual([])
    await store.close()
  })

  it('is not asked again after the run was stopped', async () => {
    proxy.answer('/runs/get', { status: 503, body: '' }, 9)
    const stopping = new AbortController()
    const sleep = async () => stopping.abort()
    const store = await open({ signal: stopping.signal, sleep })
    expect(await failure(store.tracking.getRun('r'))).toMatchObject({ code: 'ESTEIRA_INTERRUPTED' })
    await store.close()
  })
})

describe('credentials', () => {
  const secret = 'p@ss:wörd'
  const denied = {
    status: 401,
    headers: { 'www-authenticate': 'Basic realm="mlflow"' },
    body: 'You are not authenticated.',
  }

  it.each([
    ['a password', { auth: { username: 'ana', password: secret } }],
    ['a token', { auth: { token: secret } }],
  ])('that are wrong give access denied without %s in it', async (_, options) => {
    proxy.answer('/runs/get', denied)
    const store = await open(options)
    const error = await failure(store.tracking.getRun('r'))
    expect(error).toMatchObject({ code: 'ESTEIRA_ACCESS_DENIED', exitCode: 64 })
    expect(JSON.stringify([error.message, error.hint, error.details, String(error.cause)])).not.toContain(secret)
    expect(error.hint).toContain('MLFLOW_TRACKING_USERNAME')
    await store.close()
  })

  it('in the address are sent as a header and shown nowhere', async () => {
    const uri = proxy.uri.replace('http://', `http://ana:${encodeURIComponent(secret)}@`)
    const store = await open({ uri: `${uri}/` })
    expect(store.tracking.uri).toBe(proxy.uri)
    proxy.answer('/runs/get', denied)
    const error = await failure(store.tracking.getRun('r'))
    expect(proxy.lastHeaders()['authorization']).toBe(`Basic ${Buffer.from(`ana:${secret}`).toString('base64')}`)
    expect(JSON.stringify([error.message, error.details])).not.toContain('ana')
    await store.close()
  })

  it('are sent as a bearer token', async () => {
    const store = await open({ auth: { token: 'abc' } })
    proxy.answer('/runs/get', denied)
    await failure(store.tracking.getRun('r'))
    expect(proxy.lastHeaders()['authorization']).toBe('Bearer abc')
    await store.close()
  })

  it('hint at the allowed hosts when the server refuses its own name', async () => {
    proxy.answer('/runs/get', { status: 403, headers: { 'content-type': 'text/plain' }, body: 'Invalid Host header' })
    const store = await open()
    expect((await failure(store.tracking.getRun('r'))).hint).toContain('--allowed-hosts')
    await store.close()
  })
})

describe('an address', () => {
  it.each(['mlflow.example.com', 'sqlite:///a.db', 'ftp://ana:secret@host', ''])('like %j is refused', async (uri) => {
    const error = await failure(open({ uri }))
    expect(error.code).toBe('ESTEIRA_CONFIG')
    expect(error.message).not.toContain('secret')
  })

  it('of artifacts on s3 is refused, and nothing is sent to it', async () => {
    const onS3 = { info: { ...run.info, artifact_uri: 's3://bucket/1/r/artifacts' } }
    proxy.answer('/runs/get', { status: 200, headers: json, body: JSON.stringify({ run: onS3 }) })
    const store = await open()
    const error = await failure(store.tracking.logArtifacts('r', '.'))
    expect(error).toMatchObject({ code: 'ESTEIRA_UNSUPPORTED', message: expect.stringContaining('s3://bucket') })
    expect(error.hint).toContain('--serve-artifacts')
    await store.close()
  })
})
