import { describe, expect, it } from 'vitest'
import { codeOf, importsOf, packageOf } from './source-text.js'

describe('codeOf', () => {
  it('removes comments and keeps the lines', () => {
    expect(codeOf("a /* Date.now\n() */ b // process.env\nc 'x // y'", { strings: true })).toBe(
      "a            \n      b               \nc 'x // y'",
    )
  })

  it('empties strings but not templates when asked', () => {
    const template = ['`$', '{Date.now()}`'].join('')
    expect(codeOf(`f('console.log', "it\\"s", ${template})`, { strings: false })).toBe(`f('', "", ${template})`)
  })

  it('is not misled by quotes and slashes in regular expressions', () => {
    expect(codeOf('const r = /[\'"`/]\\/\\//g; Date.now()', { strings: false })).toBe('const r = /regex/; Date.now()')
    expect(codeOf("const half = a / b; const c = 'd' / e", { strings: false })).toBe(
      "const half = a / b; const c = '' / e",
    )
  })
})

describe('importsOf', () => {
  it('finds every form of import', () => {
    const text = [
      "import a from 'a'",
      "import type { B } from '@scope/b/deep'",
      "import {\n  type C,\n  c,\n} from './c.js'",
      "export { d } from 'd'",
      "export type { E } from 'e'",
      "import 'side-effect'",
      "const f = await import('f')",
      "import type, { g } from 'g'",
    ].join('\n')
    expect(importsOf(text)).toEqual([
      { specifier: 'a', kind: 'static' },
      { specifier: '@scope/b/deep', kind: 'type' },
      { specifier: './c.js', kind: 'static' },
      { specifier: 'd', kind: 'static' },
      { specifier: 'e', kind: 'type' },
      { specifier: 'side-effect', kind: 'static' },
      { specifier: 'g', kind: 'static' },
      { specifier: 'f', kind: 'dynamic' },
    ])
  })

  it('leaves examples in comments and exported strings alone', () => {
    expect(
      importsOf("/**\n * import { x } from 'esteira'\n */\nexport const y = 'z'\nexport function f(a = 'q') {}"),
    ).toEqual([])
  })
})

describe('packageOf', () => {
  it('names the package of a specifier', () => {
    expect(['@a/b/c', 'd/e', './f.js', 'node:fs'].map(packageOf)).toEqual(['@a/b', 'd', undefined, undefined])
  })
})
