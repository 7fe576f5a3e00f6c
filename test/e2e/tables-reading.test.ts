import { randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openDuckDb, openLocalLakehouse } from '@esteira/lakehouse'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { documentOf, esteira } from '../services/esteira-command.js'
import { expectCommandRefused } from '../services/refusal.js'
import { tempHome } from '../services/temp-home.js'

const place = tempHome()
const other = tempHome()
const homeOf = ({ env }: typeof place) => env['ESTEIRA_HOME'] ?? ''

async function makeTable(home: string, name: string): Promise<string> {
  mkdirSync(home, { recursive: true })
  const engine = await openDuckDb()
  const lakehouse = await openLocalLakehouse({ home, engine, newId: randomUUID, now: () => new Date() })
  await lakehouse.ensureTable(name, {
    columns: [
      { name: 'id', type: 'long' },
      { name: 'day', type: 'date' },
      { name: 'amount', type: 'double' },
    ],
    partitionBy: [{ column: 'day', transform: 'month' }],
  })
  const rows =
    "SELECT i AS id, DATE '2026-01-01' + to_months(CAST(i % 4 AS INTEGER)) AS day, i / 2 AS amount FROM range(40) AS r (i)"
  await lakehouse.append(name, rows, { commitId: 'c1', runId: 'r' })
  const { location = '' } = (await lakehouse.table(name)) ?? {}
  await lakehouse.close()
  await engine.close()
  return location.replace('file://', '')
}

let foreign = ''
beforeAll(async () => {
  await makeTable(homeOf(place), 'lake.orders')
  foreign = await makeTable(homeOf(other), 'shop.sales')
})
afterAll(async () => {
  await place.remove()
  await other.remove()
})

describe('esteira sql', () => {
  it('reads only the files that WHERE leaves, and says so when asked', async () => {
    const sql = "SELECT count(*) AS n FROM lake.orders WHERE day >= DATE '2026-03-01' AND day < DATE '2026-04-01'"
    const ended = await esteira(['sql', sql, '--explain', '--json'], place)
    expect(documentOf(ended)).toEqual({ columns: [{ name: 'n', type: 'long' }], rows: [[10]] })
    expect(ended.stderr).toMatch(
      /lake\.orders: 1 of 4 files read \(.* MB\), 3 skipped \(.* MB\); 1 of 1 manifests read/,
    )
    expect((await esteira(['sql', sql], place)).stderr).not.toContain('files read')
  })

  it('reads metadata tables', async () => {
    const sql = 'SELECT count(*) AS files, sum(record_count) AS n FROM "lake"."orders$files"'
    expect(documentOf(await esteira(['sql', sql, '--json'], place))).toMatchObject({ rows: [[4, 40]] })
  })

  it('names the nearest column for a misspelt one, and the table', async () => {
    const missing = { exit: 64, code: 'ESTEIRA_COLUMN_MISSING' } as const
    expectCommandRefused(await esteira(['sql', 'SELECT amout FROM lake.orders'], place), {
      ...missing,
      says: ['table lake.orders has no column amout', 'Did you mean amount?'],
    })
    expectCommandRefused(await esteira(['sql', 'SELECT o.idd FROM lake.orders AS o'], place), {
      ...missing,
      says: ['table lake.orders has no column idd', 'Did you mean id?'],
    })
    expectCommandRefused(
      await esteira(['sql', 'SELECT 1 FROM lake.orders AS o JOIN lake.orders AS p USING (dya)'], place),
      {
        ...missing,
        says: ['no column dya', 'Did you mean day?'],
      },
    )
    const ended = await esteira(['sql', 'WITH x AS (SELECT id FROM lake.orders) SELECT amount FROM x'], place)
    expectCommandRefused(ended, { ...missing, says: ['column amount', 'lake.orders has it'] })
    expect(ended.stderr).not.toMatch(/schema-0|@\d/)
  })
})

describe('esteira tables', () => {
  it('register makes a table of others known, and refuses to write to it', async () => {
    const told = await esteira(['tables', 'register', 'lake.sales', foreign], place)
    expect(told.stdout).toMatch(/lake\.sales: 40 rows in 4 files[\s\S]*only read here[\s\S]*npx esteira sql/)
    const again = await esteira(['tables', 'register', 'lake.sales', join(foreign, 'metadata'), '--json'], place)
    expect(documentOf(again)).toMatchObject({ name: 'lake.sales', rowCount: 40, readOnly: true })
    expect(documentOf(await esteira(['sql', 'SELECT sum(id) AS s FROM lake.sales', '--json'], place))).toMatchObject({
      rows: [[780]],
    })
    expectCommandRefused(await esteira(['tables', 'compact', 'lake.sales'], place), {
      exit: 64,
      code: 'ESTEIRA_ACCESS_DENIED',
      says: ['lake.sales', '--adopt'],
    })
    const adopted = await esteira(['tables', 'register', 'lake.sales', foreign, '--adopt', '--json'], place)
    expect(documentOf(adopted)).toMatchObject({ readOnly: false })
    expect((await esteira(['tables', 'compact', 'lake.sales'], place)).code).toBe(0)
    expectCommandRefused(await esteira(['tables', 'register', 'lake.nothing', join(foreign, 'data')], place), {
      exit: 64,
      code: 'ESTEIRA_SOURCE_MISSING',
      says: ['metadata'],
    })
  })

  it('list shows a table that cannot be read with its fault, beside the others', async () => {
    const folder = await makeTable(homeOf(place), 'lake.broken')
    for (const name of readdirSync(join(folder, 'metadata'))) {
      if (name.endsWith('.metadata.json')) writeFileSync(join(folder, 'metadata', name), 'nothing')
    }
    const listed = documentOf<{ name: string; error?: { code: string } }[]>(
      await esteira(['tables', 'list', '--json'], place),
    )
    expect(listed.find(({ name }) => name === 'lake.broken')?.error?.code).toBe('ESTEIRA_TABLE_CORRUPT')
    expect(listed.find(({ name }) => name === 'lake.orders')).toMatchObject({ rowCount: 40 })
    const { stdout, code } = await esteira(['tables', 'list'], place)
    expect(code).toBe(0)
    expect(stdout).toMatch(/lake\.broken +cannot be read: ESTEIRA_TABLE_CORRUPT/)
  })
})
