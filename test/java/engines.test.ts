import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Engine, type Row, startEngine } from './engine.js'
import { commit, makeOurTables, type OurTables } from './our-tables.js'

const ENGINES = [
  {
    kind: 'spark' as const,
    label: 'Spark 3.5, Iceberg 1.10',
    at: (version: string) => `VERSION AS OF ${version}`,
    ref: (name: string) => `VERSION AS OF '${name}'`,
    meta: (name: string) => `esteira.${name.replace('$', '.')}`,
    compact: (name: string) =>
      `CALL esteira.system.rewrite_data_files(table => '${name}', options => map('rewrite-all', 'true'))`,
    tables: ['silver.types', 'silver.evolved', 'silver.partitions', 'silver.changes'],
  },
  {
    kind: 'trino' as const,
    label: 'Trino 476',
    at: (version: string) => `FOR VERSION AS OF ${version}`,
    ref: (name: string) => `FOR VERSION AS OF '${name}'`,
    meta: (name: string) => `esteira.${name.replace(/\.(.*)/, '."$1"')}`,
    compact: (name: string) => `ALTER TABLE esteira.${name} EXECUTE optimize`,
    tables: ['silver.types', 'silver.times', 'silver.evolved', 'silver.partitions', 'silver.changes'],
  },
]

