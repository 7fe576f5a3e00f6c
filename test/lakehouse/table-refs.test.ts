import { describe, expect, it } from 'vitest'
import { runPython } from '../services/python.js'
import { commit, openTestLakehouse, type TestLakehouse } from './test-lakehouse.js'

/** Three commits: one row, two rows, three rows. */
async function openThree(): Promise<TestLakehouse & { readonly ids: readonly string[] }> {
  const test = await openTestLakehouse()
  await test.lakehouse.ensureTable('s.t', { columns: [{ name: 'n', type: 'int' }] })
  const ids: string[] = []
  for (const n of [1, 2, 3])
    ids.push((await test.lakehouse.append('s.t', `SELECT ${n} AS n`, commit(`c${n}`))).snapshotId ?? '')
  return { ...test, ids }
}

async function python(home: string, script: string): Promise<unknown> {
  const open = `
import json, sys
from pyiceberg.catalog.sql import SqlCatalog
t = SqlCatalog("esteira", uri="sqlite:///" + sys.argv[1] + "/catalog.db").load_table("s.t")
`
  return JSON.parse(await runPython(open + script, [home]))
}

describe('tags and branches', () => {
  it('name a snapshot, are listed with main first, and PyIceberg reads them', async () => {
    const { lakehouse, home, ids } = await openThree()
    expect(await lakehouse.tag('s.t', 'first', { snapshotId: ids[0] ?? '' })).toEqual({
      name: 'first',
      type: 'tag',
      snapshotId: ids[0],
    })
    await lakehouse.branch('s.t', 'audit', { maxRefAgeMs: 86_400_000 })
    await lakehouse.append('s.t', 'SELECT 4 AS n', commit())
    const refs = await lakehouse.refs('s.t')
    expect(refs.map(({ name, type, snapshotId }) => [name, type, snapshotId])).toEqual([
      ['main', 'branch', (await lakehouse.table('s.t'))?.snapshotId],
      ['audit', 'branch', ids[2]],
      ['first', 'tag', ids[0]],
    ])
    expect(refs[1]?.maxRefAgeMs).toBe(86_400_000)
    const told = await python(
      home,
      `
def rows(name): return t.scan().use_ref(name).to_arrow().num_rows
print(json.dumps([rows("first"), rows("audit"), rows("main"), t.metadata.refs["audit"].max_ref_age_ms]))
`,
    )
    expect(told).toEqual([1, 3, 4, 86_400_000])
  })

  it('stay what they are: the same again is nothing, another snapshot is refused', async () => {
    const { lakehouse, ids } = await openThree()
    const tag = await lakehouse.tag('s.t', 'v1', { snapshotId: ids[1] ?? '' })
    expect(await lakehouse.tag('s.t', 'v1', { snapshotId: ids[1] ?? '' })).toEqual(tag)
    await expect(lakehouse.tag('s.t', 'v1')).rejects.toMatchObject({
      code: 'ESTEIRA_USAGE',
      message: expect.stringContaining(ids[1] ?? ''),
    })
    expect(await lakehouse.dropRef('s.t', 'v1')).toBe(true)
    expect(await lakehouse.dropRef('s.t', 'v1')).toBe(false)
    expect(await lakehouse.tag('s.t', 'v1')).toMatchObject({ snapshotId: ids[2] })
  })

  it('are refused without a snapshot, with a wrong one, with wrong ages and as main', async () => {
    const { lakehouse } = await openThree()
    const usage = { code: 'ESTEIRA_USAGE' }
    await expect(lakehouse.tag('s.t', 'x', { snapshotId: '17' })).rejects.toMatchObject({
      code: 'ESTEIRA_TABLE_MISSING',
    })
    await expect(lakehouse.branch('s.t', 'main')).rejects.toMatchObject(usage)
    await expect(lakehouse.dropRef('s.t', 'main')).rejects.toMatchObject(usage)
    await expect(lakehouse.tag('s.t', ' ')).rejects.toMatchObject(usage)
    await expect(lakehouse.tag('s.t', 'x', { maxRefAgeMs: 0 })).rejects.toMatchObject(usage)
    await lakehouse.ensureTable('s.empty', { columns: [{ name: 'n', type: 'int' }] })
    await expect(lakehouse.tag('s.empty', 'x')).rejects.toMatchObject(usage)
  })

  it('keep the retention that another writer gave them', async () => {
    const { lakehouse, home } = await openThree()
    await python(
      home,
      `
s = t.current_snapshot().snapshot_id
t.manage_snapshots().create_branch(snapshot_id=s, branch_name="b", max_ref_age_ms=5000, max_snapshot_age_ms=7000, min_snapshots_to_keep=2).commit()
print(1)
`,
    )
    await lakehouse.append('s.t', 'SELECT 9 AS n', commit())
    await lakehouse.tag('s.t', 'x')
    const told = await python(
      home,
      'b = t.metadata.refs["b"]\nprint(json.dumps([b.max_ref_age_ms, b.max_snapshot_age_ms, b.min_snapshots_to_keep]))',
    )
    expect(told).toEqual([5000, 7000, 2])
  })
})

