import type { SliceCondition, TableColumnType } from '@esteira/core'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { bucketOf } from '../../packages/lakehouse/src/iceberg/bucket.js'
import type { DataFile } from '../../packages/lakehouse/src/iceberg/data-file.js'
import { lowerBound, upperBound } from '../../packages/lakehouse/src/iceberg/single-value.js'
import { bindSlice, matchFile } from '../../packages/lakehouse/src/iceberg/slice.js'
import { compareValues, parseValue, type Value } from '../../packages/lakehouse/src/iceberg/values.js'

const OPS = ['=', '!=', '<', '<=', '>', '>=', 'in', 'not in', 'is null', 'is not null'] as const

// Short words over few letters: equal prefixes, prefixes of each other and the last code point come often.
const word = fc.string({ unit: fc.constantFrom('a', 'b', 'é', '😀', '\u{10ffff}'), maxLength: 20 })
const hexadecimal = fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString('hex'))

const GIVEN: Readonly<Partial<Record<TableColumnType, fc.Arbitrary<string>>>> = {
  int: fc.integer({ min: -30, max: 30 }).map(String),
  long: fc.bigInt({ min: -30n, max: 30n }).map(String),
  'decimal(9,2)': fc.integer({ min: -30, max: 30 }).map((cents) => (cents / 100).toFixed(2)),
  string: word,
  binary: hexadecimal,
  uuid: fc.uuid(),
  time: fc.integer({ min: 0, max: 59 }).map((second) => `12:00:${String(second).padStart(2, '0')}`),
  date: fc.integer({ min: 1, max: 28 }).map((day) => `1970-01-${String(day).padStart(2, '0')}`),
  timestamptz: fc.integer({ min: 0, max: 23 }).map((hour) => `1970-01-01 ${String(hour).padStart(2, '0')}:00:00+00`),
}

function truncated(type: TableColumnType, value: Value, width: number): Value {
  if (type === 'string') return [...String(value)].slice(0, width).join('')
  if (type === 'binary') return String(value).slice(0, width * 2)
  const number = BigInt(value as number | bigint)
  const cut = number - (((number % BigInt(width)) + BigInt(width)) % BigInt(width))
  return type === 'int' ? Number(cut) : cut
}

function holds(op: SliceCondition['op'], value: Value | null, others: readonly Value[]): boolean {
  if (op === 'is null') return value === null
  if (value === null) return false
  const orders = others.map((other) => compareValues(value, other))
  switch (op) {
    case '<':
      return orders.every((order) => order < 0)
    case '<=':
      return orders.every((order) => order <= 0)
    case '>':
      return orders.every((order) => order > 0)
    case '>=':
      return orders.every((order) => order >= 0)
    case '!=':
    case 'not in':
      return !orders.includes(0)
    case 'is not null':
      return true
    default:
      return orders.includes(0)
  }
}

describe('what partitions and bounds tell of a file', () => {
  for (const [type, given] of Object.entries(GIVEN) as [TableColumnType, fc.Arbitrary<string>][]) {
    it(`is never wrong about a row, for ${type}`, () => {
      const transform = fc.oneof(
        fc.constant('identity'),
        fc.integer({ min: 1, max: 6 }).map((count) => `bucket[${count}]`),
        /^(uuid|time|date|timestamptz)$/.test(type)
          ? fc.constant('void')
          : fc.integer({ min: 1, max: 17 }).map((width) => `truncate[${width}]`),
      )
      fc.assert(
        fc.property(
          fc.option(given, { freq: 9 }),
          given,
          transform,
          fc.constantFrom(...OPS),
          fc.array(given, { minLength: 1, maxLength: 3 }),
          (text, companion, by, op, texts) => {
            const value = text === null ? null : (parseValue(type, text) ?? null)
            // The file holds another row of the same partition when there is one: bounds are wider than the row.
            const [, kind = '', size = '1'] = /^(\w+)\[(\d+)\]$/.exec(by) ?? []
            const partOf = (each: Value | null): Value | null =>
              each === null || by === 'void'
                ? null
                : kind === 'bucket'
                  ? bucketOf(Number(size), type, each)
                  : kind === 'truncate'
                    ? truncated(type, each, Number(size))
                    : each
            const other = parseValue(type, companion) ?? null
            const rows = partOf(other) === partOf(value) ? [value, other] : [value]
            const present = rows.filter((each) => each !== null).sort(compareValues)
            const [least, most] = [present[0], present[present.length - 1]]
            const upper = most === undefined ? undefined : upperBound(type, most)
            const file: DataFile = {
              content: 0,
              path: 'f',
              format: 'PARQUET',
              partition: new Map([[1000, partOf(value)]]),
              recordCount: rows.length,
              sizeBytes: 1,
              nullCounts: new Map([[1, rows.length - present.length]]),
              ...(least === undefined ? {} : { lowerBounds: new Map([[1, lowerBound(type, least)]]) }),
              ...(upper === undefined ? {} : { upperBounds: new Map([[1, upper]]) }),
            }
            const isNumber = /^(int|long|decimal)/.test(type)
            const values = texts.map((each) => (isNumber ? Number(each) : each))
            const condition: SliceCondition = op.includes('null')
              ? { column: 'x', op }
              : { column: 'x', op, value: op.endsWith('in') ? values : (values[0] ?? '') }
            const schema = { 'schema-id': 0, fields: [{ id: 1, name: 'x', required: false, type: icebergType(type) }] }
            const slice = bindSlice('t', schema, [condition])
            const column = {
              fieldId: 1000,
              name: 'p',
              sourceId: 1,
              transform: by,
              type: kind === 'bucket' ? 'int' : type,
            } as const
            const bound = slice[0]?.values ?? []
            const matching = rows.filter((each) => holds(op, each, bound)).length
            const wide = { ...file, lowerBounds: new Map(), upperBounds: new Map(), nullCounts: new Map() }
            return [file, wide].every((each) => {
              const match = matchFile(slice, each, [column])
              return match === 'none' ? matching === 0 : match === 'all' ? matching === rows.length : true
            })
          },
        ),
        { seed: 12, numRuns: 1500 },
      )
    })
  }
})

function icebergType(type: TableColumnType): string {
  return type.replace('decimal(9,2)', 'decimal(9, 2)')
}
