import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readEnvironment } from '../../packages/esteira/src/environment.js'

describe('readEnvironment', () => {
  it.each([
    [undefined, 'production'],
    ['', 'production'],
    ['prd', 'production'],
    ['dev', 'staging'],
  ])('reads ENV=%s as %s', (ENV, stage) => {
    expect(readEnvironment({ ENV }).stage).toBe(stage)
  })

  it.each(['DEV', 'development', 'staging', 'prod'])(
    'refuses ENV=%s: a misspelt dev must not move production',
    (ENV) => {
      expect(() => readEnvironment({ ENV })).toThrow(expect.objectContaining({ code: 'ESTEIRA_USAGE' }))
    },
  )

  it('keeps a local home as an absolute path', () => {
    expect(readEnvironment({ ESTEIRA_HOME: 'state' })).toMatchObject({ home: resolve('state') })
    expect(readEnvironment({}).s3).toBeUndefined()
    expect(readEnvironment({ ESTEIRA_HOME: 's3', AWS_ENDPOINT_URL_S3: 'http://x' }).s3).toBeUndefined()
  })

  it('takes a home on S3 apart and reads which server it is on', () => {
    const { home, s3 } = readEnvironment({
      ESTEIRA_HOME: 's3://acme-ml/esteira/churn/',
      ESTEIRA_S3_KMS_KEY: 'alias/ml',
      AWS_REGION: 'sa-east-1',
      AWS_ENDPOINT_URL: 'http://all:1',
      AWS_ENDPOINT_URL_S3: 'http://s3:1',
    })
    expect(home).toBe('s3://acme-ml/esteira/churn')
    expect(s3).toEqual({
      bucket: 'acme-ml',
      prefix: 'esteira/churn',
      region: 'sa-east-1',
      endpoint: 'http://s3:1',
      kmsKeyId: 'alias/ml',
    })
    expect(
      readEnvironment({ ESTEIRA_HOME: 's3://acme-ml', AWS_ENDPOINT_URL: 'http://all:1', AWS_REGION: '' }).s3,
    ).toEqual({ bucket: 'acme-ml', prefix: '', endpoint: 'http://all:1' })
  })

  it.each(['s3://', 's3:/bucket', 'S3://bucket/x', 's3://Bucket', 's3://a_b/c', 's3://bucket//x', 's3://bucket/../x'])(
    'refuses the home %s',
    (ESTEIRA_HOME) => {
      expect(() => readEnvironment({ ESTEIRA_HOME })).toThrow(expect.objectContaining({ code: 'ESTEIRA_USAGE' }))
    },
  )
})
