import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { columnOf, toRows, toStrings } from '@esteira/core'
import { type ReadTableOptions, readTable, type TrainingSet } from '@esteira/training-pipeline'
import { describe, expect, it } from 'vitest'
import { openTestLakehouse, type TestLakehouse, temporaryFolder } from '../lakehouse/test-lakehouse.js'

const ROWS = 200
const range = Array.from({ length: ROWS }, (_, row) => row)
const churned = (row: number) => (row % 3 === 0 ? 'Yes' : 'No')

type Options = Partial<Omit<ReadTableOptions, 'from'>>

async function readCsv(text: string, options: Options = {}, name = 'table.csv'): Promise<TrainingSet> {
  const path = join(await temporaryFolder(), name)
  await writeFile(path, text)
  const { lakehouse } = await openTestLakehouse()
  return readTable({ lakehouse, from: { path }, target: 'churned', horizonDays: 30, seed: 7, ...options })
}

/** CSV text of the given columns, each a function of the row. */
function csv(columns: Readonly<Record<string, (row: number) => string | number>>): string {
  const names = Object.keys(columns)
  return [names.join(','), ...range.map((row) => names.map((name) => columns[name]?.(row)).join(','))].join('\n')
}

const plain = { tenure: (row: number) => row % 50, churned }

describe('columns of a CSV file', () => {
  it('reads text of numbers as numbers, with blanks as nulls, and says how many', async () => {
    const set = await readCsv(csv({ ...plain, charges: (row) => (row % 20 === 0 ? ' ' : `${row}.5`) }))
    const charges = columnOf(set.features, 'charges')
    expect(charges).toMatchObject({ type: 'double' })
    expect(charges.nulls?.reduce((sum, one) => sum + one, 0)).toBe(10)
    expect(charges.values[1]).toBe(1.5)
    expect(set.notes).toContain('charges: numbers stored as text, 10 blanks became nulls')
  })

  it('keeps text in which one value is no number', async () => {
    const set = await readCsv(csv({ ...plain, code: (row) => (row === 7 ? 'n/a' : row % 5) }))
    expect(columnOf(set.features, 'code').type).toBe('string')
  })

  it('leaves out identifiers, near-unique text, dates and columns of the table itself, each with its reason', async () => {
    const set = await readCsv(
      csv({
        ...plain,
        customerID: (row) => `7590-${row}`,
        order_id: (row) => row * 7 + 3,
        row: (row) => row + 1,
        note: (row) => `text ${row % 150}`,
        household_id: (row) => `h${row % 60}`,
        signed_up: (row) => `2024-01-${String(1 + (row % 28)).padStart(2, '0')}`,
        _created_at: () => 'now',
        paid: (row) => row * 10 + 0.25,
        monkey: (row) => row * 3,
      }),
    )
    expect([...set.features.columns.keys()]).toEqual(['tenure', 'paid', 'monkey'])
    expect(set.notes).toEqual([
      'customerID is left out: near-unique text (200 values in 200 rows), an identifier',
      'order_id is left out: a different whole number in every row, an identifier',
      'row is left out: a different whole number in every row, an identifier',
      'note is left out: near-unique text (150 values in 200 rows), an identifier',
      'household_id is left out: an identifier by its name (60 values)',
      'signed_up is left out: a date is no feature',
      '_created_at is left out: a column of the table itself, no feature',
      'no time column: stratified split, 60 % train, 20 % validation, 20 % test',
    ])
  })

  it('refuses a table of which no column is left', async () => {
    await expect(readCsv(csv({ id: (row) => row, churned }))).rejects.toMatchObject({
      code: 'ESTEIRA_TARGET',
      message: expect.stringContaining('id is left out'),
    })
  })
})

