import { describe, expect, it } from 'vitest'
import { commit, openTestLakehouse } from './test-lakehouse.js'

const COLUMNS = [
  { name: 'writer', type: 'string' },
  { name: 'n', type: 'int' },
] as const

describe('maintenance beside writers', () => {
  it('loses no commit and no file: appends, replaces, upserts, compactions and expiries at once', async () => {
    const { lakehouse, home, rows } = await openTestLakehouse()
    await lakehouse.ensureTable('s.t', {
      columns: COLUMNS,
      partitionBy: [{ column: 'writer', transform: 'identity' }],
      properties: { 'commit.manifest.min-count-to-merge': '4', 'write.metadata.previous-versions-max': '3' },
    })
    // Each actor has a lakehouse of its own, as if it were another process.
    const open = async () => (await openTestLakehouse({ home })).lakehouse
    const [appender, replacer, upserter, compactor, expirer] = await Promise.all([
      open(),
      open(),
      open(),
      open(),
      open(),
    ])
    const rounds = Array.from({ length: 12 }, (_, round) => round)
    let working = true
    const writers = Promise.all([
      each(rounds, (n) => appender.append('s.t', `SELECT 'append' AS writer, ${n} AS n`, commit(`a${n}`))),
      each(rounds, (n) =>
        replacer.replace(
          's.t',
          [{ column: 'writer', op: '=', value: 'replace' }],
          `SELECT 'replace' AS writer, ${n} AS n FROM range(3)`,
          commit(`r${n}`),
        ),
      ),
      each(rounds, (n) =>
        upserter.upsert(
          's.t',
          ['writer', 'n'],
          `SELECT 'upsert' AS writer, unnest([${n}, ${n + 1}]) AS n`,
          commit(`u${n}`),
        ),
      ),
    ]).finally(() => {
      working = false
    })
    const upkeep = Promise.all([
      during(
        () => working,
        () => compactor.compact('s.t', {}, commit()),
      ),
      during(
        () => working,
        () => expirer.expire('s.t', { keepLast: 1 }),
      ),
      // A second one: what two of them remove is removed once, and neither fails.
      during(
        () => working,
        () => compactor.expire('s.t', { keepLast: 2 }),
      ),
    ])
    await writers
    await upkeep
    await lakehouse.compact('s.t', {}, commit())
    await lakehouse.expire('s.t', { keepLast: 1 })
    expect(
      await rows(
        'SELECT writer, count(*) AS n, count(DISTINCT n) AS different, min(n) AS low FROM {s.t} GROUP BY ALL ORDER BY 1',
      ),
    ).toEqual([
      { writer: 'append', n: 12, different: 12, low: 0 },
      { writer: 'replace', n: 3, different: 1, low: 11 },
      { writer: 'upsert', n: 13, different: 13, low: 0 },
    ])
    // No commit was made twice, and none is made again now.
    expect(await lakehouse.append('s.t', "SELECT 'append' AS writer", commit('a3'))).toMatchObject({ committed: false })
    // Nothing is left behind but what the table needs.
    const { files } = await lakehouse.removeOrphans('s.t', { olderThan: new Date(Date.now() + 60_000) })
    expect(files.map(({ path }) => path)).toEqual([])
  })
})

async function each(rounds: readonly number[], work: (round: number) => Promise<unknown>): Promise<void> {
  for (const round of rounds) await work(round)
}

async function during(isWorking: () => boolean, work: () => Promise<unknown>): Promise<void> {
  while (isWorking()) await work()
}
