import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { describeLakehouse } from './lakehouse-conformance.js'
import { commit, openTestLakehouse } from './test-lakehouse.js'

describeLakehouse('the local lakehouse', () => openTestLakehouse())

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name)
    .sort()
}

describe('the folder of the local lakehouse', () => {
  it('holds the files that the table needs, and none of a refused write', async () => {
    const { lakehouse, home } = await openTestLakehouse()
    await lakehouse.ensureTable('silver.t', {
      columns: [
        { name: 'k', type: 'string', required: true },
        { name: 'd', type: 'date' },
      ],
      partitionBy: [{ column: 'd', transform: 'day' }],
    })
    await lakehouse.append('silver.t', "SELECT 'a' AS k, DATE '2024-01-01' AS d", commit())
    const folder = join(home, 'lakehouse', 'silver', 't')
    const before = filesBelow(folder)
    expect(before.filter((name) => name.endsWith('.parquet'))).toHaveLength(1)
    const rows =
      "SELECT CASE WHEN range = 70 THEN NULL ELSE 'b' END AS k, DATE '2024-01-01' + range::INTEGER AS d FROM range(90)"
    await expect(lakehouse.append('silver.t', rows, commit())).rejects.toMatchObject({ code: 'ESTEIRA_COLUMN_NULL' })
    await expect(lakehouse.replace('silver.t', [], rows, commit())).rejects.toMatchObject({
      code: 'ESTEIRA_COLUMN_NULL',
    })
    await expect(lakehouse.append('silver.t', "SELECT error('x')::VARCHAR AS k", commit())).rejects.toMatchObject({
      code: 'ESTEIRA_SQL',
    })
    expect(filesBelow(folder)).toEqual(before)
  })

  it('can have spaces, brackets, quotes and percent signs in its name', async () => {
    const { home } = await openTestLakehouse()
    const { lakehouse, rows } = await openTestLakehouse({ home: join(home, "it's a [home] 100%20 *?") })
    await lakehouse.ensureTable('silver.t', {
      columns: [{ name: 'k', type: 'string' }],
      partitionBy: [{ column: 'k', transform: 'identity' }],
    })
    await lakehouse.append('silver.t', "SELECT unnest(['a/b=c %é', '[x]*?', '', 'o''k']) AS k", commit())
    await lakehouse.replace('silver.t', [{ column: 'k', op: '=', value: '' }], "SELECT 'new' AS k", commit())
    expect((await rows('SELECT k FROM {silver.t} ORDER BY k')).map(({ k }) => k)).toEqual([
      '[x]*?',
      'a/b=c %é',
      'new',
      "o'k",
    ])
  })

  it('gets the same bytes for the same staged rows', async () => {
    const { lakehouse, home } = await openTestLakehouse()
    const sql =
      "SELECT range AS n, 'customer ' || hash(range) % 1000 AS c, range / 7 AS x FROM range(300000) ORDER BY hash(range)"
    const digest = (key: string) =>
      createHash('sha256')
        .update(readFileSync(join(home, 'objects', key)))
        .digest('hex')
    await lakehouse.writeParquet('a.parquet', sql)
    await lakehouse.writeParquet('b.parquet', sql)
    expect(digest('a.parquet')).toBe(digest('b.parquet'))
    expect(filesBelow(join(home, 'objects'))).toEqual(['a.parquet', 'b.parquet'])
  })

  it('is shared by lakehouses that are open at the same time', async () => {
    const { home, lakehouse, engine } = await openTestLakehouse()
    const second = await openTestLakehouse({ home, engine })
    await lakehouse.ensureTable('silver.t', { columns: [{ name: 'a', type: 'int' }] })
    await second.lakehouse.append('silver.t', 'SELECT 1 AS a', commit())
    await lakehouse.append('silver.t', 'SELECT 2 AS a', commit())
    expect(await second.rows('SELECT sum(a) AS s FROM {silver.t}')).toEqual([{ s: 3 }])
  })

  it('keeps snapshots in order when the clock jumps back', async () => {
    let time = Date.parse('2026-01-02')
    const { lakehouse } = await openTestLakehouse({ now: () => new Date(time) })
    await lakehouse.ensureTable('silver.t', { columns: [{ name: 'a', type: 'int' }] })
    await lakehouse.append('silver.t', 'SELECT 1 AS a', commit())
    time = Date.parse('2025-01-01')
    await lakehouse.append('silver.t', 'SELECT 2 AS a', commit())
    const times = (await lakehouse.snapshots('silver.t')).map(({ committedAt }) => committedAt.toISOString())
    expect(times).toEqual(['2026-01-02T00:00:00.000Z', '2026-01-02T00:00:00.000Z'])
  })
})
