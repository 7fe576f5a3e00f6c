import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { duckDbSchemaType, schemaTypeOf } from '../../packages/lakehouse/src/iceberg/column-types.js'
import { allFields } from '../../packages/lakehouse/src/iceberg/schema-types.js'
import {
  decimalBytes,
  decodeSingleValue,
  decodeUnscaled,
  encodeSingleValue,
  encodeUnscaled,
  lowerBound,
  upperBound,
} from '../../packages/lakehouse/src/iceberg/single-value.js'
import {
  parseTransform,
  partitionRange,
  partitionValueOf,
  transformSql,
} from '../../packages/lakehouse/src/iceberg/transforms.js'
import { typeText } from '../../packages/lakehouse/src/iceberg/type-text.js'
import { compareValues, parseValue } from '../../packages/lakehouse/src/iceberg/values.js'
import { openTestEngine } from './test-lakehouse.js'

const hex = (bytes: Uint8Array | undefined) => (bytes === undefined ? undefined : Buffer.from(bytes).toString('hex'))
const text = (bytes: Uint8Array | undefined) => (bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8'))

describe('single values', () => {
  it('have the bytes of the specification, Appendix D', () => {
    expect(hex(encodeSingleValue('boolean', true))).toBe('01')
    expect(hex(encodeSingleValue('int', 34))).toBe('22000000')
    expect(hex(encodeSingleValue('date', -1))).toBe('ffffffff')
    expect(hex(encodeSingleValue('long', 34n))).toBe('2200000000000000')
    expect(hex(encodeSingleValue('timestamp', 1510871468000000n))).toBe('00c3262d215e0500')
    expect(hex(encodeSingleValue('float', 1))).toBe('0000803f')
    expect(hex(encodeSingleValue('double', 1))).toBe('000000000000f03f')
    expect(hex(encodeSingleValue('string', 'é'))).toBe('c3a9')
    expect(hex(encodeSingleValue('time', 81068000000n))).toBe('008307e012000000')
    expect(hex(encodeSingleValue('timestamptz', 1510871468000000n))).toBe('00c3262d215e0500')
    expect(hex(encodeSingleValue('uuid', 'f79c3e09-677c-4bbd-a479-3f349cb785e7'))).toBe(
      'f79c3e09677c4bbda4793f349cb785e7',
    )
    expect(hex(encodeSingleValue('binary', '00ff'))).toBe('00ff')
    expect(hex(encodeSingleValue('fixed(4)', '00010203'))).toBe('00010203')
    expect(hex(encodeSingleValue('decimal(9,2)', 1420n))).toBe('058c')
    expect(hex(encodeSingleValue('decimal(9,2)', -1n))).toBe('ff')
    expect(hex(encodeSingleValue('decimal(9,2)', 128n))).toBe('0080')
  })

  it('come back from their bytes', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 38n), max: 10n ** 38n }), (value) => {
        expect(decodeUnscaled(encodeUnscaled(value))).toBe(value)
        expect(decodeUnscaled(encodeUnscaled(value, 17))).toBe(value)
      }),
    )
    expect(decodeSingleValue('double', encodeSingleValue('double', -0))).toBe(-0)
    expect(decodeSingleValue('long', encodeSingleValue('int', -7))).toBe(-7n)
    expect(decodeSingleValue('int', new Uint8Array(3))).toBeUndefined()
    const uuid = 'f79c3e09-677c-4bbd-a479-3f349cb785e7'
    expect(decodeSingleValue('uuid', encodeSingleValue('uuid', uuid))).toBe(uuid)
    expect(decodeSingleValue('uuid', new Uint8Array(15))).toBeUndefined()
    expect(decodeSingleValue('binary', encodeSingleValue('binary', '00ff'))).toBe('00ff')
    expect(() => encodeSingleValue('list<int>', 1)).toThrow(RangeError)
  })

  it('of decimals need as many bytes as Parquet gives their precision', () => {
    expect([1, 2, 3, 9, 10, 18, 19, 38].map(decimalBytes)).toEqual([1, 1, 2, 4, 5, 8, 9, 16])
  })
})

