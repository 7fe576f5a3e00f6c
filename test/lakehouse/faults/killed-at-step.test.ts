import { describe, expect, it } from 'vitest'
import { openTestLakehouse } from '../test-lakehouse.js'
import { startProgram } from './program.js'
import { afterChange, COLUMNS, kindOf, makeChange, type Rows } from './programs/changes.js'
import { digestOf, expectedDigest, pyIcebergDigest } from './table-digest.js'

const TABLE = 'bronze.t'
const DATA = ['before data files', 'after data file']
const SNAPSHOT = ['manifest', 'manifest list'].flatMap((kind) => [`before ${kind}`, `half of ${kind}`, `after ${kind}`])
/** The swap is the commit point. */
const COMMIT = [
  'before metadata file',
  'half of metadata file',
  'after metadata file',
  'before the swap',
  'after the swap',
]
const REMOVAL = ['before removing data file', 'before removing manifest', 'before removing manifest list']

const AFTER = ['after the swap', ...REMOVAL]

describe('a writer killed at each step of a commit', () => {
  it.each([
    ['append', [...DATA, ...SNAPSHOT, ...COMMIT]],
    ['replace', [...DATA, ...SNAPSHOT, ...COMMIT]],
    ['upsert', [...DATA, ...SNAPSHOT, ...COMMIT]],
    ['delete', [...SNAPSHOT, ...COMMIT]],
    ['compact', [...DATA, ...SNAPSHOT, ...COMMIT]],
    ['expire', [...COMMIT, ...REMOVAL]],
  ] as const)(
    'leaves the table as before until the swap, then as after it: %s',
    { timeout: 600_000 },
    async (kind, named) => {
      const { home, lakehouse, rows: read } = await openTestLakehouse()
      await lakehouse.ensureTable(TABLE, { columns: COLUMNS })
      let rows: Rows = new Map()
      let n = 0
      /** The next change of the kind; those of other kinds in between are made whole: the table lives on. */
      const reachKind = async () => {
        for (; kindOf(n) !== kind || n < FIRST_ROUND; n++) {
          await makeChange(lakehouse, TABLE, n)
          rows = afterChange(rows, n)
        }
      }
      /** Makes the next change in processes that end at these steps, and gives what each said; the table is checked. */
      const change = async (...ends: readonly string[]) => {
        const runs = ends.map((end) => startProgram('die-at-step', [home, TABLE, String(n), end]).ended)
        const said = (await Promise.all(runs)).map(({ code, output }) => ({ code, lines: output.trim().split('\n') }))
        if (said.some(({ lines }) => lines.at(-1) === 'done')) rows = afterChange(rows, n++)
        expect([ends, await digestOf(read, TABLE)]).toEqual([ends, expectedDigest(rows)])
        return said
      }
      await reachKind()
      const [whole] = await change('')
      expect([...new Set(whole?.lines)].filter((step) => COMMIT.includes(step))).toEqual(COMMIT)
      const before = named.filter((step) => !AFTER.includes(step))
      await reachKind()
      for (let index = 0; index < before.length; index += 2) {
        const killed = await change(...before.slice(index, index + 2))
        expect(killed).toEqual(killed.map(() => ({ code: 'SIGKILL', lines: ['not done'] })))
      }
      for (const step of named.filter((each) => AFTER.includes(each))) {
        await reachKind()
        expect([step, await change(step)]).toEqual([step, [{ code: 'SIGKILL', lines: ['done'] }]])
      }
      await reachKind()
      expect(await pyIcebergDigest(home, TABLE)).toEqual(expectedDigest(rows))
    },
  )
})

/** From here on every kind of change finds something to do. */
const FIRST_ROUND = 10
