import { describe, expect, it } from 'vitest'
import { packageNames, readText, sourceFiles } from './repository.js'
import { codeOf } from './source-text.js'

/** Time, randomness, environment and output of the process; elsewhere they arrive in `RunContext`. */
const AMBIENT =
  /\bDate\.now\b|\bnew Date\(\s*\)|\bMath\.random\b|\bcrypto\.random\w+|\brandomUUID\b|\bprocess\.env\b|\bconsole\./g
const ALLOWED = /^packages\/esteira\/|^packages\/core\/src\/(run-step\.ts$|log\/)/

const files = packageNames().flatMap((name) => sourceFiles(`packages/${name}/src`))

describe('packages', () => {
  it('read clock, chance, environment and console only where a run begins', () => {
    const wrong = files
      .filter((file) => !ALLOWED.test(file))
      .flatMap((file) =>
        (codeOf(readText(file), { strings: false }).match(AMBIENT) ?? []).map((use) => `${file}: ${use}`),
      )
    expect(wrong).toEqual([])
  })

  it('have no top-level await, which would make them impossible to require', () => {
    const wrong = files.flatMap((file) =>
      codeOf(readText(file), { strings: false })
        .split('\n')
        .filter((line) => /^\S.*\bawait\b|^await\b/.test(line) && !/\basync\b/.test(line))
        .map((line) => `${file}: ${line}`),
    )
    expect(wrong).toEqual([])
  })

  it('are looked at, all of them', () => {
    expect(files.length).toBeGreaterThan(packageNames().length)
    expect('Date.now() new Date( ) process.env.HOME'.match(AMBIENT)).toHaveLength(3)
    expect('new Date(0) context.now()'.match(AMBIENT)).toBeNull()
  })
})
