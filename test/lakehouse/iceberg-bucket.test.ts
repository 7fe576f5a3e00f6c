import type { TableColumnType } from '@esteira/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bucketOf, murmur3 } from '../../packages/lakehouse/src/iceberg/bucket.js'
import { duckDbTypeOf } from '../../packages/lakehouse/src/iceberg/column-types.js'
import { literalSql } from '../../packages/lakehouse/src/iceberg/literal-sql.js'
import { encodeUnscaled } from '../../packages/lakehouse/src/iceberg/single-value.js'
import { partitionRange, partitionValueOf, transformSql } from '../../packages/lakehouse/src/iceberg/transforms.js'
import { parseValue, type Value } from '../../packages/lakehouse/src/iceberg/values.js'
import { runPython } from '../services/python.js'
import { openTestEngine } from './test-lakehouse.js'

/** 2^31: the bucket is then the hash itself, without its sign. */
const ALL = 2 ** 31

const BUCKETED = [
  'int',
  'long',
  'decimal(38,4)',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'string',
  'uuid',
  'binary',
  'fixed(5)',
] as const satisfies readonly TableColumnType[]

function randomValue(type: TableColumnType): fc.Arbitrary<Value> {
  const long = (min: bigint, max: bigint) => fc.bigInt({ min, max })
  switch (type) {
    case 'int':
      return fc.integer()
    case 'long':
      return long(-(2n ** 63n), 2n ** 63n - 1n)
    case 'date':
      return fc.integer({ min: -700_000, max: 2_900_000 })
    case 'time':
      return long(0n, 86_399_999_999n)
    case 'timestamp':
    case 'timestamptz':
      return long(-(10n ** 16n), 10n ** 17n)
    case 'string':
      return fc.string({ unit: 'grapheme', maxLength: 40 })
    case 'uuid':
      return fc.uuid()
    case 'binary':
      return fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes).toString('hex'))
    case 'fixed(5)':
      return fc.uint8Array({ minLength: 5, maxLength: 5 }).map((bytes) => Buffer.from(bytes).toString('hex'))
    default:
      return fc.oneof(long(-(10n ** 38n) + 1n, 10n ** 38n - 1n), long(-70_000n, 70_000n))
  }
}

function samples(type: TableColumnType): readonly Value[] {
  return fc.sample(randomValue(type), { numRuns: 400, seed: 11 })
}

function valuesSql(type: TableColumnType, values: readonly Value[]): string {
  const rows = values.map((value, index) => `(${index}, ${literalSql(type, value)})`)
  return `(SELECT i, CAST(v AS ${duckDbTypeOf(type)}) AS v FROM (VALUES ${rows.join(', ')}, (${values.length}, NULL)) AS given(i, v))`
}

