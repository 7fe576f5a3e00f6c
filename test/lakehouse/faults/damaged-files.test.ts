import { describe, expect, it } from 'vitest'
import { type FileKind, makeTable } from './damaged-table.js'
import { type DamageCase, type Reading, readDamaged } from './read-damaged.js'

/** 500 in all. */
const CASES = 100

/** What a reader may say of a damaged file of each kind. */
const ALLOWED: Readonly<Record<FileKind, readonly string[]>> = {
  catalog: ['ESTEIRA_CATALOG_CORRUPT', 'ESTEIRA_TABLE_CORRUPT'],
  'metadata file': ['ESTEIRA_TABLE_CORRUPT'],
  'manifest list': ['ESTEIRA_TABLE_CORRUPT', 'ESTEIRA_UNSUPPORTED'],
  manifest: ['ESTEIRA_TABLE_CORRUPT', 'ESTEIRA_UNSUPPORTED'],
  'data file': ['ESTEIRA_TABLE_CORRUPT'],
}

describe('a table with a damaged file', () => {
  it.each(['catalog', 'metadata file', 'manifest list', 'manifest'] as const)(
    'is read right or refused: %s',
    { timeout: 600_000 },
    async (kind) => {
      const reading = await damageMany(kind)
      expect(wrongAnswers(reading)).toEqual([])
      expect(reading.cases.filter(isRefused).length).toBeGreaterThan(CASES / 5)
    },
  )

  // Parquet files have no checksum, and a page whose bytes still unpack has no means to know what they were. All else of
  // the file is known: its size, its layout, how many rows it holds.
  it('is refused, or holds other values in as many rows: data file', { timeout: 600_000 }, async () => {
    const reading = await damageMany('data file')
    const wrong = wrongAnswers(reading)
    expect(wrong.filter(({ answer, right }) => rowsIn(answer) !== rowsIn(right))).toEqual([])
    expect(wrong.length).toBeLessThan(CASES)
    expect(reading.cases.filter(isRefused).length).toBeGreaterThan(CASES / 2)
  })
})

async function damageMany(kind: FileKind): Promise<Reading> {
  const table = await makeTable()
  const reading = await readDamaged(table, table.files[kind], CASES)
  expect(reading.cases).toHaveLength(CASES)
  expect(reading.after).toEqual(reading.right)
  expect(reading.right.every((answer) => typeof answer === 'string')).toBe(true)
  expect(reading.cases.flatMap((each) => refusals(each).filter(({ code }) => !ALLOWED[kind].includes(code)))).toEqual(
    [],
  )
  return reading
}

function refusals({ what, file, answers }: DamageCase) {
  return answers.flatMap((answer) => (typeof answer === 'string' ? [] : [{ what, file, ...answer }]))
}

function isRefused({ answers }: DamageCase): boolean {
  return answers.some((answer) => typeof answer !== 'string')
}

function wrongAnswers({ cases, right }: Reading) {
  return cases.flatMap(({ what, file, answers }) =>
    answers.flatMap((answer, index) => {
      const expected = right[index]
      return typeof answer === 'string' && answer !== expected ? [{ what, file, answer, right: expected }] : []
    }),
  )
}

function rowsIn(answer: unknown): number {
  return (JSON.parse(String(answer)) as readonly unknown[]).length
}
