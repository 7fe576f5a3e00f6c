import { describe, expect, it } from 'vitest'
import { readStepFlags } from '../../packages/esteira/src/step-flags.js'

const refused = (message: string, hint: string) => expect.objectContaining({ code: 'ESTEIRA_USAGE', message, hint })

describe('the flags of a step', () => {
  it('come from the command line, else from the environment, where an empty variable is none', () => {
    const env = { ESTEIRA_FAIL_ON: 'drift', ESTEIRA_RUN_ID: 'r', ESTEIRA_MODEL: '' }
    expect(readStepFlags(['--fail-on', 'gate', '--run-date=2026-01-01'], env)).toMatchObject({
      'fail-on': 'gate',
      'run-date': '2026-01-01',
      'run-id': 'r',
      model: undefined,
    })
    expect(readStepFlags([], env)).toMatchObject({ 'fail-on': 'drift' })
    expect(readStepFlags([], {})['fail-on']).toBeUndefined()
  })

  it('of which only some values mean something take no other', () => {
    const read =
      (...args: string[]) =>
      () =>
        readStepFlags(args, {})
    expect(read('--fail-on', 'dirft')).toThrow(
      refused('--fail-on: expected gate or drift, found "dirft"', 'Did you mean drift? See --help.'),
    )
    expect(read('--fail-on', 'x')).toThrow(refused('--fail-on: expected gate or drift, found "x"', 'See --help.'))
    expect(read('--fail-on', '')).toThrow(refused('--fail-on: expected gate or drift, found ""', 'See --help.'))
    expect(() => readStepFlags([], { ESTEIRA_FAIL_ON: 'gates' })).toThrow(
      refused('ESTEIRA_FAIL_ON: expected gate or drift, found "gates"', 'Did you mean gate? See --help.'),
    )
  })

  it('that are misspelt are refused with the nearest', () => {
    expect(() => readStepFlags(['--fail-in', 'gate'], {})).toThrow(
      refused("Unknown option '--fail-in'", 'Did you mean --fail-on? See --help.'),
    )
    expect(() => readStepFlags(['--run-date'], {})).toThrow(expect.objectContaining({ code: 'ESTEIRA_USAGE' }))
  })
})