describe('bucket', () => {
  it('hashes as the specification says, Appendix B', () => {
    // Hash values of the specification; they are 32-bit integers with a sign, so a bucket count of 2^31 shows 31 bits of them.
    const hashes: readonly (readonly [TableColumnType, string, number])[] = [
      ['int', '34', 2017239379],
      ['long', '34', 2017239379],
      ['decimal(9,2)', '14.20', -500754589],
      ['date', '2017-11-16', -653330422],
      ['time', '22:31:08', -662762989],
      ['timestamp', '2017-11-16 22:31:08', -2047944441],
      ['timestamptz', '2017-11-16 14:31:08-08:00', -2047944441],
      ['string', 'iceberg', 1210000089],
      ['uuid', 'f79c3e09-677c-4bbd-a479-3f349cb785e7', 1488055340],
      ['fixed(4)', '00010203', -188683207],
      ['binary', '00010203', -188683207],
    ]
    for (const [type, text, hash] of hashes) {
      const value = parseValue(type, text) ?? ''
      expect([type, bucketOf(ALL, type, value)]).toEqual([type, hash & 0x7fffffff])
    }
    expect(murmur3(Buffer.from('iceberg'))).toBe(1210000089)
    expect(murmur3(encodeUnscaled(1420n))).toBe(-500754589)
  })

  it('is the same in SQL beside columns of any name', async () => {
    const engine = await openTestEngine()
    const words = ['a', 'd', 'f', 'h', 'i', 'k', 'x0'].map((name) => `'${name}' AS ${name}`).join(', ')
    const key = transformSql({ kind: 'bucket', width: 1000 }, 'string', 'd')
    const price = transformSql({ kind: 'bucket', width: 1000 }, 'decimal(9,2)', 'n')
    const rows = `SELECT ${words}, CAST(-12.34 AS DECIMAL(9,2)) AS n`
    const [row] = await engine.readRows(`SELECT ${key} AS key, ${price} AS price FROM (${rows})`)
    expect(row).toEqual({ key: bucketOf(1000, 'string', 'd'), price: bucketOf(1000, 'decimal(9,2)', -1234n) })
  })

  it('is the same in SQL, for every type and null', async () => {
    const engine = await openTestEngine()
    for (const type of BUCKETED) {
      const values = samples(type)
      const key = transformSql({ kind: 'bucket', width: ALL - 1 }, type, 'v')
      const rows = await engine.readRows(`SELECT ${key} AS bucket FROM ${valuesSql(type, values)} ORDER BY i`)
      const expected = [...values.map((value) => bucketOf(ALL - 1, type, value)), null]
      expect([type, rows.map(({ bucket }) => bucket)]).toEqual([type, expected])
    }
  })

  it('is the same in PyIceberg', async () => {
    const words = samples('string').map(String)
    const longs = samples('long').map(String)
    const decimals = samples('decimal(38,4)').map(String)
    const told = JSON.parse(
      await runPython(
        `
import json, sys, decimal
from pyiceberg.transforms import BucketTransform
from pyiceberg.types import StringType, LongType, DecimalType
asked = json.load(sys.stdin)
decimal.getcontext().prec = 50
def buckets(type, values): 
    f = BucketTransform(1000003).transform(type)
    return [f(v) for v in values]
print(json.dumps([buckets(StringType(), asked["words"]), buckets(LongType(), [int(x) for x in asked["longs"]]),
  buckets(DecimalType(38, 4), [decimal.Decimal(int(x)).scaleb(-4) for x in asked["decimals"]])]))
`,
        [],
        { input: JSON.stringify({ words, longs, decimals }) },
      ),
    )
    const ours = (type: TableColumnType) => samples(type).map((value) => bucketOf(1000003, type, value))
    expect(told).toEqual([ours('string'), ours('long'), ours('decimal(38,4)')])
  })
})

describe('truncate', () => {
  it('cuts as the specification says, below zero too', async () => {
    const engine = await openTestEngine()
    const cases: readonly (readonly [TableColumnType, number, string, string])[] = [
      ['int', 10, '1', '0'],
      ['int', 10, '-1', '-10'],
      ['long', 10, '-9223372036854775800', '-9223372036854775800'],
      ['decimal(9,2)', 50, '10.65', '10.50'],
      ['decimal(9,2)', 50, '-10.65', '-11.00'],
      ['string', 3, 'iceberg', 'ice'],
      ['string', 2, '😀éx', '😀é'],
      ['string', 9, 'short', 'short'],
      ['binary', 2, '00ff10', '00ff'],
    ]
    for (const [type, width, text, expected] of cases) {
      const transform = { kind: 'truncate', width } as const
      const given = literalSql(type, parseValue(type, text) ?? '')
      const [row] = await engine.readRows(
        `SELECT ${transformSql(transform, type, 'v')} AS key FROM (SELECT ${given} AS v)`,
      )
      const value = partitionValueOf(transform, type, String(row?.['key']))
      expect([type, text, value]).toEqual([type, text, parseValue(type, expected)])
    }
  })

  it('tells a range that holds exactly the values which are cut to it', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 1000 }), fc.integer(), (value, width, other) => {
        const cut = (each: number) => each - (((each % width) + width) % width)
        const range = partitionRange({ kind: 'truncate', width }, 'int', cut(value))
        const inside = range !== undefined && other >= Number(range.first) && other <= Number(range.last)
        return inside === (cut(other) === cut(value))
      }),
      { seed: 5 },
    )
    expect(partitionRange({ kind: 'truncate', width: 3 }, 'string', 'ab')).toEqual({ first: 'ab', last: 'ab' })
    expect(partitionRange({ kind: 'truncate', width: 3 }, 'string', 'abc')).toEqual({ first: 'abc', last: 'abd' })
    expect(partitionRange({ kind: 'truncate', width: 50 }, 'decimal(9,2)', -1100n)).toEqual({
      first: -1100n,
      last: -1051n,
    })
  })
})
