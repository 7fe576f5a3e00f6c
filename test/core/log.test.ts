import { asEsteiraError, describeFailure, EsteiraError, exampleValues, nearest } from '@esteira/core'
import { describe, expect, it } from 'vitest'

describe('a failure', () => {
  it('is told with its step, message, hint, exit code and where to read on', () => {
    const error = new EsteiraError('ESTEIRA_SOURCE_TYPE', 'column "amount": expected decimal, found "x"', {
      hint: 'Mend the file.',
    })
    const text = describeFailure(error, 'ingest_raw')
    for (const part of ['ingest_raw', 'column "amount"', 'Mend the file.', '65', 'ESTEIRA_SOURCE_TYPE'])
      expect(text).toContain(part)
    expect(text).not.toContain('at ')
  })

  it('of unknown kind becomes a defect that keeps its cause', () => {
    const cause = new TypeError('x is not a function')
    const error = asEsteiraError(cause)
    expect(error).toMatchObject({ code: 'ESTEIRA_INTERNAL', exitCode: 70, cause })
    expect(asEsteiraError(error)).toBe(error)
  })

  it('of the system is told apart: a full disk, a refused access, an abort', () => {
    const failure = (code: string) => asEsteiraError(Object.assign(new Error(code), { code })).code
    for (const code of ['ENOSPC', 'EDQUOT', 'EFBIG']) expect(failure(code)).toBe('ESTEIRA_DISK_FULL')
    for (const code of ['EACCES', 'EPERM', 'EROFS']) expect(failure(code)).toBe('ESTEIRA_ACCESS_DENIED')
    expect(failure('EIO')).toBe('ESTEIRA_INTERNAL')
    expect(asEsteiraError(AbortSignal.abort().reason).code).toBe('ESTEIRA_INTERRUPTED')
  })
})

describe('an error message', () => {
  it('shows at most five values of forty characters', () => {
    expect(exampleValues(['a', 1, null])).toBe('"a", "1", "null"')
    expect(exampleValues(['1', '2', '3', '4', '5', '6'])).toBe('"1", "2", "3", "4", "5", …')
    expect(exampleValues(['x'.repeat(50)])).toHaveLength(42)
  })

  it('names the nearest candidate only when it is near', () => {
    expect(nearest('amuont', ['customer', 'amount'])).toBe('amount')
    expect(nearest('AMOUNT', ['amount'])).toBe('amount')
    expect(nearest('zzz', ['amount', 'customer'])).toBeUndefined()
    expect(nearest('x', [])).toBeUndefined()
  })
})
