import { parseModelReference } from '@esteira/mlflow'
import { describe, expect, it } from 'vitest'

describe('parseModelReference', () => {
  it.each([
    ['models:/churn@production', { kind: 'alias', name: 'churn', alias: 'production' }],
    ['churn@production', { kind: 'alias', name: 'churn', alias: 'production' }],
    ['models:/churn/Production', { kind: 'stage', name: 'churn', stage: 'Production' }],
    ['churn/staging', { kind: 'stage', name: 'churn', stage: 'Staging' }],
    ['models:/churn/3', { kind: 'version', name: 'churn', version: 3 }],
    ['churn/3', { kind: 'version', name: 'churn', version: 3 }],
    ['models:/churn/latest', { kind: 'latest', name: 'churn' }],
    ['churn/Latest', { kind: 'latest', name: 'churn' }],
    ['models:/my churn 2@a-b_c', { kind: 'alias', name: 'my churn 2', alias: 'a-b_c' }],
    ['models:/ana@home/12', { kind: 'version', name: 'ana@home', version: 12 }],
  ])('reads %s', (text, reference) => {
    expect(parseModelReference(text)).toEqual(reference)
  })

  it.each([
    '',
    'churn',
    'churn/',
    '/3',
    'churn@',
    '@production',
    'churn/0',
    'churn/-1',
    'churn/1.5',
    'churn/Live',
    'a/b/3',
    'models:/m-0123',
    'runs:/abc/model',
  ])('refuses %j and says how to write it', (text) => {
    expect(() => parseModelReference(text)).toThrow(
      expect.objectContaining({
        code: 'ESTEIRA_USAGE',
        message: expect.stringContaining(JSON.stringify(text)),
        hint: expect.stringContaining('churn@production'),
      }),
    )
  })
})
