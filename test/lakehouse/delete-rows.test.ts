import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { SliceCondition } from '@esteira/core'
import { describe, expect, it } from 'vitest'
import { commit, openTestLakehouse } from './test-lakehouse.js'

const COLUMNS = [
  { name: 'n', type: 'int' },
  { name: 'd', type: 'date' },
  { name: 'k', type: 'string' },
  { name: 'x', type: 'double' },
] as const

/** Twelve rows, three a day; the last of each day has nulls. */
const ROWS = `SELECT CASE WHEN range % 3 = 2 THEN NULL ELSE range::INTEGER END AS n, DATE '2024-01-01' + (range // 3)::INTEGER AS d,
  CASE WHEN range % 3 = 2 THEN NULL ELSE chr(97 + range::INTEGER % 4) END AS k,
  CASE WHEN range = 4 THEN 'nan'::DOUBLE ELSE range / 2 END AS x FROM range(12)`

describe('delete', () => {
  it('removes the rows of a slice in one commit, and tells how many', async () => {
    const { lakehouse, rows } = await openTestLakehouse()
    await lakehouse.ensureTable('s.t', { columns: COLUMNS, partitionBy: [{ column: 'd', transform: 'day' }] })
    await lakehouse.append('s.t', ROWS, commit())
    const result = await lakehouse.delete('s.t', [{ column: 'd', op: '>', value: '2024-01-02' }], commit())
    expect(result).toMatchObject({ rowsAdded: 0, rowsRemoved: 6, committed: true })
    expect(await rows('SELECT count(*) AS n, max(d) AS d FROM {s.t}')).toEqual([{ n: 6, d: '2024-01-02' }])
    const last = (await lakehouse.snapshots('s.t')).at(-1)
    expect(last?.operation).toBe('delete')
    expect(last?.summary).toMatchObject({ 'deleted-data-files': '2', 'deleted-records': '6', 'total-records': '6' })
  })

  it('drops files that lie wholly in the slice without reading them', async () => {
    const { lakehouse, home } = await openTestLakehouse()
    await lakehouse.ensureTable('s.t', { columns: COLUMNS, partitionBy: [{ column: 'd', transform: 'day' }] })
    await lakehouse.append('s.t', ROWS, commit())
    const data = join(home, 'lakehouse', 's', 't', 'data')
    for (const folder of readdirSync(data)) {
      for (const file of readdirSync(join(data, folder))) rmSync(join(data, folder, file))
    }
    const result = await lakehouse.delete('s.t', [{ column: 'd', op: '<=', value: '2024-01-03' }], commit())
    expect(result).toMatchObject({ rowsRemoved: 9, committed: true })
  })

  it('is one commit for one commit id, and none when nothing matches', async () => {
    const { lakehouse } = await openTestLakehouse()
    await lakehouse.ensureTable('s.t', { columns: COLUMNS })
    await lakehouse.append('s.t', ROWS, commit())
    const slice = [{ column: 'n', op: '=', value: 1 }] as const
    const first = await lakehouse.delete('s.t', slice, commit('gone'))
    await lakehouse.append('s.t', ROWS, commit())
    expect(await lakehouse.delete('s.t', slice, commit('gone'))).toEqual({ ...first, committed: false })
    expect(await lakehouse.delete('s.t', [{ column: 'n', op: '>', value: 99 }], commit())).toEqual({
      rowsAdded: 0,
      rowsRemoved: 0,
      committed: false,
    })
    expect(await lakehouse.snapshots('s.t')).toHaveLength(3)
  })

  it('compares with numbers that the column could not hold', async () => {
    const { lakehouse, rows } = await openTestLakehouse()
    const columns = [
      { name: 'i', type: 'int' },
      { name: 'p', type: 'decimal(4,2)' },
    ] as const
    await lakehouse.ensureTable('s.t', { columns })
    await lakehouse.append('s.t', 'SELECT unnest([1, 2, NULL]) AS i, unnest([1.5, NULL, 3]) AS p', commit())
    const remove = (column: string, op: '<' | '>', value: number) =>
      lakehouse.delete('s.t', [{ column, op, value }], commit())
    expect(await remove('i', '>', 3_000_000_000)).toMatchObject({ rowsRemoved: 0 })
    expect(await remove('p', '>', 1000)).toMatchObject({ rowsRemoved: 0 })
    expect(await remove('p', '<', 1000)).toMatchObject({ rowsRemoved: 2 })
    expect(await rows('SELECT i FROM {s.t}')).toEqual([{ i: 2 }])
    expect(await remove('i', '<', 3_000_000_000)).toMatchObject({ rowsRemoved: 1 })
  })

  it('refuses operators without their values and values without their operators', async () => {
    const { lakehouse } = await openTestLakehouse()
    await lakehouse.ensureTable('s.t', { columns: COLUMNS })
    const refused = (condition: SliceCondition) =>
      expect(lakehouse.delete('s.t', [condition], commit())).rejects.toMatchObject({ code: 'ESTEIRA_USAGE' })
    await refused({ column: 'n', op: '=' })
    await refused({ column: 'n', op: 'is null', value: 1 })
    await refused({ column: 'n', op: 'not in', value: 1 })
    await refused({ column: 'n', op: '<=', value: [1] })
    await refused({ column: 'n', op: 'like' as '=', value: 1 })
  })

  const days = (...numbers: number[]) => numbers.map((number) => `2024-01-0${number}`)
  const conditions: readonly SliceCondition[] = [
    { column: 'n', op: '=', value: 3 },
    { column: 'n', op: '!=', value: 3 },
    { column: 'n', op: '<', value: 6 },
    { column: 'n', op: '<=', value: 6 },
    { column: 'n', op: '>', value: 6 },
    { column: 'n', op: '>=', value: 6 },
    { column: 'n', op: 'in', value: [0, 3, 77] },
    { column: 'n', op: 'not in', value: [0, 3, 77] },
    { column: 'n', op: 'not in', value: [] },
    { column: 'n', op: 'is null' },
    { column: 'n', op: 'is not null' },
    { column: 'd', op: '!=', value: '2024-01-02' },
    { column: 'd', op: '<=', value: '2024-01-02' },
    { column: 'd', op: '>', value: '2024-01-02' },
    { column: 'd', op: 'not in', value: days(1, 4) },
    { column: 'd', op: 'is null' },
    { column: 'd', op: 'is not null' },
    { column: 'k', op: '!=', value: 'a' },
    { column: 'k', op: '>', value: 'b' },
    { column: 'k', op: 'not in', value: ['a', 'd'] },
    { column: 'x', op: '>', value: 4 },
    { column: 'x', op: '<=', value: 2 },
    { column: 'x', op: '!=', value: 3 },
    { column: 'x', op: 'not in', value: [0, 1] },
  ]

  // The same rows in one file, a file a day, and a file a row: bounds and partitions prove more and more.
  it.each([
    [[]],
    [[{ column: 'd', transform: 'day' }] as const],
    [
      [
        { column: 'k', transform: 'identity' },
        { column: 'd', transform: 'day' },
      ] as const,
    ],
  ])('keeps the rows that DELETE keeps on a plain table, by every operator (partitions %j)', async (partitionBy) => {
    const { lakehouse, engine } = await openTestLakehouse()
    await engine.query(`CREATE TABLE plain AS ${ROWS}`)
    await lakehouse.ensureTable('s.t', { columns: COLUMNS, partitionBy: [...partitionBy] })
    for (const [index, condition] of conditions.entries()) {
      await lakehouse.replace('s.t', [], ROWS, commit(`fill-${index}`))
      const { rowsRemoved } = await lakehouse.delete('s.t', [condition], commit())
      const where = sqlOf(condition)
      const kept = await engine.readRows(`SELECT * FROM plain WHERE (${where}) IS NOT TRUE ORDER BY ALL`)
      const found = await engine.readRows(`SELECT * FROM ${await lakehouse.relation('s.t')} ORDER BY ALL`)
      expect([where, found]).toEqual([where, kept])
      expect(rowsRemoved).toBe(12 - kept.length)
    }
  })
})

function sqlOf({ column, op, value }: SliceCondition): string {
  const literal = (each: unknown) => (column === 'd' ? `DATE '${each}'` : column === 'k' ? `'${each}'` : String(each))
  if (op === 'is null' || op === 'is not null') return `${column} ${op}`
  if (Array.isArray(value)) {
    if (value.length === 0) return op === 'in' ? 'false' : `${column} IS NOT NULL`
    return `${column} ${op} (${value.map(literal).join(', ')})`
  }
  return `${column} ${op} ${literal(value)}`
}