describe('rollback', () => {
  it('makes an earlier state the current one, and the log tells', async () => {
    const { lakehouse, home, ids, rows } = await openThree()
    expect(await lakehouse.rollback('s.t', ids[0] ?? '', commit())).toEqual({ snapshotId: ids[0], committed: true })
    expect(await rows('SELECT n FROM {s.t}')).toEqual([{ n: 1 }])
    expect(await lakehouse.snapshots('s.t')).toHaveLength(3)
    await lakehouse.append('s.t', 'SELECT 10 AS n', commit())
    expect(await rows('SELECT n FROM {s.t} ORDER BY n')).toEqual([{ n: 1 }, { n: 10 }])
    const told = await python(
      home,
      'print(json.dumps([t.scan().to_arrow().num_rows, [str(e.snapshot_id) for e in t.history()][:4], t.metadata.refs["main"].snapshot_id == t.current_snapshot().snapshot_id]))',
    )
    expect(told).toEqual([2, [...ids, ids[0]], true])
  })

  it('is one commit for one commit id, whatever was committed since', async () => {
    const { lakehouse, ids } = await openThree()
    await lakehouse.rollback('s.t', ids[0] ?? '', commit('undo'))
    await lakehouse.append('s.t', 'SELECT 10 AS n', commit())
    expect(await lakehouse.rollback('s.t', ids[0] ?? '', commit('undo'))).toMatchObject({ committed: false })
    expect(await lakehouse.table('s.t')).toMatchObject({ rowCount: 2 })
  })

  it('lets what it took back be done again', async () => {
    const { lakehouse, ids } = await openThree()
    await lakehouse.rollback('s.t', ids[0] ?? '', commit())
    expect(await lakehouse.append('s.t', 'SELECT 2 AS n', commit('c2'))).toMatchObject({ committed: true })
    expect(await lakehouse.append('s.t', 'SELECT 1 AS n', commit('c1'))).toMatchObject({ committed: false })
  })

  it('goes to ancestors only, unless it is forced', async () => {
    const { lakehouse, ids, rows } = await openThree()
    await lakehouse.rollback('s.t', ids[0] ?? '', commit())
    await expect(lakehouse.rollback('s.t', ids[2] ?? '', commit())).rejects.toMatchObject({
      code: 'ESTEIRA_USAGE',
      hint: expect.stringContaining('force'),
    })
    await expect(lakehouse.rollback('s.t', '5', commit())).rejects.toMatchObject({ code: 'ESTEIRA_TABLE_MISSING' })
    await lakehouse.rollback('s.t', ids[2] ?? '', commit(), { force: true })
    expect(await rows('SELECT count(*) AS n FROM {s.t}')).toEqual([{ n: 3 }])
  })
})
