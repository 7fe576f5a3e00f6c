import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Lakehouse } from '@esteira/core'
import { describe, expect, it } from 'vitest'
import { runPython } from '../../services/python.js'
import { commit, openTestLakehouse } from '../test-lakehouse.js'
import { startProgram } from './program.js'

const APPENDED = [
  { name: 'writer', type: 'string' },
  { name: 'n', type: 'int' },
  { name: 'id', type: 'long' },
  { name: 'filler', type: 'string' },
] as const
const SLICED = [
  { name: 'slice', type: 'string' },
  { name: 'writer', type: 'string' },
  { name: 'n', type: 'int' },
  { name: 'id', type: 'long' },
] as const

describe('writers in several processes', () => {
  it('append at once, 8 x 25 times: every commit is there once, in one line of history', {
    timeout: 900_000,
  }, async () => {
    const { lakehouse, home, rows } = await openTestLakehouse()
    await lakehouse.ensureTable('bronze.t', { columns: APPENDED })
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
    await runAll(names.map((name) => ['append-many', home, 'bronze.t', name, '25', '3']))
    expect(
      await rows(
        'SELECT writer, count(*) AS n, count(DISTINCT n) AS commits, sum(id) AS s FROM {bronze.t} GROUP BY ALL ORDER BY 1',
      ),
    ).toEqual(names.map((writer) => ({ writer, n: 75, commits: 25, s: 75 })))
    expect(await commitIds(lakehouse)).toEqual(
      names.flatMap((name) => Array.from({ length: 25 }, (_, index) => `${name}-${index}`)).sort(),
    )
    expect(await lakehouse.table('bronze.t')).toMatchObject({ rowCount: 600, fileCount: 200 })
    expect(await sequenceNumbers(home)).toEqual(Array.from({ length: 200 }, (_, index) => index + 1))
  })

  it('replace four different slices at once, and each slice holds the last rows of its writer', async () => {
    const { lakehouse, home, rows } = await openTestLakehouse()
    const slices = ['a', 'b', 'c', 'd']
    await lakehouse.ensureTable('bronze.t', { columns: SLICED })
    // All slices begin in one file, so that each writer must rewrite what the others keep.
    await lakehouse.append(
      'bronze.t',
      `SELECT unnest(['a', 'b', 'c', 'd']) AS slice, '' AS writer, -1 AS n, 0 AS id`,
      commit('first'),
    )
    await runAll(slices.map((slice) => ['replace-slice', home, 'bronze.t', slice, slice, '6']))
    expect(
      await rows('SELECT slice, writer, n, count(*) AS rows, sum(id) AS s FROM {bronze.t} GROUP BY ALL ORDER BY 1'),
    ).toEqual(slices.map((slice) => ({ slice, writer: slice, n: 5, rows: 10, s: 45 })))
    const ids = slices.flatMap((slice) => Array.from({ length: 6 }, (_, index) => `${slice}-${index}`))
    expect(await commitIds(lakehouse)).toEqual([...ids, 'first'].sort())
  })

  it('replace one slice at once: at each moment it holds the rows of one of them, whole', async () => {
    const { lakehouse, home, rows } = await openTestLakehouse()
    await lakehouse.ensureTable('bronze.t', { columns: SLICED })
    await lakehouse.append('bronze.t', `SELECT 'other' AS slice, 'x' AS writer, 0 AS n, 7 AS id`, commit('first'))
    const writers = ['a', 'b', 'c', 'd']
    await runAll(writers.map((writer) => ['replace-slice', home, 'bronze.t', 'one', writer, '6']))
    const snapshots = await lakehouse.snapshots('bronze.t')
    expect(snapshots).toHaveLength(25)
    for (const { snapshotId, summary } of snapshots.slice(1)) {
      const relation = await lakehouse.relation('bronze.t', { snapshotId })
      const found = await rows(
        `SELECT slice, writer || '-' || n AS commit, count(*) AS rows, sum(id) AS s FROM ${relation} GROUP BY ALL ORDER BY 1`,
      )
      expect(found).toEqual([
        { slice: 'one', commit: summary['esteira.commit-id'], rows: 10, s: 45 },
        { slice: 'other', commit: 'x-0', rows: 1, s: 7 },
      ])
    }
  })

  it('make the same commits at once: each is one commit, and nothing of the others is left', async () => {
    const { lakehouse, home, rows } = await openTestLakehouse()
    await lakehouse.ensureTable('bronze.t', { columns: APPENDED })
    const outputs = await runAll(Array.from({ length: 4 }, () => ['append-many', home, 'bronze.t', 'same', '10', '3']))
    const made = outputs.map((output) => Number(/^committed (\d+)$/m.exec(output)?.[1]))
    expect(made.reduce((sum, each) => sum + each, 0)).toBe(10)
    expect(await rows('SELECT count(*) AS rows, count(DISTINCT n) AS n FROM {bronze.t}')).toEqual([{ rows: 30, n: 10 }])
    expect(await lakehouse.snapshots('bronze.t')).toHaveLength(10)
    const files = await readdir(join(home, 'lakehouse/bronze/t/data'))
    expect(files).toHaveLength(10)
  })
})

/** Runs programs at once, each to its good end, and gives what they printed. */
async function runAll(programs: readonly (readonly string[])[]): Promise<readonly string[]> {
  const ends = await Promise.all(programs.map(([name = '', ...args]) => startProgram(name, args).ended))
  expect(ends).toEqual(ends.map(() => ({ code: 0, output: expect.not.stringContaining('failed') })))
  return ends.map(({ output }) => output)
}

/** Checks that the history is one line, and gives its commit ids, sorted. */
async function commitIds(lakehouse: Lakehouse): Promise<readonly (string | undefined)[]> {
  const snapshots = await lakehouse.snapshots('bronze.t')
  expect(snapshots.map(({ parentId }) => parentId)).toEqual([
    undefined,
    ...snapshots.slice(0, -1).map(({ snapshotId }) => snapshotId),
  ])
  return snapshots.map(({ summary }) => summary['esteira.commit-id']).sort()
}

/** Sequence numbers of the snapshots, from the oldest, as PyIceberg follows them from the current one. */
async function sequenceNumbers(home: string): Promise<unknown> {
  return JSON.parse(
    await runPython(
      `
import json, sys
from pyiceberg.catalog.sql import SqlCatalog
metadata = SqlCatalog("esteira", uri=f"sqlite:///{sys.argv[1]}/catalog.db").load_table("bronze.t").metadata
at, numbers = metadata.current_snapshot(), []
while at is not None:
    numbers.insert(0, at.sequence_number)
    at = None if at.parent_snapshot_id is None else metadata.snapshot_by_id(at.parent_snapshot_id)
print(json.dumps(numbers))
`,
      [home],
    ),
  )
}