describe.each(ENGINES)('$label on our tables', ({ kind, at, ref, meta, compact, tables }) => {
  let ours: OurTables
  let engine: Engine
  const select = (name: string, rest = '', columns = '*') =>
    engine.run(`SELECT ${columns} FROM esteira.${name} ${rest}`)

  beforeAll(async () => {
    ours = await makeOurTables()
    engine = await startEngine(kind, join(ours.home, 'catalog.db'))
  })

  afterAll(async () => {
    await engine?.close()
    await ours?.close()
  })

  it.each(tables)('reads the rows of %s', async (name) => {
    const rows = await ours.rows(name)
    expect(rows.length).toBeGreaterThan(2)
    expect(await select(name)).toEqual(rows)
  })

  it('reads every version, tag and branch', async () => {
    const name = 'silver.changes'
    const versions = await ours.lakehouse.snapshots(name)
    expect(versions.length).toBeGreaterThan(7)
    for (const { snapshotId, operation } of versions) {
      const rows = await ours.rows(name, { snapshotId })
      expect({ operation, rows: await select(name, at(snapshotId)) }).toEqual({ operation, rows })
    }
    expect(await select(name, ref('first'))).toHaveLength(50)
    expect(await select(name, ref('audit'))).toEqual(await ours.rows(name, { ref: 'audit' }))
    const [evolved] = await ours.lakehouse.snapshots('silver.evolved')
    const old = await select('silver.evolved', at(evolved?.snapshotId ?? ''))
    expect(Object.keys(old[0] ?? {}).sort()).toEqual(['at', 'gone', 'id', 'old', 'price', 'ratio'])
  })

  it('gives the right answers where it can skip files', async () => {
    const count = async (name: string, condition: string) => {
      const [row] = await select(name, `WHERE ${condition}`, 'count(*) AS n')
      return row?.['n']
    }
    expect([
      await count('silver.types', "s = 'Grüße, 世界 🚀 %=/'"),
      await count('silver.types', "s = ''"),
      await count('silver.types', 's IS NULL'),
      await count('silver.types', 'l = 9223372036854775807'),
      await count('silver.types', 'i < 0'),
      await count('silver.types', "day < DATE '1970-01-01'"),
      await count('silver.types', 'big > 0'),
      await count('silver.types', 'small = 999.99'),
      await count('silver.types', 'medium < 0'),
      await count('silver.types', 'b'),
    ]).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 1])
    expect([
      await count('silver.partitions', "day >= DATE '2024-02-01' AND day < DATE '2024-03-01'"),
      await count('silver.partitions', "name = 'name 45'"),
      await count('silver.partitions', 'id IN (1, 11, 41)'),
      await count('silver.evolved', 'price > 1000000'),
      await count('silver.evolved', 'added IS NULL'),
      await count('silver.evolved', 'gone IS NOT NULL'),
      await count('silver.evolved', 'at.ex = 3'),
    ]).toEqual([28, 1, 0, 1, 10, 1, 2])
    // Iceberg 1.10's fast reader in Spark fails on an int column that was widened to long while a file says INT(32), as DuckDB's
    // do (apache/iceberg issue 16341), and Trino on a condition on a float that was widened to double, whoever wrote the file
    // (trinodb/trino issue 30544): compacting writes the files in the new types.
    await ours.lakehouse.compact('silver.evolved', {}, commit())
    expect([
      await count('silver.evolved', 'id > 5'),
      await count('silver.evolved', 'ratio = 0.5'),
      await count('silver.evolved', 'price = 4'),
    ]).toEqual([5, 1, 1])
    const sums = 'count(*) AS n, sum(id) AS ids, sum(amount) AS amounts'
    expect(await select('silver.partitions', '', sums)).toEqual([{ n: 57, ids: 1717, amounts: '2146.2500' }])
  })

  it('reads our metadata as its own', async () => {
    const files = await engine.run(
      `SELECT content, file_format, record_count, file_size_in_bytes FROM ${meta('silver.changes$files')}`,
    )
    const state = await ours.lakehouse.table('silver.changes')
    expect(files).toHaveLength(state?.fileCount ?? 0)
    expect(sum(files, 'record_count')).toBe(state?.rowCount)
    expect(sum(files, 'file_size_in_bytes')).toBe(state?.sizeBytes)
    expect(await engine.run(`SELECT name, type FROM ${meta('silver.changes$refs')}`)).toEqual([
      { name: 'audit', type: 'BRANCH' },
      { name: 'first', type: 'TAG' },
      { name: 'main', type: 'BRANCH' },
    ])
    const history = await engine.run(`SELECT snapshot_id FROM ${meta('silver.changes$snapshots')}`)
    expect(history.map((row) => String(row['snapshot_id'])).sort()).toEqual(
      (await ours.lakehouse.snapshots('silver.changes')).map(({ snapshotId }) => snapshotId).sort(),
    )
  })

  it('writes on them, and both read the same afterwards', async () => {
    const name = 'silver.changes'
    const same = async () => expect(await ours.rows(name)).toEqual(await select(name))
    await engine.run(
      `INSERT INTO esteira.${name} VALUES (5000, DATE '2025-01-01', 'theirs', 1.5), (5001, NULL, NULL, NULL)`,
    )
    await same()
    if (kind === 'spark') {
      const modes = ['delete', 'update', 'merge'].map((what) => `'write.${what}.mode' = 'merge-on-read'`)
      await engine.run(`ALTER TABLE esteira.${name} SET TBLPROPERTIES (${modes.join(', ')})`)
    }
    await engine.run(`UPDATE esteira.${name} SET amount = 99.5 WHERE id BETWEEN 18 AND 25`)
    await engine.run(`DELETE FROM esteira.${name} WHERE id % 9 = 4`)
    await same()
    const deletes = await engine.run(`SELECT record_count FROM ${meta(`${name}$files`)} WHERE content = 1`)
    expect(deletes.length).toBeGreaterThan(0)
    await ours.lakehouse.append(name, "SELECT 6000 AS id, DATE '2024-02-10' AS day, 'ours' AS name", commit())
    await ours.lakehouse.delete(
      name,
      [
        { column: 'id', op: '>=', value: 5001 },
        { column: 'id', op: '<', value: 6000 },
      ],
      commit(),
    )
    await ours.lakehouse.upsert(
      name,
      ['id'],
      "SELECT 20 AS id, DATE '2024-02-19' AS day, 'ours' AS name, 0.25 AS amount",
      commit(),
    )
    await same()
    expect((await ours.lakehouse.compact(name, {}, commit())).deleteFilesRemoved).toBeGreaterThan(0)
    await same()
    expect(await engine.run(`SELECT record_count FROM ${meta(`${name}$files`)} WHERE content = 1`)).toEqual([])
  })

  it('commits to a table while we do: no commit of either is lost', async () => {
    const name = 'silver.partitions'
    const before = (await ours.rows(name)).length
    const theirs = async () => {
      for (let i = 0; i < 5; i++) {
        await engine.run(`INSERT INTO esteira.${name} VALUES (${8000 + i}, DATE '2024-07-01', 'theirs', 1)`)
      }
    }
    const mine = async () => {
      for (let i = 0; i < 15; i++) {
        await ours.lakehouse.append(
          name,
          `SELECT ${9000 + i} AS id, DATE '2024-07-02' AS day, 'ours' AS name`,
          commit(),
        )
      }
    }
    await Promise.all([theirs(), mine()])
    const rows = await ours.rows(name)
    expect(rows).toHaveLength(before + 20)
    expect(new Set(rows.map(({ id }) => id)).size).toBe(before + 20)
    expect(await select(name)).toEqual(rows)
  })

  it('rewrites them, and both read the same rows as before', async () => {
    for (const name of tables) {
      const before = await ours.rows(name)
      await engine.run(compact(name))
      expect(await ours.rows(name)).toEqual(before)
      expect(await select(name)).toEqual(before)
    }
  })

  it('evolves them: we read and write what it made of their columns and partitions', async () => {
    const name = 'silver.evolved'
    await engine.run(`ALTER TABLE esteira.${name} ADD COLUMN theirs DOUBLE`)
    await engine.run(`ALTER TABLE esteira.${name} RENAME COLUMN renamed TO title`)
    await engine.run(`ALTER TABLE esteira.${name} DROP COLUMN ratio`)
    await engine.run(
      kind === 'spark'
        ? `ALTER TABLE esteira.${name} ADD PARTITION FIELD bucket(4, id)`
        : `ALTER TABLE esteira.${name} SET PROPERTIES partitioning = ARRAY['bucket(id, 4)']`,
    )
    const columns = 'id, title, theirs, price, at, added, gone'
    const rest = 'NULL, NULL, NULL, NULL'
    await engine.run(
      `INSERT INTO esteira.${name} (${columns}) VALUES (70, 'seventy', 7.5, ${rest}), (71, 'more', NULL, ${rest})`,
    )
    await ours.lakehouse.append(name, "SELECT 72 AS id, 'ours' AS title, 0.5 AS theirs", commit())
    const rows = await ours.rows(name)
    expect(rows).toHaveLength(14)
    expect(await select(name)).toEqual(rows)
    expect(await select(name, 'WHERE id = 72', 'title')).toEqual([{ title: 'ours' }])
  })

  it('expires and removes files of theirs that we then no longer need', async () => {
    const name = 'silver.partitions'
    const before = await ours.rows(name)
    await ours.lakehouse.expire(name, { keepLast: 1, olderThan: new Date(Date.now() + 1000) })
    expect(await ours.lakehouse.snapshots(name)).toHaveLength(1)
    expect(await select(name)).toEqual(before)
    await engine.run(`DELETE FROM esteira.${name} WHERE id = 30`)
    await ours.lakehouse.relocate(name, `file://${join(ours.home, 'moved', 'partitions')}`)
    expect(await select(name)).toEqual(await ours.rows(name))
    expect(await ours.rows(name)).toHaveLength(before.length - 1)
  })
})

function sum(rows: readonly Row[], column: string): number {
  return rows.reduce((total, row) => total + Number(row[column]), 0)
}
