import fc from 'fast-check'
import { JSONParse, JSONStringify } from 'json-with-bigint'
import { describe, expect, it } from 'vitest'
import { parseLossless } from '../../packages/lakehouse/src/iceberg/lossless-json.js'

describe('parseLossless', () => {
  it('keeps every digit of a whole number, wherever it stands', () => {
    expect(
      parseLossless('{"id": 8954597067493422955, "list": [-9007199254740993, 1], "small": 9007199254740991}'),
    ).toEqual({
      id: 8954597067493422955n,
      list: [-9007199254740993n, 1],
      small: 9007199254740991,
    })
    expect(parseLossless('12345678901234567890')).toBe(12345678901234567890n)
  })

  it('leaves texts, fractions and exponents alone', () => {
    const text =
      '{"a": "8954597067493422955", "b": "\\":8954597067493422955,", "c": 1234567890123456.5, "8954597067493422955": 1e3}'
    expect(parseLossless(text)).toEqual(JSON.parse(text))
  })

  it('tells numbers apart that are the same double', () => {
    expect(parseLossless('[9007199254740993, 9007199254740992, 9007199254740994]')).toEqual([
      9007199254740993n,
      9007199254740992n,
      9007199254740994n,
    ])
  })

  it('reads what a parser of every value reads', () => {
    // The other parser takes texts such as 5n for marks of its own.
    const text = fc.string().filter((each) => !/^-?\d+n+$/.test(each))
    const leaf = fc.oneof(
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.integer(),
      text,
      fc.boolean(),
      fc.constant(null),
    )
    const tree = fc.letrec((tie) => ({
      node: fc.oneof({ maxDepth: 4 }, leaf, fc.array(tie('node')), fc.dictionary(text, tie('node'))),
    })).node
    fc.assert(
      fc.property(tree, (value) => {
        const json = JSONStringify(value) ?? 'null'
        expect(parseLossless(json)).toEqual(JSONParse(json))
      }),
      { seed: 3 },
    )
  })

  it('refuses what is no JSON', () => {
    expect(() => parseLossless('{"id": 8954597067493422955')).toThrow(SyntaxError)
  })
})