describe('the target', () => {
  it('counts 1, true and yes in any case as 1', async () => {
    for (const [positive, negative] of [
      ['YES', 'no'],
      ['True', 'False'],
      ['1', '0'],
      ['1.0', '0.0'],
    ]) {
      const set = await readCsv(csv({ ...plain, churned: (row) => (row % 3 === 0 ? positive : negative) ?? '' }))
      expect([...set.labels.subarray(0, 4)]).toEqual([1, 0, 0, 1])
    }
  })

  it('counts the value that was named as 1, also among several', async () => {
    const text = csv({ ...plain, churned: (row) => ['left', 'stayed', 'paused'][row % 3] ?? '' })
    expect([...(await readCsv(text, { positive: 'Left' })).labels.subarray(0, 4)]).toEqual([1, 0, 0, 1])
    await expect(readCsv(text)).rejects.toMatchObject({
      code: 'ESTEIRA_TARGET',
      hint: expect.stringContaining('--positive'),
    })
  })

  it('refuses several values when nobody said which counts as 1', async () => {
    await expect(readCsv(csv({ ...plain, churned: (row) => row % 3 }))).rejects.toMatchObject({
      code: 'ESTEIRA_TARGET',
      message: 'target "churned" has 3 values, expected two classes; its values are "0", "1", "2"',
    })
  })

  it('leaves out rows without a target and says how many', async () => {
    const set = await readCsv(csv({ ...plain, churned: (row) => (row < 20 ? '' : churned(row)) }))
    expect(set.labels.length).toBe(ROWS - 20)
    expect(set.features.rowCount).toBe(ROWS - 20)
    expect(set.notes[0]).toBe('20 rows without a churned are left out')
  })

  it('refuses one class, naming the values there are', async () => {
    await expect(readCsv(csv({ ...plain, churned: () => 'No' }))).rejects.toMatchObject({
      code: 'ESTEIRA_TARGET',
      message: 'target "churned" has one class: no row is positive (1, 1.0, true, yes); its values are "No"',
    })
    await expect(readCsv(csv({ ...plain, churned: () => 'Yes' }))).rejects.toMatchObject({
      message: expect.stringContaining('every row is positive'),
    })
    await expect(readCsv(csv({ ...plain, churned: () => '' }))).rejects.toMatchObject({
      code: 'ESTEIRA_TARGET',
      message: 'target "churned" is empty in every row',
    })
  })

  it('refuses too few rows of one class to split', async () => {
    const few = csv({ ...plain, churned: (row) => (row < 4 ? 'Yes' : 'No') })
    await expect(readCsv(few)).rejects.toMatchObject({
      code: 'ESTEIRA_TARGET',
      message: 'target "churned" has 4 rows of its rarer class; a split needs 5 or more',
    })
  })

  it('names the nearest column when there is no such target', async () => {
    await expect(readCsv(csv(plain), { target: 'Churn' })).rejects.toMatchObject({
      code: 'ESTEIRA_COLUMN_MISSING',
      message: 'table.csv has no target column "Churn"; it has tenure, churned',
      hint: 'Did you mean --target churned?',
    })
  })
})

describe('the split', () => {
  const dated = csv({
    customer_id: (row) => `c${row % 50}`,
    feature_date: (row) => ['2024-01-01', '2024-02-01', '2024-03-01', '2024-04-01'][row % 4] ?? '',
    tenure: (row) => row % 7,
    days_since: (row) => row % 9,
    churned,
  })

  it('is by time and purged where the rows have a feature_date, and the entity is no feature', async () => {
    const set = await readCsv(dated, { entity: 'customer_id', recency: 'days_since' })
    expect([...set.features.columns.keys()]).toEqual(['tenure', 'days_since'])
    expect(set).toMatchObject({ testDate: '2024-04-01', recency: 'days_since', name: 'table.csv' })
    expect([...set.parts.test].every((row) => row % 4 === 3)).toBe(true)
    expect([...set.parts.validation].every((row) => row % 4 === 2)).toBe(true)
    expect([...set.parts.train].every((row) => row % 4 === 0)).toBe(true)
    expect(set.notes).toEqual([
      'customer_id is left out: it names the entity, an identifier',
      'feature_date is left out: it splits the rows by time',
      'split by feature_date, test 2024-04-01, purged by 30 days',
    ])
  })

  it('validates on a share of the entities when history is too short, and says so', async () => {
    const set = await readCsv(dated, { entity: 'customer_id', horizonDays: 60 })
    expect(set.notes.at(-1)).toContain('history is too short')
    const entities = (rows: Int32Array) => new Set([...rows].map((row) => row % 50))
    const both = [...entities(set.parts.train)].filter((entity) => entities(set.parts.validation).has(entity))
    expect(both).toEqual([])
  })

  it('refuses a feature_date that is no date', async () => {
    const text = csv({ ...plain, feature_date: (row) => (row === 9 ? 'soon' : '2024-01-01') })
    await expect(readCsv(text)).rejects.toMatchObject({
      code: 'ESTEIRA_SOURCE_TYPE',
      message: 'feature_date, row 10: expected a date YYYY-MM-DD, found "soon"',
    })
  })
})

