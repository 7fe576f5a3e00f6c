import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { canonicalRows, foreignTables, sliceOf, sqlOf, unpackForeignTables } from './foreign-tables.js'
import { openTestLakehouse } from './test-lakehouse.js'

const REFUSED = ['spark-avro-data', 'spark-orc', 'spark-v3']
const tables = foreignTables()
const readable = tables.filter(({ name }) => !REFUSED.includes(name))

let place = ''
let metadata: Readonly<Record<string, string>> = {}

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'esteira-foreign-'))
  metadata = await unpackForeignTables(
    place,
    tables.map(({ name }) => name),
  )
})

afterAll(() => rm(place, { recursive: true, force: true }))

describe.each(readable)('$name, written by $engine', (table) => {
  const open = async () => {
    const test = await openTestLakehouse()
    await test.lakehouse.register('foreign.t', metadata[table.name] ?? '')
    return test
  }

  it('has the rows that its writer reads', async () => {
    const { lakehouse, home } = await open()
    await lakehouse.writeParquet('all.parquet', `SELECT * FROM ${await lakehouse.relation('foreign.t')}`)
    expect(await canonicalRows(join(home, 'objects', 'all.parquet'))).toEqual(table.rows)
  })

  it('has as many rows as its writer counts, in every version and under every filter', async () => {
    const { lakehouse, rows } = await open()
    const count = async (relation: string, condition = 'true') =>
      (await rows(`SELECT count(*)::INTEGER AS n FROM ${relation} WHERE ${condition}`))[0]?.['n']
    const versions = Object.entries(table.versions).map(async ([snapshotId, rows]) => ({
      snapshotId,
      expected: rows,
      found: await count(await lakehouse.relation('foreign.t', { snapshotId })),
    }))
    for (const { snapshotId, found, expected } of await Promise.all(versions)) {
      expect({ snapshotId, rows: found }).toEqual({ snapshotId, rows: expected })
    }
    for (const filter of table.filters) {
      const where = sliceOf(filter)
      expect({ where, rows: await count(await lakehouse.relation('foreign.t', {}, where), sqlOf(filter)) }).toEqual({ where, rows: filter.rows })
      let scanned = 0
      for await (const frame of lakehouse.scan('foreign.t', { where })) scanned += frame.rowCount
      expect({ where, scanned }).toEqual({ where, scanned: filter.rows })
    }
  })
})
