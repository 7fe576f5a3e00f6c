import { describe, expect, it } from 'vitest'
import { openTestLakehouse } from '../test-lakehouse.js'
import { startProgram } from './program.js'
import { afterChange, COLUMNS, kindOf, type Rows } from './programs/changes.js'
import { digestOf, expectedDigest, pyIcebergDigest } from './table-digest.js'

const TABLE = 'bronze.t'
/** What every change of rows goes through, in this order; the swap is the commit point. */
const NAMED = [
  'before data files',
  'after data file',
  'before manifest',
  'half of manifest',
  'after manifest',
  'before manifest list',
  'half of manifest list',
  'after manifest list',
  'before metadata file',
  'half of metadata file',
  'after metadata file',
  'before the swap',
  'after the swap',
]

describe('a writer killed at each step of a commit', () => {
  it.each(['append', 'replace'] as const)(
    'leaves the table as before until the swap, and as after it from then on: %s',
    { timeout: 180_000 },
    async (kind) => {
      const { home, lakehouse, rows: read } = await openTestLakehouse()
      await lakehouse.ensureTable(TABLE, { columns: COLUMNS })
      let rows: Rows = new Map()
      let n = 0
      /** Makes the next change up to a step, checks the table, and gives what the writer said. */
      const change = async (step: string) => {
        const { code, output } = await startProgram('die-at-step', [home, TABLE, String(n), step]).ended
        const steps = output.trim().split('\n')
        const committed = steps.pop() === 'committed'
        if (committed) rows = afterChange(rows, n++)
        expect([step, await digestOf(read, TABLE)]).toEqual([step, expectedDigest(rows)])
        return { code, steps, committed }
      }
      /** Changes of other kinds in between are made whole: the table lives on. */
      const reachKind = async () => {
        while (kindOf(n) !== kind) await change('')
      }
      await reachKind()
      const { steps } = await change('')
      const distinct = [...new Set(steps)]
      expect(distinct.filter((step) => NAMED.includes(step))).toEqual(NAMED)
      for (const step of distinct) {
        await reachKind()
        const { code, committed } = await change(step)
        expect([step, code, committed]).toEqual([
          step,
          'SIGKILL',
          distinct.indexOf(step) > distinct.indexOf('before the swap'),
        ])
      }
      expect((await lakehouse.snapshots(TABLE)).length).toBe(n)
      expect(await pyIcebergDigest(home, TABLE)).toEqual(expectedDigest(rows))
    },
  )
})
