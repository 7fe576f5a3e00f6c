import { describe, expect, it } from 'vitest'
import { catalogPython } from './catalog-python.js'
import { unpackForeignTables } from './foreign-tables.js'
import { commit, openTestLakehouse } from './test-lakehouse.js'

// 27 rows (id, day, name, amount) that Spark wrote with six deletes and updates merged on reading.
const NAME = 'spark-merge-on-read-partition'

/** What PyIceberg, which applies position deletes, finds in the table. */
async function toldByPyIceberg(home: string): Promise<unknown> {
  return catalogPython(
    home,
    `
t = catalog.load_table("foreign.t")
r = t.scan().to_arrow()
print(json.dumps([r.num_rows, sorted(r["id"].to_pylist()), len(set(d.file_path for f in t.scan().plan_files() for d in f.delete_files))]))
`,
  )
}

describe('a table whose rows are deleted by delete files', () => {
  it('is counted, written and compacted by us, and no deleted row comes back', async () => {
    const { lakehouse, home, rows } = await openTestLakehouse()
    const { [NAME]: location = '' } = await unpackForeignTables(`${home}/foreign`, [NAME])
    await lakehouse.register('foreign.t', location, { adopt: true })
    const ids = async () => (await rows('SELECT id FROM {foreign.t} ORDER BY id')).map(({ id }) => Number(id))
    const first = await ids()
    expect(first).toHaveLength(27)
    expect(await lakehouse.table('foreign.t')).toMatchObject({ rowCount: 27 })
    const [, , deletesBefore] = (await toldByPyIceberg(home)) as [number, number[], number]
    expect(deletesBefore).toBeGreaterThan(0)

    // Rows of files with deletes: some go, the others are kept without those that were gone before.
    const replaced = await lakehouse.replace(
      'foreign.t',
      [{ column: 'id', op: '<', value: 9 }],
      "SELECT 1000 AS id, DATE '2024-02-03' AS day, 'ours' AS name",
      commit(),
    )
    const kept = first.filter((id) => id >= 9)
    expect(replaced).toMatchObject({ rowsAdded: 1, rowsRemoved: 27 - kept.length })
    expect(await ids()).toEqual([...kept, 1000])
    expect(await toldByPyIceberg(home)).toEqual([kept.length + 1, [...kept, 1000], expect.any(Number)])

    const deleted = await lakehouse.delete('foreign.t', [{ column: 'day', op: '>=', value: '2024-02-20' }], commit())
    const left = await ids()
    expect(deleted.rowsRemoved).toBe(kept.length + 1 - left.length)
    expect(deleted.rowsRemoved).toBeGreaterThan(0)

    const upserted = await lakehouse.upsert(
      'foreign.t',
      ['id'],
      "SELECT unnest([1000, 1001]) AS id, DATE '2024-02-03' AS day, 'again' AS name",
      commit(),
    )
    expect(upserted).toMatchObject({ rowsUpdated: 1, rowsInserted: 1 })
    await lakehouse.compact('foreign.t', {}, commit())
    expect(await ids()).toEqual([...left, 1001])
    expect(await toldByPyIceberg(home)).toEqual([left.length + 1, [...left, 1001], 0])
    expect(await lakehouse.table('foreign.t')).toMatchObject({ rowCount: left.length + 1 })
    const [latest] = (await lakehouse.snapshots('foreign.t')).slice(-1)
    expect(latest?.summary).toMatchObject({ 'total-delete-files': '0', 'total-records': String(left.length + 1) })
  })
})
