import { describe, expect, it } from 'vitest'
import { runPython } from '../../services/python.js'
import { commit, openTestLakehouse } from '../test-lakehouse.js'

describe('a clock that jumps back', () => {
  it('makes no history that runs backwards: versions are found by time, PyIceberg reads the table', async () => {
    let time = Date.parse('2026-03-01T12:00:00Z')
    const { lakehouse, home, rows } = await openTestLakehouse({ now: () => new Date(time) })
    await lakehouse.ensureTable('bronze.t', { columns: [{ name: 'n', type: 'int' }] })
    const jumps = [0, 60_000, -86_400_000, 1000, -3_600_000 * 24 * 400, 172_800_000, -1]
    for (const [n, jump] of jumps.entries()) {
      time += jump
      await lakehouse.append('bronze.t', `SELECT ${n} AS n`, commit(`c${n}`))
    }
    await lakehouse.ensureTable('bronze.t', { columns: [{ name: 'n', type: 'int' }], properties: { note: 'later' } })
    const times = (await lakehouse.snapshots('bronze.t')).map(({ committedAt }) => committedAt.getTime())
    expect(times).toEqual([...times].sort((a, b) => a - b))
    const asOf = async (text: string) =>
      rows(`SELECT count(*) AS n FROM ${await lakehouse.relation('bronze.t', { asOf: new Date(text) })}`)
    expect(await asOf('2026-03-01T12:00:30Z')).toEqual([{ n: 1 }])
    expect(await asOf('2026-03-01T12:01:00Z')).toEqual([{ n: jumps.length }])
    await expect(asOf('2026-02-28T12:00:00Z')).rejects.toMatchObject({ code: 'ESTEIRA_TABLE_MISSING' })
    expect(await asSeenByPyIceberg(home)).toEqual([jumps.length, true])
  })
})

async function asSeenByPyIceberg(home: string): Promise<unknown> {
  return JSON.parse(
    await runPython(
      `
import json, sys
from pyiceberg.catalog.sql import SqlCatalog
table = SqlCatalog("esteira", uri=f"sqlite:///{sys.argv[1]}/catalog.db").load_table("bronze.t")
logs = [[entry.timestamp_ms for entry in log] for log in (table.metadata.snapshot_log, table.metadata.metadata_log)]
ordered = all(log == sorted(log) and log[-1] <= table.metadata.last_updated_ms for log in logs)
print(json.dumps([len(table.scan().to_arrow()), ordered]))
`,
      [home],
    ),
  )
}
