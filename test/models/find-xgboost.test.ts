import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { findXgboost, XGBOOST_VERSION } from '@esteira/models'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ensureXgboost, XGBOOST_VERSION as FETCHED_VERSION, xgboostLibraryPath } from '../../scripts/native/xgboost.js'

let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'esteira-native-'))
})

afterEach(() => {
  rmSync(root, { recursive: true, force: true })
})

function install(): string {
  const library = xgboostLibraryPath(root)
  mkdirSync(dirname(library), { recursive: true })
  writeFileSync(library, '')
  return library
}

describe('findXgboost', () => {
  it('finds what set-up unpacked, from any folder of the checkout', () => {
    const library = install()
    expect(findXgboost({ searchFolders: [join(root, 'packages', 'models', 'dist')] })).toBe(library)
    expect(findXgboost({ searchFolders: ['/nowhere', root], override: '' })).toBe(library)
  })

  it('takes the override before everything else, and says when it is not there', () => {
    install()
    const own = join(root, 'own.so')
    writeFileSync(own, '')
    expect(findXgboost({ override: own, searchFolders: [root] })).toBe(own)
    expect(() => findXgboost({ override: join(root, 'gone.so'), searchFolders: [root] })).toThrow(
      expect.objectContaining({ code: 'ESTEIRA_NATIVE_LIBRARY', hint: expect.stringContaining('ESTEIRA_XGBOOST_LIB') }),
    )
  })

  it('says what to do when there is none', () => {
    expect(() => findXgboost({ searchFolders: [root] })).toThrow(
      expect.objectContaining({ code: 'ESTEIRA_NATIVE_LIBRARY', hint: expect.stringContaining('npm run setup') }),
    )
  })

  it('looks for the version that set-up fetches', () => {
    expect(XGBOOST_VERSION).toBe(FETCHED_VERSION)
  })
})

describe('ensureXgboost', () => {
  it('leaves a library alone that is there already', async () => {
    const library = install()
    const lines: string[] = []
    expect(await ensureXgboost({ root, env: {}, log: (line) => lines.push(line) })).toBe(library)
    expect(lines).toEqual([])
  })

  it('takes the file that ESTEIRA_XGBOOST_LIB names, and refuses one that is not there', async () => {
    const library = install()
    expect(await ensureXgboost({ root: '/nowhere', env: { ESTEIRA_XGBOOST_LIB: library } })).toBe(library)
    await expect(ensureXgboost({ root, env: { ESTEIRA_XGBOOST_LIB: '/nowhere.so' } })).rejects.toThrow(/\/nowhere\.so/)
  })

  it('says how to bring it by hand when it cannot be fetched, and leaves nothing behind', async () => {
    const path = process.env['PATH']
    process.env['PATH'] = root
    try {
      await expect(ensureXgboost({ root, env: {} })).rejects.toThrow(/no Python 3 .*[\s\S]*set ESTEIRA_XGBOOST_LIB/)
    } finally {
      process.env['PATH'] = path
    }
    expect(() => findXgboost({ searchFolders: [root] })).toThrow(/is not on this machine/)
  })
})