describe('bounds', () => {
  it('cut text to 16 characters, the upper one raised', () => {
    expect(text(lowerBound('string', 'a'.repeat(40)))).toBe('a'.repeat(16))
    expect(text(upperBound('string', 'a'.repeat(40)))).toBe(`${'a'.repeat(15)}b`)
    expect(text(upperBound('string', 'short'))).toBe('short')
    expect(text(upperBound('string', `${'a'.repeat(15)}\u{10ffff}zz`))).toBe(`${'a'.repeat(14)}b`)
    expect(text(upperBound('string', `${'a'.repeat(15)}\ud7ffzz`))).toBe(`${'a'.repeat(15)}\ue000`)
    expect(upperBound('string', '\u{10ffff}'.repeat(20))).toBeUndefined()
  })

  it('enclose every text, by the order of its UTF-8 bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 24 }), (value) => {
        const upper = upperBound('string', value)
        const above = upper === undefined || Buffer.compare(upper, Buffer.from(value)) >= 0
        return above && Buffer.compare(lowerBound('string', value), Buffer.from(value)) <= 0
      }),
      { seed: 3 },
    )
  })

  it('cut binary to 16 bytes, the upper one raised; the order of its digits is that of its bytes', () => {
    expect(hex(lowerBound('binary', 'ff'.repeat(20)))).toBe('ff'.repeat(16))
    expect(hex(upperBound('binary', `${'00'.repeat(15)}ffff11`))).toBe(`${'00'.repeat(14)}01`)
    expect(upperBound('binary', 'ff'.repeat(17))).toBeUndefined()
    expect(hex(upperBound('fixed(2)', 'ffff'))).toBe('ffff')
    const bytes = fc.uint8Array({ maxLength: 24 }).map((each) => Buffer.from(each))
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        const [x, y] = [a.toString('hex'), b.toString('hex')]
        expect(Math.sign(compareValues(x, y))).toBe(Math.sign(Buffer.compare(a, b)))
        const upper = upperBound('binary', x)
        expect(upper === undefined || Buffer.compare(upper, a) >= 0).toBe(true)
        expect(Buffer.compare(lowerBound('binary', x), a)).toBeLessThanOrEqual(0)
      }),
      { seed: 4 },
    )
  })

  it('of zero are -0.0 below and +0.0 above', () => {
    expect(hex(lowerBound('double', 0))).toBe('0000000000000080')
    expect(hex(upperBound('double', -0))).toBe('0000000000000000')
  })
})

describe('values in text', () => {
  it('are parsed exactly, and refused when they are none', () => {
    expect(parseValue('timestamp', '1969-12-31 23:59:59.999')).toBe(-1000n)
    expect(parseValue('timestamp', '2024-02-29')).toBe(1709164800000000n)
    expect(parseValue('date', '0001-01-01')).toBe(-719162)
    expect(parseValue('decimal(18,4)', '-0.5')).toBe(-5000n)
    expect(parseValue('decimal(18,4)', '12')).toBe(120000n)
    expect(parseValue('double', '-inf')).toBe(-Infinity)
    expect(parseValue('time', '23:59:59.5')).toBe(86_399_500_000n)
    expect(parseValue('time', '00:00')).toBe(0n)
    expect(parseValue('timestamptz', '2024-02-29 12:00:00-03')).toBe(1709218800000000n)
    expect(parseValue('timestamptz', '2024-02-29T12:00:00.5+05:30')).toBe(1709188200500000n)
    for (const text of ['2024-02-29 12:00:00Z', '2024-02-29 12:00:00', '2024-02-29 12:00:00+00'])
      expect(parseValue('timestamptz', text)).toBe(1709208000000000n)
    expect(parseValue('timestamptz', '2024-02-29')).toBe(1709164800000000n)
    expect(parseValue('uuid', 'F79C3E09-677c-4bbd-a479-3f349cb785e7')).toBe('f79c3e09-677c-4bbd-a479-3f349cb785e7')
    expect(parseValue('binary', '00FF')).toBe('00ff')
    for (const [type, wrong] of [
      ['time', '24:00:00'],
      ['timestamptz', 'infinity'],
      ['timestamptz', '2024-02-30 12:00:00Z'],
      ['uuid', 'f79c3e09'],
      ['binary', '0'],
      ['binary', 'zz'],
      ['fixed(2)', '00'],
      ['list<int>', '[1]'],
      ['date', '2023-02-29'],
      ['date', 'infinity'],
      ['timestamp', '2024-01-01 25:00:00'],
      ['int', '1.0'],
      ['int', ''],
      ['double', 'nan'],
      ['double', ' '],
      ['boolean', 'yes'],
      ['decimal(18,4)', '0.00001'],
      ['decimal(18,4)', '.'],
    ] as const) {
      expect([type, wrong, parseValue(type, wrong)]).toEqual([type, wrong, undefined])
    }
  })

  it('of text are ordered as DuckDB orders them', async () => {
    const engine = await openTestEngine()
    const words = ['z', 'é', '\ue000', '😀', '', 'Z', 'zz', 'a b']
    const list = words.map((word) => `'${word}'`).join(', ')
    const frame = await engine.query(`SELECT w FROM (SELECT unnest([${list}]) AS w) ORDER BY w`)
    expect([...words].sort(compareValues)).toEqual(frame.columns.get('w')?.values)
  })
})

