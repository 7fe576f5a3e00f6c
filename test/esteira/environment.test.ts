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
})