describe('files', () => {
  it('gives the same set from Parquet as from CSV', async () => {
    const test = await openTestLakehouse()
    const folder = await temporaryFolder()
    const text = csv({ ...plain, city: (row) => ['Recife', 'Rio', ''][row % 3] ?? '' })
    await writeFile(join(folder, 'a.csv'), text)
    await test.engine.query(`COPY (SELECT * FROM read_csv('${folder}/a.csv')) TO '${folder}/a.parquet'`)
    const read = (name: string) =>
      readTable({
        lakehouse: test.lakehouse,
        from: { path: join(folder, name) },
        target: 'churned',
        horizonDays: 30,
        seed: 7,
      })
    const [fromCsv, fromParquet] = [await read('a.csv'), await read('a.parquet')]
    expect(toRows(fromParquet.features)).toEqual(toRows(fromCsv.features))
    expect(fromParquet.labels).toEqual(fromCsv.labels)
    expect(fromParquet.parts).toEqual(fromCsv.parts)
    expect(columnOf(fromParquet.features, 'tenure').type).toBe('long')
    expect(fromParquet.digest).not.toBe(fromCsv.digest)
  })

  it('refuses a missing file, a folder, an empty table and a corrupt file', async () => {
    const { lakehouse } = await openTestLakehouse()
    const folder = await temporaryFolder()
    const read = (path: string) => readTable({ lakehouse, from: { path }, target: 'churned', horizonDays: 30, seed: 7 })
    await expect(read(join(folder, 'nothing.csv'))).rejects.toMatchObject({
      code: 'ESTEIRA_SOURCE_MISSING',
      message: expect.stringContaining('nothing.csv'),
    })
    await expect(read(folder)).rejects.toMatchObject({ code: 'ESTEIRA_SOURCE_MISSING' })
    await expect(readCsv('tenure,churned\n')).rejects.toMatchObject({ code: 'ESTEIRA_SOURCE_EMPTY' })
    await writeFile(join(folder, 'broken.parquet'), 'PAR1 this is no Parquet file PAR1')
    await expect(read(join(folder, 'broken.parquet'))).rejects.toMatchObject({
      code: 'ESTEIRA_SOURCE_FORMAT',
      message: expect.stringContaining('broken.parquet cannot be read as Parquet'),
    })
  })
})

describe('a query', () => {
  const target = { target: 'churned', horizonDays: 30, seed: 7 }

  it("takes Athena's words, keeps the rows under their digest and remembers the snapshots it read", async () => {
    const { table, objects } = await tableOfRows()
    const query = "SELECT tenure, if(churned = 'Yes', 1, 0) AS churned FROM lab.people ORDER BY n"
    const from = { query, objects, scratchKey: 'staging/q.parquet' }
    const set = await readTable({ ...target, lakehouse: table.lakehouse, from })
    expect(set).toMatchObject({ name: 'lab.people', labelName: 'churned' })
    expect(set.features.rowCount).toBe(ROWS)
    const { snapshotId } = (await table.lakehouse.table('lab.people')) ?? {}
    expect(set.origin).toMatchObject({ query, tables: [{ table: 'lab.people', snapshotId }] })
    expect((await objects.list('')).map(({ key }) => key)).toEqual([`training-sets/${set.digest}/data.parquet`])
    expect((await readTable({ ...target, lakehouse: table.lakehouse, from })).digest).toBe(set.digest)
  })

  it('refuses what is no single SELECT, and a table that is not there', async () => {
    const { table, objects } = await tableOfRows()
    const ask = (query: string) =>
      readTable({ ...target, lakehouse: table.lakehouse, from: { query, objects, scratchKey: 'staging/q.parquet' } })
    await expect(ask('DELETE FROM lab.people')).rejects.toMatchObject({ code: 'ESTEIRA_SQL' })
    await expect(ask('SELECT * FROM lab.animals')).rejects.toMatchObject({ code: 'ESTEIRA_TABLE_MISSING' })
  })

  async function tableOfRows() {
    const { openLocalObjectStore } = await import('@esteira/lakehouse')
    const table: TestLakehouse = await openTestLakehouse()
    await table.lakehouse.ensureTable('lab.people', {
      columns: [
        { name: 'n', type: 'int' },
        { name: 'tenure', type: 'int' },
        { name: 'churned', type: 'string' },
      ],
    })
    const rows = `SELECT i AS n, i % 50 AS tenure, CASE WHEN i % 3 = 0 THEN 'Yes' ELSE 'No' END AS churned FROM range(${ROWS}) AS r(i)`
    await table.lakehouse.append('lab.people', rows, { commitId: 'a', runId: 'a' })
    return { table, objects: openLocalObjectStore(join(table.home, 'objects')) }
  }
})

it('reads the same file to the same set', async () => {
  const text = csv(plain)
  const [one, other] = [await readCsv(text), await readCsv(text)]
  expect(one).toEqual(other)
  expect(one.digest).toMatch(/^[0-9a-f]{64}$/)
  expect(toStrings(columnOf(one.features, 'tenure'))[49]).toBe('49')
})