describe('types in text', () => {
  const primitive = fc.oneof(
    fc.constantFrom(
      'boolean',
      'int',
      'long',
      'float',
      'double',
      'string',
      'date',
      'time',
      'timestamp',
      'timestamptz',
      'uuid',
      'binary',
    ),
    fc.integer({ min: 1, max: 99 }).map((size) => `fixed(${size})`),
    fc.integer({ min: 1, max: 38 }).chain((p) => fc.integer({ min: 0, max: p }).map((s) => `decimal(${p},${s})`)),
  )
  const name = fc.oneof(
    fc.constantFrom('a', '_b1', 'list', 'int'),
    fc.string({ minLength: 1 }).map((text) => text.toLowerCase()),
  )
  const quoted = (text: string) => (/^[A-Za-z_]\w*$/.test(text) ? text : `"${text.replaceAll('"', '""')}"`)
  const { type } = fc.letrec<{ type: string }>((tie) => ({
    type: fc.oneof(
      { maxDepth: 3 },
      primitive,
      tie('type').map((element) => `list<${element}>`),
      fc.tuple(primitive, tie('type')).map(([key, value]) => `map<${key}, ${value}>`),
      fc
        .uniqueArray(fc.tuple(name, tie('type')), {
          minLength: 1,
          maxLength: 3,
          selector: ([each]) => each.toLowerCase(),
        })
        .map((fields) => `struct<${fields.map(([each, of]) => `${quoted(each)}: ${of}`).join(', ')}>`),
    ),
  }))

  it('come back as they were, with an id for every part, parents before children', () => {
    fc.assert(
      fc.property(type, (text) => {
        let last = 0
        const nextId = () => {
          last += 1
          return last
        }
        const schemaType = schemaTypeOf(text, nextId)
        expect(typeText(schemaType)).toBe(text)
        const ids = [...allFields([{ id: 0, name: 'x', required: false, type: schemaType }])].map(
          ({ field }) => field.id,
        )
        expect([...ids].sort((a, b) => a - b)).toEqual(Array.from({ length: last + 1 }, (_, index) => index))
      }),
      { seed: 6 },
    )
  })

  it('are known to DuckDB, which reads its own types of them', async () => {
    const engine = await openTestEngine()
    for (const text of fc.sample(type, { numRuns: 60, seed: 8 })) {
      const wanted = duckDbSchemaType(schemaTypeOf(text, () => 0))
      const [row] = await engine.readRows(
        `SELECT typeof(CAST(NULL AS ${wanted})) = typeof(CAST(CAST(NULL AS ${wanted}) AS ${wanted})) AS same`,
      )
      expect([text, row?.['same']]).toEqual([text, true])
    }
  })
})

describe('partition transforms', () => {
  it('give the values of the specification, before 1970 too', async () => {
    const engine = await openTestEngine()
    const moments = [
      '1969-12-31 23:00:00',
      '1970-01-01 00:00:00',
      '1960-02-29 12:00:00',
      '2017-11-16 22:31:08',
      '0001-01-01 00:00:00',
      '9999-12-31 23:59:59',
    ]
    const values: Record<string, unknown[]> = {}
    for (const transform of ['year', 'month', 'day', 'hour'] as const) {
      const keys = await engine.readRows(
        `SELECT ${transformSql({ kind: transform }, 'timestamp', 'ts')} AS key FROM (SELECT unnest([${moments.map((each) => `TIMESTAMP '${each}'`).join(', ')}]) AS ts)`,
      )
      values[transform] = keys.map(({ key }) => partitionValueOf({ kind: transform }, 'timestamp', String(key)))
    }
    // 2017-11-16T22:31:08: year 47, month 574, day 17486, hour 419686 stand in the specification, Appendix B.
    expect(values).toEqual({
      year: [-1, 0, -10, 47, -1969, 8029],
      month: [-1, 0, -119, 574, -23628, 96359],
      day: [-1, 0, -3594, 17486, -719162, 2932896],
      hour: [-1, 0, -86244, 419686, -17259888, 70389527],
    })
  })

  it('tell the range of values that a partition holds', () => {
    expect(partitionRange({ kind: 'month' }, 'date', -1)).toEqual({ first: -31, last: -1 })
    expect(partitionRange({ kind: 'month' }, 'date', 649)).toEqual({ first: 19754, last: 19782 })
    expect(partitionRange({ kind: 'year' }, 'timestamp', 0)).toEqual({ first: 0n, last: 31535999999999n })
    expect(partitionRange({ kind: 'day' }, 'timestamp', -1)).toEqual({ first: -86400000000n, last: -1n })
    expect(partitionRange({ kind: 'hour' }, 'timestamp', 1)).toEqual({ first: 3600000000n, last: 7199999999n })
    expect(partitionRange({ kind: 'identity' }, 'string', 'x')).toEqual({ first: 'x', last: 'x' })
    expect(partitionRange({ kind: 'bucket', width: 16 }, 'string', 3)).toBeUndefined()
  })

  it('are parsed, and refused when they are not known', () => {
    expect(parseTransform('bucket[16]')).toEqual({ kind: 'bucket', width: 16 })
    expect(parseTransform('truncate[4]')).toEqual({ kind: 'truncate', width: 4 })
    expect(parseTransform('void')).toEqual({ kind: 'void' })
    expect(() => parseTransform('zorder[3]')).toThrow('zorder')
  })
})
